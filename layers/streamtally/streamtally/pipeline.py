"""The batch's way: records → lines → rows → outputs → answer. Everything here is pure; the edges do what it returns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.answer import DROPPED, FAILED, MAX_RESPONSE_BYTES, OK, Result, choose_overflow
from streamtally.bounds import BEYOND, ROW_OUTPUTS, Bounds, choose_unread, turn
from streamtally.canonical import digest
from streamtally.config.outputs import ERROR_STREAM, output_settings
from streamtally.config.source import SINGLE, source_settings
from streamtally.documents import add_line_ids, batch_account
from streamtally.envelope import UNSEALED, Seal
from streamtally.errors import PlanError, SettingsError
from streamtally.fingerprint import Batch, describe_batch
from streamtally.ledger import Ledger, OutputLedger
from streamtally.lines import LineReader, count_lines, has_several_lines
from streamtally.plan.rows import RowOutput, compile_row_output
from streamtally.plan.windowed import WindowedOutput, compile_windowed_output
from streamtally.putting_back import may_go_back, to_envelopes, to_single_lines
from streamtally.records import ANY_AGE_MS, Record, RecordGroup, group_records
from streamtally.source import Source, ZoneOf
from streamtally.targets import Output, make_targets

PLAN_VERSION = 1
MS_PER_DAY = 86_400_000
OVERFLOW = "the answer would pass 6 MB"
_ANSWER_TIMES = 3
"""How many times its bytes a line takes in the answer, where that is not known yet: JSON with names, in base64."""
SEVERAL_LINES = "several lines in a record, and framing is single"


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

    @property
    def bounds(self) -> Bounds:
        """What one invocation reads."""
        settings = self.source.settings
        rows = sum(isinstance(output, RowOutput) for output in self.outputs.values())
        return Bounds(settings.read_bytes, settings.read_lines * ROW_OUTPUTS // max(ROW_OUTPUTS, rows))

    @property
    def max_age_ms(self) -> int:
        """How long ago what is to be counted may have arrived: as long as its partials are kept, or its rows."""
        settings = [(output, output.settings) for output in self.outputs.values()]
        days = [
            each.partials_days if isinstance(output, WindowedOutput) else each.retention.max_age_days
            for output, each in settings
        ]
        return max((ANY_AGE_MS if kept is None else int(kept * MS_PER_DAY) for kept in days), default=ANY_AGE_MS)

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
    """What a batch comes to: the answers in the records' order, the account, and what is put before the answer.

    ``put_back`` goes into the source stream.
    """

    results: list[Result]
    deliveries: list[Delivery]
    ledger: Ledger
    put_back: list[bytes] = field(default_factory=list)


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


def transform(
    pipeline: Pipeline,
    records: Sequence[Record],
    max_response_bytes: int = MAX_RESPONSE_BYTES,
    can_put_back: bool = False,
    batch_id: str | None = None,
    seal: Seal = UNSEALED,
    bounds: Bounds | None = None,
) -> Outcome:
    """Everything that a batch comes to.

    Records that would make the answer too large count nowhere here: they go back into the source stream, or are
    answered ProcessingFailed. Which ones is decided over the whole batch, so they are left out in a second run over it.
    Where one line a record is asked for, a record of several goes back too, each line by itself.

    Args:
        can_put_back: whether the caller puts ``Outcome.put_back`` into the source stream before it answers.
        batch_id: of the fresh records, where it is known and their identities are not.
        seal: signs what goes back.
        bounds: what is read at most, in place of the pipeline's own.
    Raises: ResponseTooLargeError: not even without those records does an answer fit.
    """
    limits = bounds or pipeline.bounds
    unread = {
        id(record): to_envelopes(record, _ANSWER_TIMES * len(record.payload or b""), max_response_bytes,
                                 pipeline.source, seal, limits)
        if can_put_back
        else []
        for record in choose_unread(records, limits)
    }  # fmt: skip
    readable = [record for record in records if id(record) not in unread] if unread else records
    apart = unread | (_take_apart(pipeline, readable, seal) if can_put_back else {})
    batch = describe_batch(records)
    beyond = frozenset(unread)
    run = _Run(pipeline, records, apart, batch_id=batch_id, batch=batch, beyond=beyond)
    if run.ambiguous:
        del run  # its documents may be a hundred thousand, and are made again
        run = _Run(pipeline, records, apart, by_row=True, batch_id=batch_id, batch=batch, beyond=beyond)
    may_return = (lambda place: may_go_back(records[place])) if can_put_back else (lambda place: False)
    places = choose_overflow(run.results, lambda place: turn(records[place]), max_response_bytes, may_return)
    if places:
        left_out = {
            id(records[place]): to_envelopes(
                records[place], run.results[place].size_bytes(), max_response_bytes, pipeline.source, seal, limits
            )
            if can_put_back
            else []
            for place in places
        }
        del run
        run = _Run(pipeline, records, apart | left_out, by_row=True, batch_id=batch_id, batch=batch, beyond=beyond)
    return run.outcome()


def _take_apart(pipeline: Pipeline, records: Sequence[Record], seal: Seal) -> dict[int, list[bytes]]:
    """The records (by ``id``) that hold several lines though one a record is asked for → an envelope for each line."""
    source = pipeline.source
    if source.settings.framing != SINGLE:
        return {}
    several = [each for each in records if each.payload is not None and has_several_lines(each, source)]
    envelopes = {id(record): to_single_lines(record, source, seal) for record in several}
    return {place: each for place, each in envelopes.items() if each}


class _Run:
    """One run over a batch.

    Args:
        left_out: the records (by ``id``) that are not read, since the answer would be too large or their lines must go
            alone → what is put back of each; nothing: it is answered ProcessingFailed.
        by_row: evaluate every row by itself (see :attr:`streamtally.targets.WindowedTarget.ambiguous`).
        batch: what the records are together, where that is known.
        beyond: those left out (by ``id``) since an invocation does not read as much.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        records: Sequence[Record],
        left_out: Mapping[int, list[bytes]] | None = None,
        by_row: bool = False,
        batch_id: str | None = None,
        batch: Batch | None = None,
        beyond: frozenset[int] = frozenset(),
    ) -> None:
        self.pipeline = pipeline
        # The error output shows the rows themselves, so that none is counted by what the outputs read of it.
        self.by_row = by_row or ERROR_STREAM in pipeline.outputs
        self.single = pipeline.source.settings.framing == SINGLE
        self.ambiguous = False
        self.batch = batch or describe_batch(records)
        self.left_out = left_out or {}
        self.beyond = beyond
        self.batch_id = batch_id
        self.ledger = Ledger(records=len(records))
        for name in pipeline.outputs:
            self.ledger.outputs[name] = OutputLedger()
        self.deliveries: dict[str | None, Delivery] = {}
        results: dict[int, Result] = {}
        groups = group_records(records)
        for group in groups:
            self._run_group(group, results)
        self.results = [results[id(record)] for record in records]
        self._count_results()

    def outcome(self) -> Outcome:
        deliveries = [each for each in self.deliveries.values() if each.documents]
        put_back = [envelope for envelopes in self.left_out.values() for envelope in envelopes]
        return Outcome(self.results, deliveries, self.ledger, put_back)

    def _run_group(self, group: RecordGroup, results: dict[int, Result]) -> None:
        batch_id = group.batch_id if self.batch_id is None or group.is_part else self.batch_id
        account = batch_account(self.batch, batch_id, self.pipeline.plan_id)
        outputs = {} if group.is_counted else self.pipeline.outputs
        targets = make_targets(outputs, self.ledger.outputs, account)
        readable = [
            record for record in group.records if record.payload is not None and id(record) not in self.left_out
        ]
        if self.single or len(readable) < len(group.records):
            refused = dict(self._refuse(group))
            results.update(refused)
            readable = [record for record in readable if id(record) not in refused]
        rows_before, line_ids = self.ledger.rows, self.pipeline.source.settings.line_id
        reader = LineReader(self.pipeline.source, self.ledger, targets, self.by_row)
        for record, data, rows in reader.read(readable):
            result = OK if rows else FAILED if data else DROPPED
            # A destination of one document a record ends it itself; a second line end would be an empty document.
            text = (data.rstrip("\n") if self.single else data) if rows else ""
            if line_ids:
                text = add_line_ids(text, record.identity)
            results[id(record)] = Result(record.id, result, text.encode(), record.raw)
        if group.is_counted:  # lines for S3 alone: no output has them a second time
            for output in self.ledger.outputs.values():
                output.filtered += self.ledger.rows - rows_before
        for target in targets:
            documents = target.close(*group.arrivals)
            self.ambiguous |= target.ambiguous
            stream = target.output.settings.stream
            self.deliveries.setdefault(stream, Delivery(stream, [])).documents += documents

    def _refuse(self, group: RecordGroup) -> Iterator[tuple[int, Result]]:
        """The results of the records that are not read at all."""
        for record in group.records:
            if self.left_out.get(id(record)):
                self.ledger.reingested += count_lines(record)
                yield id(record), Result(record.id, DROPPED, b"", record.raw)
            elif id(record) in self.left_out:
                yield (
                    id(record),
                    self._fail(record, count_lines(record), BEYOND if id(record) in self.beyond else OVERFLOW),
                )
            elif record.payload is None:
                yield id(record), self._fail(record, 1, record.error)
            elif self.single and has_several_lines(record, self.pipeline.source):
                yield id(record), self._fail(record, count_lines(record), SEVERAL_LINES)

    def _fail(self, record: Record, lines: int, reason: str) -> Result:
        self.ledger.failed += lines
        self.ledger.reasons[reason] += lines
        return Result(record.id, FAILED, b"", record.raw)

    def _count_results(self) -> None:
        others = [result.result for result in self.results if result.result != OK]
        self.ledger.ok = len(self.results) - len(others)
        self.ledger.dropped, self.ledger.processing_failed = map(others.count, (DROPPED, FAILED))


def iter_documents(deliveries: Iterable[Delivery]) -> Iterable[bytes]:
    """All documents, of whatever stream."""
    for delivery in deliveries:
        yield from delivery.documents
