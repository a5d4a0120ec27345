"""CloudWatch Logs subscriptions: a record is an envelope of messages, or several envelopes in a row.

Each message is an event. Its log group, log stream, owner and time are columns that programs may read; the JSON lines
do not hold them. A record that is re-ingested in parts keeps them: a part is such an envelope again.

Source: Amazon CloudWatch Logs user guide, "Log group-level subscription filters" (the members of an envelope),
"LogEvent" of the API reference (the timestamp is in ms since the epoch).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

import orjson

LOG_TIME = "log_timestamp"
"""The column of the event's own time, in ms since the epoch."""
COLUMNS: Mapping[str, str] = {"log_group": "VARCHAR", "log_stream": "VARCHAR", "owner": "VARCHAR", LOG_TIME: "BIGINT"}
"""The columns of a message's envelope and their SQL types. A line's own field of the same name takes precedence."""
_MEMBERS = {"log_group": "logGroup", "log_stream": "logStream", "owner": "owner"}
_MAX_TIME_MS = 253_402_214_400_000  # 9999-12-31: later times, and negative ones, are none


class Message(NamedTuple):
    """An event of a subscription."""

    text: str
    columns: Mapping[str, Any]
    """Those of ``COLUMNS`` that its envelope states."""


def is_subscription(payload: bytes) -> bool:
    """Whether a payload looks like an envelope; what it holds decides."""
    return payload[:1] == b"{" and b'"logEvents"' in payload and b'"messageType"' in payload


def subscription_messages(payload: bytes) -> list[Message] | None:
    """The messages of a CloudWatch Logs subscription's envelope, or of several in a row.

    A control message has none. Returns None where the payload is not such an envelope.
    """
    messages: list[Message] = []
    for envelope in _load_envelopes(payload):
        own = _envelope_messages(envelope)
        if own is None:
            return None
        messages += own
    return messages


def _envelope_messages(envelope: Any) -> list[Message] | None:
    if not isinstance(envelope, dict):
        return None
    kind, events = envelope.get("messageType"), envelope.get("logEvents")
    if kind == "CONTROL_MESSAGE":
        return []
    if kind != "DATA_MESSAGE" or not isinstance(events, list):
        return None
    if not all(isinstance(event, dict) and isinstance(event.get("message"), str) for event in events):
        return None
    shared = {name: _clean(envelope[member]) for name, member in _MEMBERS.items() if type(envelope.get(member)) is str}
    return [Message(_clean(event["message"]), shared | _time(event.get("timestamp"))) for event in events]


def _clean(text: str) -> str:
    # JSON's escapes can hold a lone surrogate, which UTF-8 cannot encode.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _time(timestamp: Any) -> dict[str, Any]:
    return {LOG_TIME: timestamp} if type(timestamp) is int and 0 <= timestamp < _MAX_TIME_MS else {}


def encode_messages(messages: Iterable[Message]) -> bytes:
    """Messages as envelopes, one on each line: the messages in a row that share an envelope's columns are in one."""
    envelopes = []
    for shared, group in groupby(messages, lambda message: {name: message.columns.get(name) for name in _MEMBERS}):
        events = [_event(message) for message in group]
        members = {_MEMBERS[name]: value for name, value in shared.items() if value is not None}
        envelopes.append(orjson.dumps({"messageType": "DATA_MESSAGE", **members, "logEvents": events}))
    return b"\n".join(envelopes) + b"\n"


def _event(message: Message) -> dict[str, Any]:
    time = {"timestamp": message.columns[LOG_TIME]} if LOG_TIME in message.columns else {}
    return {"message": message.text} | time


def _load_envelopes(payload: bytes) -> list[Any]:
    try:
        return [orjson.loads(payload)]
    except ValueError:
        pass  # several envelopes, or lone surrogates, which a log message may hold and orjson rejects
    text, position, envelopes = payload.decode("utf-8", "backslashreplace"), 0, []
    decode = json.JSONDecoder().raw_decode
    try:
        while position < len(text):
            value, position = decode(text, position)
            envelopes.append(value)
            while text[position : position + 1].isspace():
                position += 1
    except (ValueError, RecursionError):
        return [None]
    return envelopes
