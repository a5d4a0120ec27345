"""Records → their lines' JSON; each row is added to the outputs on the way.

Plain lines of many records are read together where the format has a scanner; every other line is read by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from streamtally.config.source import STREAM
from streamtally.errors import FormatError, read_failure
from streamtally.formats.base import Parser, Scanner
from streamtally.formats.unwrapping.parts import begins_parts, join_text_parts
from streamtally.transform.chunk import Chunk, Reading
from streamtally.transform.documents import encode_hard, unlike_unparsed
from streamtally.transform.json_stream import STEP
from streamtally.transform.ledger import Ledger
from streamtally.transform.outputs import Writer
from streamtally.transform.partition_keys import PartitionKeys
from streamtally.transform.payload_lines import join_lines
from streamtally.transform.record import Record, as_records, columns_of
from streamtally.transform.record_lines import (
    FIRST_BYTES_OF_JSON,
    NO_COLUMNS,
    begins_as_json,
    json_events,
    message_events,
    record_lines,
    several_values,
)
from streamtally.transform.refusals import count_refused, has_header, refused_json, rule_out
from streamtally.transform.source import Source
from streamtally.transform.source_columns import add_columns

CHUNK_BYTES = 64 * 1024
"""How much text is scanned at once: enough to make a scan's fixed cost small, and little memory."""

_LINE_END = 0x0A


class LineReader:
    """Reads the records of one group.

    Args: by_row: add every row to the outputs by itself, in order.
    """

    def __init__(self, source: Source, ledger: Ledger, writers: Sequence[Writer], by_row: bool) -> None:
        self._source = source
        self._parse: Parser = source.parse
        self._record: Record | None = None
        self._ledger = ledger
        self._writers = writers
        self._keys = PartitionKeys(source) if source.settings.partition_keys else None
        by_line = by_row or self._keys is not None or source.settings.json == STREAM
        self._scanner = None if by_line else source.scanner
        self.partition_keys: Mapping[str, str] | None = None
        """Those of the last row, where rows have some."""

    def read(self, records: Sequence[Record]) -> Iterator[list[Reading]]:
        """Every record, some at a time, in any order."""
        records = as_records(records)
        self._ledger.empty += sum(records.columns.removed_lines)
        scanner = self._scanner
        if scanner is None:
            yield from ([self.read_record(position, record)] for position, record in enumerate(records))
            return
        chunk, size_bytes = Chunk(records), 0
        for position, payload in enumerate(records.columns.payloads):
            if not payload or (payload[0] in FIRST_BYTES_OF_JSON and begins_as_json(payload)):
                yield [self.read_record(position, records[position])]
                continue
            chunk.positions.append(position)
            chunk.payloads.append(payload[:-1] if payload[-1] == _LINE_END else payload)
            size_bytes += len(payload)
            if size_bytes >= CHUNK_BYTES:
                yield self._scan(scanner, chunk)
                chunk, size_bytes = Chunk(records), 0
        if chunk.positions:
            yield self._scan(scanner, chunk)

    def read_record(self, position: int, record: Record) -> Reading:
        """A record by itself, line by line."""
        events = message_events(record, self._source)
        if events is None:
            events = json_events(record, self._source)
        if events is not None:
            encoded = [self.read_line(record, event.number, event.line, event.columns) for event in events]
            return self._reading(position, encoded)
        lines = record_lines(record, self._source)
        encoded = [self.read_line(record, number, line) for number, line in enumerate(lines)]
        return self._reading(position, encoded)

    def _reading(self, position: int, encoded: Sequence[tuple[str, int]]) -> Reading:
        rows = sum(count for _, count in encoded)
        self._ledger.rows += rows
        return position, "".join([text for text, _ in encoded]), rows

    def _scan(self, scanner: Scanner, chunk: Chunk) -> list[Reading]:
        others: dict[int, tuple[str, int]] = {}  # a line's index in the chunk → its JSON, and how many rows it is
        refused: list[int] = []

        def read_other(index: int, line: str) -> str:
            if next(ruled_out, False) and not self.has_header:
                refused.append(index)
                return refused_json(line)
            if begins_parts(line):
                raise _HasPartsError
            others[index] = self.read_line(*chunk.address(index), line)
            return others[index][0]

        try:
            chunk.matches = matches = scanner.findall(join_lines(chunk.payloads))
            not_plain = [fields[-1] for fields in matches if not fields[0]]
            ruled_out = iter(self.rule_out(not_plain, chunk.records))
            encoded = scanner.encode(matches, read_other)
        except Exception:  # parts are joined; else the fault is in one of the lines, and that line's parser reports it
            return self._read_chunk(chunk, others)
        chunk.has_others = bool(not_plain)
        self._ledger.rows += len(matches) - len(refused) + sum(rows - 1 for _, rows in others.values())
        count_refused(self._ledger, len(refused))
        for writer in self._writers:
            writer.add_plain(scanner, chunk)
        return chunk.split(encoded, [*refused, *(index for index, (_, rows) in others.items() if not rows)])

    def read_parts(self, positions: Sequence[int], records: Sequence[Record]) -> list[Reading]:
        """Records of which lines may be parts of longer ones, line by line."""
        chunk = Chunk(records)
        chunk.positions = list(range(len(records)))
        chunk.payloads = [(payload or b"").removesuffix(b"\n") for payload in columns_of(records).payloads]
        return [(positions[index], text, rows) for index, text, rows in self._read_chunk(chunk, {})]

    def _read_chunk(self, chunk: Chunk, done: Mapping[int, tuple[str, int]]) -> list[Reading]:
        """Read a chunk line by line after its scan failed. Args: done: the lines that the scan has read, by index."""
        readings: list[Reading] = []
        index = 0
        for position, record, payload in zip(chunk.positions, chunk.records, chunk.payloads, strict=True):
            encoded = []
            for number, line in enumerate(join_text_parts(join_lines([payload]).split("\n"))):
                encoded.append(done.get(index) or self.read_line(record, number, line))
                index += 1
            readings.append(self._reading(position, encoded))
        return readings

    def rule_out(self, lines: Sequence[str], records: Sequence[Record] = ()) -> list[bool]:
        """Which lines are certainly refused, as long as no header line precedes them (``refusals.py``)."""
        return rule_out(self._parse, records, lines)

    @property
    def has_header(self) -> bool:
        """Whether a header line was seen, and no other record since."""
        return has_header(self._parse)

    def read_line(
        self, record: Record, number: int, line: str, columns: Mapping[str, Any] = NO_COLUMNS
    ) -> tuple[str, int]:
        """One line's JSON, and how many rows it is, which are then added to every output; an empty line has no JSON.

        A line is one row or none; one that is JSON objects in a row, and nothing else, is as many.

        Args: columns: what else programs may read in the row.
        """
        if not line:
            self._ledger.empty += 1
            return "", 0
        try:
            if record is not self._record:  # a header line is valid only within its record
                self._parse = self._source.parser_for_record(record.arrival, record.header)
                self._record = record
            row = self._parse(line)
            text = unlike_unparsed(line + "\n" if self._source.is_json(line, self._parse) else encode_row(row))
            if columns:
                add_columns(row, columns)
            self._source.complete(self._parse, row, record.arrival)
        except Exception as error:  # a hostile line may make a parser raise anything; other lines go on
            values = several_values(line, self._source)
            if values is not None:
                read = [
                    self.read_line(record, number + STEP * index, value, columns) for index, value in enumerate(values)
                ]
                return "".join([text for text, _ in read]), sum(rows for _, rows in read)
            reason = read_failure(error)
            self._ledger.unparsed += 1
            self._ledger.reasons[reason] += 1
            return _encode({"unparsed": self._source.hide(line), "reason": reason}), 0
        if self._keys is not None:
            self.partition_keys = self._keys.of_row(row, record.arrival)
        for writer in self._writers:
            writer.add_row(row, record, number)
        return text, 1


class _HasPartsError(Exception):
    """A line is a part of a longer one (containers' logs), so the chunk is read line by line."""


def _encode(row: dict[str, object]) -> str:
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE).decode()


def encode_row(row: dict[str, object]) -> str:
    """A row's JSON with its line end.

    Raises: FormatError: it holds a value that cannot be written (rewritten JSON may); then the line is kept unmodified.
    """
    try:
        return _encode(row)
    except TypeError:
        pass
    try:
        return encode_hard(row).decode() + "\n"
    except (TypeError, ValueError, RecursionError):
        raise FormatError("json", "cannot be written as JSON") from None
