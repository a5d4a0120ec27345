"""What agents sent, counted for the live page as ``run`` counts a log for its report."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from streamtally.errors import read_failure
from streamtally.local.arrival import ReadLine, logged_time
from streamtally.local.logs import LogLine
from streamtally.local.report_counts import TOP_ENTRIES
from streamtally.local.summary import Summary
from streamtally.report.agents import MAX_AGENTS, agent_fields
from streamtally.report.data import ReportData, UnparsedLine
from streamtally.transform.event import event_records
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.record import Record
from streamtally.transform.record_lines import record_events
from streamtally.transform.records import decode_records
from streamtally.transform.response import DROPPED, OK

NEWEST_LINES: Final = 50

log = logging.getLogger(__name__)


class Arrivals:
    """Counts the rows of the events that the function answered. Any thread may call it."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._lock = threading.Lock()
        self._batch = Summary(pipeline.source)
        self._total = Summary(pipeline.source, keeps_minutes=True)
        self._newest: deque[UnparsedLine] = deque(maxlen=NEWEST_LINES)
        self._lines = 0

    def take(self, event: Mapping[str, Any], answer: Mapping[str, Any], now_ms: int) -> None:
        """Count an event once it is answered. Its rows are those of the records that were answered Ok.

        Args: now_ms: the arrival of records that carry none.
        """
        results = {record["recordId"]: record["result"] for record in answer["records"]}
        stream = str(event.get("deliveryStreamArn", "")).rpartition("/")[2]
        with self._lock:
            try:
                for record in decode_records(event_records(event), now_ms, max_age_ms=self._pipeline.max_age_ms):
                    if results[record.id] != DROPPED:
                        self._add(record, stream, is_ok=results[record.id] == OK)
            except Exception:  # the page must not fail the batch, which is answered
                log.exception("a batch is not on the live page")
            part = self._batch.take()
            self._newest.extend(part.examples)
            self._total.merge(part)

    def _add(self, record: Record, stream: str, *, is_ok: bool) -> None:
        source = self._pipeline.source
        parse = source.parser_for_record(record.arrival, record.header)
        for line in record_events(record, source):
            self._lines += 1
            if not line.line:
                continue
            data = line.line.encode("utf-8", "replace")
            read = ReadLine(LogLine(stream, self._lines, data, len(data)), None, record.error, None, record.arrival)
            try:
                row = parse(line.line)
                source.complete(parse, row, record.arrival)
            except Exception as error:  # a hostile line may make a parser raise anything; the other lines go on
                read.reason = read_failure(error)
                self._batch.add(read)
                continue
            if not is_ok:  # the record was refused as a whole, so none of its lines was counted
                continue
            read.row, read.format = row, source.format_of(parse)
            read.time = logged_time(source, row, record.arrival)
            self._batch.add(read)

    def report_data(self, ledger: Ledger) -> ReportData:
        """Everything that the page shows of the lines. Args: ledger: of the same events."""
        with self._lock:
            data, agents = self._total.report_data(ledger, "", [], ""), self._total.agents(MAX_AGENTS)
        return replace(data, **agent_fields(agents, TOP_ENTRIES))

    def newest(self) -> list[UnparsedLine]:
        """The newest lines that did not parse, the newest last. A line's number is how many came up to it."""
        with self._lock:
            return list(self._newest)
