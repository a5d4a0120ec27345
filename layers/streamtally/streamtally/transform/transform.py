"""What happens to a batch, top to bottom: records → lines → rows → outputs → response. Pure; the edges do the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from streamtally.config.outputs import ERROR_STREAM
from streamtally.config.source import SINGLE
from streamtally.errors import SettingsError
from streamtally.transform.batch import Batch, describe_batch
from streamtally.transform.bounds import Bounds, reading_order
from streamtally.transform.documents import add_line_ids, batch_info
from streamtally.transform.envelope import UNSEALED, Seal
from streamtally.transform.ledger import Ledger, OutputLedger
from streamtally.transform.lines import LineReader
from streamtally.transform.outputs import make_writers
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.record import Record, Records, as_records, columns_of
from streamtally.transform.record_lines import count_lines
from streamtally.transform.records import RecordGroup, group_records
from streamtally.transform.reingest import Reingestion, can_reingest_again
from streamtally.transform.response import (
    DROPPED,
    FAILED,
    MAX_RESPONSE_BYTES,
    OK,
    Response,
    choose_overflow,
    new_response,
)
from streamtally.transform.routes import READ, Fail, Reingest, Route, choose_routes, route_overflow, without_empty_lines


@dataclass(slots=True)
class Delivery:
    """Documents for one delivery stream."""

    stream: str | None
    """The stream's name; None: the one that the environment names."""
    documents: list[bytes]
    """Each one line of JSON."""


@dataclass(slots=True)
class Outcome:
    """What a batch comes to."""

    responses: list[Response]
    """One per record, in the records' order."""
    deliveries: list[Delivery]
    """Documents to be sent before the batch is answered."""
    ledger: Ledger
    envelopes: list[bytes] = field(default_factory=list)
    """What is re-ingested: to be sent into the source stream before the batch is answered."""
    is_ambiguous: bool = False
    """Whether plain lines were counted together although an event time is believed for some arrivals only."""


def transform(
    pipeline: Pipeline,
    records: Sequence[Record],
    max_response_bytes: int = MAX_RESPONSE_BYTES,
    can_reingest: bool = False,
    batch_id: str | None = None,
    seal: Seal = UNSEALED,
    bounds: Bounds | None = None,
) -> Outcome:
    """Everything that a batch comes to.

    Records that would make the response too large are counted nowhere here: they are re-ingested, or answered
    ProcessingFailed. Which ones is decided over the whole batch, so they are left out of a second pass over it.

    Args:
        can_reingest: whether the caller sends ``Outcome.envelopes`` into the source stream before it answers.
        batch_id: of the fresh records, where it is known and their identities are not.
        seal: signs the envelopes.
        bounds: what is read at most, in place of the pipeline's own.
    Raises:
        ResponseTooLargeError: no response fits even if every record is left out.
        SettingsError: a reference table was not loaded.
    """
    if missing := pipeline.missing_tables:
        raise SettingsError(f"reference table {missing[0]}: its object in S3 was not read")
    bounds = bounds or pipeline.bounds
    reingestion = Reingestion(pipeline.source, seal, bounds, max_response_bytes) if can_reingest else None
    records = as_records(records)
    batch = describe_batch(records)
    routes = choose_routes(pipeline.source, records, bounds, reingestion)
    records = without_empty_lines(records, routes)
    run = partial(run_batch, pipeline, records, batch=batch, batch_id=batch_id)
    outcome = run(routes)
    if outcome.is_ambiguous:
        del outcome  # its documents may be a hundred thousand, and are made again
        outcome = run(routes, by_arrival=True)
    overflow = choose_overflow(
        outcome.responses,
        lambda index: reading_order(records[index]),
        max_response_bytes,
        lambda index: can_reingest and can_reingest_again(records[index]),
    )
    if not overflow:
        return outcome
    routes = [
        route_overflow(records[index], route, outcome.responses[index], reingestion) if index in overflow else route
        for index, route in enumerate(routes)
    ]
    del outcome
    return run(routes, by_arrival=True)


def run_batch(
    pipeline: Pipeline,
    records: Sequence[Record],
    routes: Sequence[Route],
    by_row: bool = False,
    batch: Batch | None = None,
    batch_id: str | None = None,
    by_arrival: bool = False,
) -> Outcome:
    """One pass over a batch: each group of records is refused or read, counted and closed.

    Args:
        by_row: evaluate every row by itself.
        by_arrival: see :class:`streamtally.transform.window_writer.WindowWriter`.
        batch: the records together, where that is known.
        batch_id: see :func:`transform`.
    """
    ledger = empty_ledger(pipeline, len(records))
    batch = batch or describe_batch(records)
    # The error output shows the rows themselves, so rows are not counted by the fields that the outputs read.
    by_row = by_row or ERROR_STREAM in pipeline.outputs
    responses: dict[int, Response] = {}
    deliveries: dict[str | None, Delivery] = {}
    is_ambiguous = False
    for indices in group_records(records):
        is_whole = len(indices) == len(records)
        group = RecordGroup(records if is_whole else Records([records[index] for index in indices]))
        info = batch_info(
            batch, batch_id if batch_id is not None and not group.is_part else group.batch_id, pipeline.plan_id
        )
        outputs = {} if group.is_counted else pipeline.outputs
        arrivals = group.arrivals
        writers = make_writers(outputs, ledger.outputs, info, arrivals, by_arrival)
        readable, to_read = indices, group.records
        if routes.count(READ) < len(routes):
            responses.update(_refuse(records, routes, indices, ledger))
            readable = [index for index in indices if routes[index] is READ]
            to_read = Records([records[index] for index in readable])
        reader, rows_before = LineReader(pipeline.source, ledger, writers, by_row), ledger.rows
        responses.update(_read(pipeline, to_read, readable, reader))
        if group.is_counted:  # its lines go to S3 alone: no output counts them a second time
            for output in ledger.outputs.values():
                output.filtered += (ledger.rows - rows_before) * output.passes
        for writer in writers:
            documents = writer.close(*arrivals)
            is_ambiguous |= writer.is_ambiguous
            stream = writer.output.settings.stream
            deliveries.setdefault(stream, Delivery(stream, [])).documents += documents
    ordered = [responses[index] for index in range(len(records))]
    count_results(ledger, ordered)
    envelopes = [envelope for route in routes if isinstance(route, Reingest) for envelope in route.envelopes]
    sent = [delivery for delivery in deliveries.values() if delivery.documents]
    return Outcome(ordered, sent, ledger, envelopes, is_ambiguous)


def empty_ledger(pipeline: Pipeline, records: int) -> Ledger:
    """The ledger of a batch of so many records of which nothing is read yet."""
    outputs = {name: OutputLedger(passes=output.passes) for name, output in pipeline.outputs.items()}
    return Ledger(records=records, outputs=outputs)


def _refuse(
    records: Sequence[Record], routes: Sequence[Route], indices: Iterable[int], ledger: Ledger
) -> Iterator[tuple[int, Response]]:
    """The responses of the records that are not read, by index."""
    for index in indices:
        record, route = records[index], routes[index]
        if isinstance(route, Reingest):
            ledger.reingested += count_lines(record)
            yield index, Response(record.id, DROPPED, b"", record.raw, record.data_name)
        elif isinstance(route, Fail):
            lines = count_lines(record)
            ledger.failed += lines
            ledger.reasons[route.reason] += lines
            yield index, Response(record.id, FAILED, b"", record.raw, record.data_name)


def _read(
    pipeline: Pipeline, records: Sequence[Record], indices: Sequence[int], reader: LineReader
) -> dict[int, Response]:
    """The responses of the records that are read, by index. Args: indices: those of the records in the batch."""
    settings = pipeline.source.settings
    is_single, has_line_ids = settings.framing == SINGLE, settings.line_id
    columns = columns_of(records)
    ids, raws, names = columns.ids, columns.raws, columns.data_names
    responses: dict[int, Response] = {}
    for position, data, rows in chain.from_iterable(reader.read(records)):
        result = OK if rows else FAILED if data else DROPPED
        # A destination that takes one document per record adds the line end itself; a second one would be an empty
        # document.
        text = (data.rstrip("\n") if is_single else data) if rows else ""
        if has_line_ids:
            text = add_line_ids(text, records[position].identity)
        keys = reader.partition_keys  # of this record, which has one line where there are keys
        responses[indices[position]] = new_response(
            (ids[position], result, text.encode(), raws[position], names[position], keys)
        )
    return responses


def count_results(ledger: Ledger, responses: Sequence[Response]) -> None:
    """Count the records by their results."""
    others = [response.result for response in responses if response.result != OK]
    ledger.ok = len(responses) - len(others)
    ledger.dropped, ledger.processing_failed = map(others.count, (DROPPED, FAILED))


def iter_documents(deliveries: Iterable[Delivery]) -> Iterable[bytes]:
    """The documents of all streams."""
    for delivery in deliveries:
        yield from delivery.documents
