"""A record's payload → its lines, or what stands for them: messages of an envelope, objects over several lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from streamtally.config.source import STREAM
from streamtally.formats.auto import JSON_SPACE, is_json_text
from streamtally.formats.base import Parser
from streamtally.formats.unwrapping.parts import join_parts, join_text_parts, may_have_parts
from streamtally.transform.json_stream import RECORD_SEPARATOR, STEP, begins_json, may_be_several, split_values
from streamtally.transform.payload_lines import BYTE_ORDER_MARK, EMPTY_LINES, read_lines, split_lines, to_text
from streamtally.transform.record import Record
from streamtally.transform.source import Source
from streamtally.transform.subscriptions import is_subscription, subscription_messages

MANY_EMPTY_LINES = 10_000
"""A record with more empty lines than this is read without them: they are counted, but not scanned."""

_JSON_STARTS = frozenset(("{" + JSON_SPACE + BYTE_ORDER_MARK + RECORD_SEPARATOR).encode())
"""The first bytes of an envelope, or of an object over many lines, with or without a byte order mark."""
_MAY_START = frozenset(b"[\n")
FIRST_BYTES_OF_JSON = _JSON_STARTS | _MAY_START
"""A payload that begins with another byte is lines."""

NO_COLUMNS: Mapping[str, Any] = {}


class Event(NamedTuple):
    """A line of a record, as it is read."""

    number: int
    """Its number in the record, from 0, which its row's id is made of."""
    line: str
    columns: Mapping[str, Any] = NO_COLUMNS
    """What else programs may read in its row: see ``subscriptions.COLUMNS``."""


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
