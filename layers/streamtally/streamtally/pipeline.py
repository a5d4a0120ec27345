"""The batch's way: records → lines → rows → outputs → answer. Everything here is pure; the edges do what it returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from streamtally.answer import DROPPED, FAILED, MAX_RESPONSE_BYTES, OK, Result, choose_overflow
from streamtally.canonical import digest
from streamtally.documents import (
    MAX_DOCUMENT_BYTES,
    batch_account,
    encode_document,
    partial_document,
    row_document,
    row_id,
)
from streamtally.errors import EvaluationError, FormatError, PlanError, SettingsError
from streamtally.formats.base import Row
from streamtally.ledger import Ledger, OutputLedger
from streamtally.outputs import output_settings
from streamtally.plan.codegen import FILTERED, OUT_OF_RANGE
from streamtally.plan.rows import RowOutput, compile_row_output
from streamtally.plan.windowed import Group, WindowedOutput, compile_windowed_output
from streamtally.records import Batch, Record, RecordGroup, describe_batch, group_records, read_lines
from streamtally.source import Source, ZoneOf, source_settings

Output = RowOutput | WindowedOutput

PLAN_VERSION = 1
OVERFLOW = "the answer would pass 6 MB"
TOO_LARGE = "the document is larger than a record may be"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline ready to run.

    Attributes:
        source: reads lines; outputs: by name, in the plan's order.
        plan_id: hash of all that decides which partials a batch makes.
        document: the ``pipeline.json`` it was made of.
    """

    source: Source
    outputs: Mapping[str, Output]
    plan_id: str
    document: Mapping[str, Any]

    def output(self, name: str) -> Output:
        """An output by its name. Raises: KeyError."""
        return self.outputs[name]


@dataclass(slots=True)
class Delivery:
    """Documents for one delivery stream (None: the one that the environment names), each one line of JSON."""

    stream: str | None
    documents: list[bytes]


@dataclass(slots=True)
class Outcome:
    """What a batch comes to: the answers in the records' order, documents to put first, and the account."""

    results: list[Result]
    deliveries: list[Delivery]
    ledger: Ledger


def load_pipeline(document: Mapping[str, Any], zone_of: ZoneOf) -> Pipeline:
    """A pipeline from ``pipeline.json``.

    Args: zone_of: a time zone's name → the zone (zoneinfo.ZoneInfo reads files, so the edge hands it in).
    Raises: SettingsError, PlanError: the text says what in it cannot be used.
    """
    if not isinstance(document, Mapping) or not {"source", "outputs", "plan"} <= set(document):
        raise PlanError("not a pipeline: it has 'source', 'outputs' and 'plan' (make it with streamtally compile)")
    source = Source(source_settings(document["source"]), zone_of)
    plan = document["plan"]
    if plan.get("version") != PLAN_VERSION:
        raise PlanError(f"plan version {plan.get('version')!r}: this release reads {PLAN_VERSION}; compile it again")
    outputs: dict[str, Output] = {}
    for node in plan["outputs"]:
        output = _compile_output(node, document["outputs"], source)
        if output.name in outputs:
            raise PlanError(f"output {output.name!r} is there twice")
        outputs[output.name] = output
    return Pipeline(source, outputs, _plan_id(document), document)


def _compile_output(node: dict[str, Any], settings: Mapping[str, Any], source: Source) -> Output:
    name = str(node.get("name") or "")
    stream = node.get("stream", name)
    if not name or stream not in settings:
        raise SettingsError(f"the plan's output {name!r} has no settings: add [outputs.{stream}] to pipeline.toml")
    chosen = output_settings(stream, settings[stream])
    try:
        if node.get("kind") == "row":
            return compile_row_output(node, chosen, source)
        if node.get("kind") == "windowed":
            return compile_windowed_output(node, chosen, source)
        raise PlanError(f"unknown kind {node.get('kind')!r}: it is 'row' or 'windowed'")
    except KeyError as error:
        raise PlanError(f"output {name!r}: {error} is missing in the plan") from None
    except PlanError as error:
        raise PlanError(f"output {name!r}: {error}") from None


def _plan_id(document: Mapping[str, Any]) -> str:
    # Whatever makes a batch give other partials: the plan, how rows are read, and which event times are believed.
    horizons = {
        name: [settings.get("max_past_seconds"), settings.get("max_ahead_seconds")]
        for name, settings in document["outputs"].items()
    }
    return digest([document["plan"], document["source"], horizons])


def transform(pipeline: Pipeline, records: Sequence[Record], max_response_bytes: int = MAX_RESPONSE_BYTES) -> Outcome:
    """Everything that a batch comes to.

    Records that would make the answer too large are answered ProcessingFailed, and count nowhere; which ones is decided
    over the whole batch, so they are left out in a second run over it.
    Raises: ResponseTooLargeError: not even the records as they came fit into an answer.
    """
    run = _Run(pipeline, records, frozenset())
    identities = [record.identity for record in records]
    overflow = choose_overflow(run.results, identities, max_response_bytes)
    if overflow:
        run = _Run(pipeline, records, overflow)
    return run.outcome()


@dataclass(slots=True)
class _Target:
    """An output with what the rows of one group of records have made in it so far."""

    output: Output
    account: OutputLedger
    past_ms: int
    ahead_ms: int
    groups: Group = field(default_factory=dict)
    documents: list[bytes] = field(default_factory=list)


class _Run:
    """One run over a batch; ``overflow`` are the places of the records to leave out."""

    def __init__(self, pipeline: Pipeline, records: Sequence[Record], overflow: frozenset[int]) -> None:
        self.pipeline = pipeline
        self.batch = describe_batch(records)
        self.ledger = Ledger(records=len(records))
        for name in pipeline.outputs:
            self.ledger.outputs[name] = OutputLedger()
        self.deliveries: dict[str | None, Delivery] = {}
        left_out = {id(records[place]) for place in overflow}
        results: dict[int, Result] = {}
        for group in group_records(records):
            self._run_group(group, left_out, results)
        self.results = [results[id(record)] for record in records]
        self._count_results()

    def outcome(self) -> Outcome:
        return Outcome(self.results, [each for each in self.deliveries.values() if each.documents], self.ledger)

    def _run_group(self, group: RecordGroup, left_out: set[int], results: dict[int, Result]) -> None:
        targets = [self._target(output) for output in self.pipeline.outputs.values()]
        account = batch_account(self.batch, group.batch_id, self.pipeline.plan_id)
        for record in group.records:
            if id(record) in left_out:
                result = self._fail(record, _count_lines(record), OVERFLOW)
            elif record.payload is None:
                result = self._fail(record, 1, record.error)
            else:
                result = self._run_record(record, targets, account)
            results[id(record)] = result
        for target in targets:
            self._close_target(target, account)

    def _target(self, output: Output) -> _Target:
        settings = output.settings
        account = self.ledger.outputs[output.name]
        return _Target(output, account, settings.max_past_seconds * 1000, settings.max_ahead_seconds * 1000)

    def _fail(self, record: Record, lines: int, reason: str) -> Result:
        self.ledger.failed += lines
        self.ledger.reasons[reason] += lines
        return Result(record.id, FAILED, b"", record.raw)

    def _run_record(self, record: Record, targets: list[_Target], account: dict[str, Any]) -> Result:
        source, ledger = self.pipeline.source, self.ledger
        parse, dumps, newline, takes_json = source.parse, orjson.dumps, orjson.OPT_APPEND_NEWLINE, source.takes_json
        parsed = empty = 0
        out: list[bytes] = []
        for number, line in enumerate(_record_lines(record, source)):
            if not line:
                empty += 1
                continue
            try:
                row = parse(line)
            except FormatError as error:
                ledger.unparsed += 1
                ledger.reasons[error.reason] += 1
                out.append(dumps({"unparsed": line, "reason": error.reason}, option=newline))
                continue
            parsed += 1
            out.append(line.encode() + b"\n" if takes_json and source.is_json(line) else dumps(row, None, newline))
            for target in targets:
                _feed(target, row, record, number, account)
        ledger.rows += parsed
        ledger.empty += empty
        if parsed:
            return Result(record.id, OK, b"".join(out), record.raw)
        return Result(record.id, FAILED if out else DROPPED, b"", record.raw)

    def _close_target(self, target: _Target, account: dict[str, Any]) -> None:
        """Turn what a group's rows made into documents, and count the rows that are in them."""
        output = target.output
        if isinstance(output, WindowedOutput):
            for key in sorted(target.groups, key=repr):
                _add_partial(target, output, key, target.groups.pop(key), account)
        target.account.documents += len(target.documents)
        stream = output.settings.stream
        self.deliveries.setdefault(stream, Delivery(stream, [])).documents += target.documents

    def _count_results(self) -> None:
        for result in self.results:
            if result.result == OK:
                self.ledger.ok += 1
            elif result.result == DROPPED:
                self.ledger.dropped += 1
            else:
                self.ledger.processing_failed += 1


def _count_lines(record: Record) -> int:
    """How many lines a record has that is refused whole; one that cannot be decoded counts as one."""
    return 1 if record.payload is None else len(read_lines(record.payload))


def _record_lines(record: Record, source: Source) -> list[str]:
    lines = read_lines(record.payload or b"")
    if len(lines) > 1 and source.takes_json and lines[0].lstrip()[:1] == "{" and lines[0].rstrip()[-1:] != "}":
        return _join_pretty(lines, source)
    return lines


def _join_pretty(lines: list[str], source: Source) -> list[str]:
    """One JSON object written over many lines (the Kinesis Agent's PRETTYPRINT) as one line; else the lines."""
    joined = " ".join(line.strip() for line in lines)  # inside strict JSON's strings no line can end
    try:
        source.parse(joined)
    except FormatError:
        return lines
    return [joined]


def _feed(target: _Target, row: Row, record: Record, number: int, account: dict[str, Any]) -> None:
    """Give a row to an output; whatever a hostile value makes Python raise is this row's fate and no other's."""
    output, arrival = target.output, record.arrival
    low, high = arrival - target.past_ms, arrival + target.ahead_ms
    try:
        if isinstance(output, WindowedOutput):
            fate = output.add(row, arrival, low, high, target.groups)
        else:
            fate = _add_row(target, output, output.make(row, arrival, low, high), record, number, account)
    except Exception as error:
        _count_failure(target.account, _reason(error), 1)
        return
    if fate == FILTERED:
        target.account.filtered += 1


def _add_row(
    target: _Target,
    output: RowOutput,
    made: tuple[int, int, dict[str, Any] | None],
    record: Record,
    number: int,
    account: dict[str, Any],
) -> int:
    fate, time, columns = made
    if columns is None:
        return FILTERED
    out_of_range = fate == OUT_OF_RANGE
    identity = row_id(output.name, record.identity, number)
    document = encode_document(row_document(output, columns, time, identity, out_of_range, account))
    if len(document) > MAX_DOCUMENT_BYTES:
        raise EvaluationError(TOO_LARGE)
    target.documents.append(document)
    target.account.out_of_range += out_of_range
    target.account.emitted += not out_of_range
    return fate


def _add_partial(
    target: _Target, output: WindowedOutput, key: tuple[Any, ...], group: list[Any], account: dict[str, Any]
) -> None:
    rows, out_of_range = group[0], group[1]
    try:
        document = encode_document(partial_document(output, key, group, account))
    except Exception as error:
        _count_failure(target.account, _reason(error), rows)
        return
    if len(document) > MAX_DOCUMENT_BYTES:
        _count_failure(target.account, TOO_LARGE, rows)
        return
    target.documents.append(document)
    target.account.out_of_range += out_of_range
    target.account.emitted += rows - out_of_range


def _count_failure(account: OutputLedger, reason: str, rows: int) -> None:
    account.eval_failed += rows
    account.reasons[reason] += rows


def _reason(error: Exception) -> str:
    """A short, stable reason that holds nothing of the row."""
    return str(error) if isinstance(error, EvaluationError) else f"cannot be evaluated ({type(error).__name__})"


def iter_documents(deliveries: Iterable[Delivery]) -> Iterable[bytes]:
    """All documents, of whatever stream."""
    for delivery in deliveries:
        yield from delivery.documents


__all__ = ["Batch", "Delivery", "Outcome", "Output", "Pipeline", "iter_documents", "load_pipeline", "transform"]
