"""Records → their lines' JSON; each row is added to the outputs on the way.

Plain lines of many records are read together where the format has a scanner; every other line is read by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import orjson

from streamtally.config.source import STREAM
from streamtally.errors import FormatError, read_failure
from streamtally.formats.auto import JSON_SPACE, is_json_text
from streamtally.formats.base import Parser, Plain, Scanner
from streamtally.formats.unwrapping.parts import begins_parts, join_parts, join_text_parts, may_have_parts
from streamtally.transform.documents import encode_hard, unlike_unparsed
from streamtally.transform.json_stream import (
    RECORD_SEPARATOR,
    STEP,
    begins_json,
    may_be_several,
    split_values,
)
from streamtally.transform.ledger import Ledger
from streamtally.transform.outputs import Writer
from streamtally.transform.partition_keys import PartitionKeys
from streamtally.transform.record import Record, columns_of
from streamtally.transform.records import BYTE_ORDER_MARK, EMPTY_LINES, join_lines, read_lines, split_lines, to_text
from streamtally.transform.source import Source
from streamtally.transform.source_columns import add_columns
from streamtally.transform.subscriptions import is_subscription, subscription_messages

CHUNK_BYTES = 64 * 1024
"""How much text is scanned at once: enough to make a scan's fixed cost small, and little memory."""

MANY_EMPTY_LINES = 10_000
"""A record with more empty lines than this is read without them: they are counted, but not scanned."""

_LINE_END = 0x0A
_JSON_STARTS = frozenset(("{" + JSON_SPACE + BYTE_ORDER_MARK + RECORD_SEPARATOR).encode())
"""The first bytes of an envelope, or of an object over many lines, with or without a byte order mark."""
_MAY_START = frozenset(b"[\n")
FIRST_BYTES_OF_JSON = _JSON_STARTS | _MAY_START
"""A payload that begins with another byte is lines."""

NO_COLUMNS: Mapping[str, Any] = {}

Reading = tuple[int, str, int]
"""A record's position among those to be read, its lines' JSON, and how many of its lines are rows."""


class Event(NamedTuple):
    """A line of a record, as it is read."""

    number: int
    """Its number in the record, from 0, which its row's id is made of."""
    line: str
    columns: Mapping[str, Any] = NO_COLUMNS
    """What else programs may read in its row: see ``subscriptions.COLUMNS``."""


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
        self._ledger.empty += sum(columns_of(records).removed_lines)
        scanner = self._scanner
        if scanner is None:
            yield from ([self.read_record(position, record)] for position, record in enumerate(records))
            return
        chunk, size_bytes = _Chunk(records), 0
        for position, payload in enumerate(columns_of(records).payloads):
            if not payload or (payload[0] in FIRST_BYTES_OF_JSON and begins_as_json(payload)):
                yield [self.read_record(position, records[position])]
                continue
            chunk.positions.append(position)
            chunk.payloads.append(payload[:-1] if payload[-1] == _LINE_END else payload)
            size_bytes += len(payload)
            if size_bytes >= CHUNK_BYTES:
                yield self._scan(scanner, chunk)
                chunk, size_bytes = _Chunk(records), 0
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

    def _scan(self, scanner: Scanner, chunk: _Chunk) -> list[Reading]:
        others: dict[int, tuple[str, int]] = {}  # a line's index in the chunk → its JSON, and how many rows it is

        def read_other(index: int, line: str) -> str:
            if begins_parts(line):
                raise _HasPartsError
            others[index] = self.read_line(*chunk.address(index), line)
            return others[index][0]

        try:
            chunk.matches = matches = scanner.findall(join_lines(chunk.payloads))
            encoded = scanner.encode(matches, read_other)
        except Exception:  # parts are joined; else the fault is in one of the lines, and that line's parser reports it
            return self._read_chunk(chunk, others)
        chunk.has_others = bool(others)
        self._ledger.rows += len(matches) + sum(rows - 1 for _, rows in others.values())
        for writer in self._writers:
            writer.add_plain(scanner, chunk)
        return chunk.split(encoded, [index for index, (_, rows) in others.items() if not rows])

    def read_parts(self, positions: Sequence[int], records: Sequence[Record]) -> list[Reading]:
        """Records of which lines may be parts of longer ones, line by line."""
        chunk = _Chunk(records)
        chunk.positions = list(range(len(records)))
        chunk.payloads = [(payload or b"").removesuffix(b"\n") for payload in columns_of(records).payloads]
        return [(positions[index], text, rows) for index, text, rows in self._read_chunk(chunk, {})]

    def _read_chunk(self, chunk: _Chunk, done: Mapping[int, tuple[str, int]]) -> list[Reading]:
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


class _Chunk:
    """Records whose lines are scanned together; payloads are without their last line end.

    Args: records: those among which they are.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._among = records
        self.positions: list[int] = []
        self.payloads: list[bytes] = []
        self.matches: list[Plain] = []
        self.has_others = False
        """Whether there are lines that are not plain."""

    @property
    def records(self) -> list[Record]:
        """The records, in order."""
        return [self._among[position] for position in self.positions]

    @cached_property
    def plain(self) -> list[Plain]:
        """The fields of the plain lines alone."""
        return [fields for fields in self.matches if fields[0]] if self.has_others else self.matches

    @cached_property
    def sizes(self) -> list[int]:
        """How many lines each record has."""
        return [payload.count(b"\n") + 1 for payload in self.payloads]

    @cached_property
    def ends(self) -> list[int]:
        """The index of the line after each record's last one."""
        return list(accumulate(self.sizes))

    def address(self, index: int) -> tuple[Record, int]:
        """A line's record, and its number in that record."""
        number = bisect_right(self.ends, index)
        return self._among[self.positions[number]], index - self.ends[number] + self.sizes[number]

    @cached_property
    def addresses(self) -> list[tuple[Record, int]]:
        """Each line's record, and its number in that record."""
        sized = zip(self.records, self.sizes, strict=True)
        return [(record, number) for record, size in sized for number in range(size)]

    @cached_property
    def arrivals(self) -> list[int]:
        """Each line's arrival, in ms since the epoch."""
        sized = zip(self.records, self.sizes, strict=True)
        return [record.arrival for record, size in sized for _ in range(size)]

    def split(self, encoded: list[str], not_rows: Sequence[int]) -> list[Reading]:
        """The lines' JSON as one reading per record. Args: not_rows: the indices of lines that are not rows."""
        texts, rows = encoded, self.sizes
        if len(encoded) > len(rows):  # records of several lines
            starts = [0, *self.ends]
            texts = ["".join(encoded[start:end]) for start, end in pairwise(starts)]
        if not_rows:
            rows = list(rows)
            for index in not_rows:
                rows[bisect_right(self.ends, index)] -= 1
        return list(zip(self.positions, texts, rows, strict=True))


def begins_as_json(payload: bytes) -> bool:
    """Whether a payload, which is not empty, is read by itself: an envelope, or objects that may not be a line each."""
    return payload[0] in _JSON_STARTS or (payload[0] in _MAY_START and begins_json(payload))


def remove_empty_lines(record: Record) -> Record:
    """The record without its empty lines if it has very many; else the record itself."""
    payload = record.payload or b""
    if payload.count(b"\n\n") + payload.count(b"\n\r\n") <= MANY_EMPTY_LINES:
        return record
    squeezed = EMPTY_LINES.sub(b"", payload)
    return record._replace(payload=squeezed, removed_lines=payload.count(b"\n") - squeezed.count(b"\n"))


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


def count_lines(record: Record) -> int:
    """How many lines a record has that is refused as a whole; one that cannot be decoded counts as one line."""
    if record.payload is None:
        return 1
    is_plain = record.envelope is not None and record.envelope.is_plain
    lines = split_lines(to_text(record.payload)) if is_plain else read_lines(record.payload)
    return len(lines) + record.removed_lines


def has_several_lines(record: Record, source: Source) -> bool:
    """Whether a record holds more than one line, empty ones not counted."""
    return sum(1 for event in record_events(record, source) if event.line) > 1


def record_events(record: Record, source: Source) -> list[Event]:
    """A record's lines as they are read, each with its number, and with what its envelope says of it."""
    events = message_events(record, source)
    if events is None:
        events = json_events(record, source)
    if events is None:
        events = [Event(number, line) for number, line in enumerate(record_lines(record, source))]
    if not source.reads_json or not any(may_be_several(event.line) for event in events):
        return events
    return [single for event in events for single in _single_values(event, source)]


def _single_values(event: Event, source: Source) -> list[Event]:
    values = None if not event.line or _parses(source.parse, event.line) else several_values(event.line, source)
    if values is None:
        return [event]
    return [event._replace(number=event.number + STEP * index, line=value) for index, value in enumerate(values)]


def several_values(line: str, source: Source) -> list[str] | None:
    """The JSON objects in a line that is none, and holds nothing else; None if it is another line."""
    if not source.reads_json or not may_be_several(line):
        return None
    values = split_values(line)
    return None if not values or values == [line] else values


def message_events(record: Record, source: Source) -> list[Event] | None:
    """The events of a CloudWatch Logs subscription; None if the record is none.

    A message is one event, also over several lines: a JSON object, or a text of which no line parses by itself. A
    message with lines that parse holds these lines: an agent may send several in one.
    """
    payload = record.payload or b""
    is_plain = record.envelope is not None and record.envelope.is_plain
    messages = subscription_messages(payload) if is_subscription(payload) and not is_plain else None
    if messages is None:
        return None
    events: list[Event] = []
    number = 0
    for message in messages:
        lines = split_lines(message.text)
        whole = _as_one(lines, source, record) if len(lines) > 1 else None
        read = lines if whole is None else [whole]
        events += [Event(number + index, line, message.columns) for index, line in enumerate(read)]
        number += len(lines)
    if not may_have_parts(payload):
        return events
    joined = join_parts(events, lambda event: event.line, lambda event, text: event._replace(line=text))
    return [event._replace(number=number) for number, event in enumerate(joined)]


def _as_one(lines: list[str], source: Source, record: Record) -> str | None:
    """Several lines of a message as the line of one event; None if they are lines of their own."""
    parse = source.parser_for_record(record.arrival, record.header)
    if is_json_text(lines[0]):
        joined = " ".join(line.strip() for line in lines)  # a string of strict JSON contains no line end
        if _parses(parse, joined):
            return joined
    if any(line and _parses(parse, line) for line in lines):
        return None
    return "\n".join(lines) if any(lines) else None


def _parses(parse: Parser, line: str) -> bool:
    try:
        parse(line)
    except Exception:  # a hostile line may make a parser raise anything
        return False
    return True


def json_events(record: Record, source: Source) -> list[Event] | None:
    """The JSON objects of a record that are not a line each (the Kinesis Agent's PRETTYPRINT); None if they are.

    An object's number is that of the line on which it begins, so that ids do not depend on what stands around it.
    """
    payload = record.payload or b""
    is_stream = source.settings.json == STREAM and b"{" in payload
    if record.envelope is not None and record.envelope.is_plain:
        return None
    if not is_stream and not (source.reads_json and b"\n" in payload and _may_span_lines(payload)):
        return None
    text, starts = to_text(payload), list[int]()
    values = split_values(text, is_stream, starts)
    if values is None or values == [line.strip(" \t\r") for line in text.split("\n") if line.strip(" \t\r")]:
        return None
    events: list[Event] = []
    line, seen, repeated = 0, 0, 0
    for value, start in zip(values, starts, strict=True):
        passed = text.count("\n", seen, start)
        line, seen, repeated = line + passed, start, 0 if passed else repeated + STEP * bool(events)
        events.append(Event(line + repeated, value))
    return events


def record_lines(record: Record, source: Source) -> list[str]:
    """A record's lines, those that came in parts as one."""
    if record.envelope is not None and record.envelope.is_plain:
        return split_lines(to_text(record.payload or b""))
    lines = read_lines(record.payload or b"")
    return join_text_parts(lines) if len(lines) > 1 and may_have_parts(record.payload or b"") else lines


def _may_span_lines(payload: bytes) -> bool:
    """Whether an object or an array may stand on several lines: the first line does not end with it, or another."""
    if not begins_json(payload):
        return False
    first = payload[: payload.find(b"\n")].rstrip()
    return first[-1:] != b"}" or b"{\n" in payload or b"{\r\n" in payload
