"""CloudWatch Logs subscriptions: a record is an envelope of messages, or several envelopes in a row.

Source: Amazon CloudWatch Logs user guide, "Real-time processing of log data with subscriptions".
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def subscription_messages(payload: bytes) -> list[str] | None:
    """The messages of a CloudWatch Logs subscription's envelope, or of several in a row.

    A control message has none. Returns None where the payload is not such an envelope.
    """
    messages: list[str] = []
    for envelope in _load_envelopes(payload):
        own = _envelope_messages(envelope)
        if own is None:
            return None
        messages += own
    return messages


def _envelope_messages(envelope: Any) -> list[str] | None:
    if not isinstance(envelope, dict):
        return None
    kind, events = envelope.get("messageType"), envelope.get("logEvents")
    if kind == "CONTROL_MESSAGE":
        return []
    if kind != "DATA_MESSAGE" or not isinstance(events, list):
        return None
    messages = [event.get("message") if isinstance(event, dict) else None for event in events]
    if not all(isinstance(message, str) for message in messages):
        return None
    # JSON's escapes can hold a lone surrogate, which UTF-8 cannot encode.
    return [message.encode("utf-8", "backslashreplace").decode() for message in messages if message is not None]


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
