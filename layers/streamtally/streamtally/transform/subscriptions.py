"""CloudWatch Logs subscriptions: a record is an envelope of messages, or several envelopes one after the other.

Source: Amazon CloudWatch Logs user guide, "Real-time processing of log data with subscriptions".
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def subscription_messages(payload: bytes) -> list[str] | None:
    """The messages of a CloudWatch Logs subscription's envelope, or of several one after the other.

    A control message has none. Returns None where the payload is no such envelope.
    """
    messages: list[str] = []
    for envelope in _load_envelopes(payload):
        found = _envelope_messages(envelope)
        if found is None:
            return None
        messages += found
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
    # A lone surrogate survives JSON's escapes, and is no text that UTF-8 could carry on.
    return [message.encode("utf-8", "backslashreplace").decode() for message in messages if message is not None]


def _load_envelopes(payload: bytes) -> list[Any]:
    try:
        return [orjson.loads(payload)]
    except ValueError:
        pass  # several envelopes, or lone surrogates, which a log's message may hold and orjson refuses
    text, position, found = payload.decode("utf-8", "backslashreplace"), 0, []
    decode = json.JSONDecoder().raw_decode
    try:
        while position < len(text):
            value, position = decode(text, position)
            found.append(value)
            while text[position : position + 1].isspace():
                position += 1
    except (ValueError, RecursionError):
        return [None]
    return found
