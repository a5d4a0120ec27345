"""A batch's way, top to bottom: records → lines → rows → outputs → response. Pure; the edges do what it returns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from streamtally.config.outputs import ERROR_STREAM
from streamtally.config.source import SINGLE
from streamtally.transform.batch import Batch, describe_batch
from streamtally.transform.bounds import BEYOND, Bounds, choose_unread, turn
from streamtally.transform.documents import add_line_ids, batch_account
from streamtally.transform.envelope import UNSEALED, Seal
from streamtally.transform.ledger import Ledger, OutputLedger
from streamtally.transform.lines import LineReader, count_lines, has_several_lines
from streamtally.transform.outputs import make_targets
from streamtally.transform.pipeline import _ANSWER_TIMES, Pipeline
from streamtally.transform.records import Record, RecordGroup, group_records
from streamtally.transform.reingest import may_go_back, to_envelopes, to_single_lines
from streamtally.transform.response import DROPPED, FAILED, MAX_RESPONSE_BYTES, OK, Result, choose_overflow

OVERFLOW = "the answer would pass 6 MB"


SEVERAL_LINES = "several lines in a record, and framing is single"


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
    return {place: envelope for place, envelope in envelopes.items() if envelope}


class _Run:
    """One run over a batch.

    Args:
        left_out: the records (by ``id``) that are not read, since the answer would be too large or their lines must go
            alone → what is put back of each; nothing: it is answered ProcessingFailed.
        by_row: evaluate every row by itself (see :attr:`streamtally.transform.outputs.WindowedTarget.ambiguous`).
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
        deliveries = [delivery for delivery in self.deliveries.values() if delivery.documents]
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
