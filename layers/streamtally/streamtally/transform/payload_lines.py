"""The lines of a record's payload: as text, split, and how many they may be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from streamtally.config.limits import MAX_RECORD_LINES
from streamtally.transform.subscriptions import is_subscription, subscription_messages

EMPTY_LINES = re.compile(rb"(?<![^\n])(?:\n++|(?:\r\n)++)++")

BYTE_ORDER_MARK = "\ufeff"
_MARKS_OF_LINES = re.compile(rf"(?m)^{BYTE_ORDER_MARK}")

_FEW_LINES = 1_000
"""Up to this many lines, empty ones need not be told apart."""


def line_bound(payload: bytes) -> int:
    """How many lines a payload holds at most, empty ones not counted."""
    if payload[:1] == b"{" and b'"logEvents"' in payload:
        return payload.count(b'"message"') + payload.count(b"\\n")
    lines = payload.count(b"\n") + 1
    if lines > min(_FEW_LINES, MAX_RECORD_LINES):
        if b"\r\n\r\n" in payload:
            payload = payload.replace(b"\r\n", b"\n")
        while b"\n\n" in payload:  # each pass halves a run of them
            payload = payload.replace(b"\n\n", b"\n")
        lines = payload.count(b"\n") + 1
    return lines


def read_lines(payload: bytes) -> list[str]:
    r"""The lines of a payload, without their ``\n`` or ``\r\n``.

    A CloudWatch Logs subscription's envelope holds the lines of its events' messages. Bytes that are not UTF-8 become
    ``\xHH``, as Apache itself writes them.
    """
    if is_subscription(payload):
        messages = subscription_messages(payload)
        if messages is not None:
            return [line for message in messages for line in split_lines(message.text)]
    return split_lines(to_text(payload))


def join_lines(payloads: Sequence[bytes]) -> str:
    r"""The lines of payloads that hold only lines, as one text with ``\n`` between them.

    Args: payloads: each without its last ``\n``.
    """
    text = to_text(b"\n".join(payloads))
    if "\r" in text:
        text = "\n".join([line[:-1] if line[-1:] == "\r" else line for line in text.split("\n")])
    return text


def to_text(data: bytes) -> str:
    r"""UTF-8 to text; a byte that is not UTF-8 becomes ``\xHH``.

    A byte order mark is removed at the start of the data and of a line: Windows' programs write it, and a producer may
    join what they wrote.
    """
    text = data.decode("utf-8", "backslashreplace")
    return _MARKS_OF_LINES.sub("", text) if BYTE_ORDER_MARK in text else text


def split_lines(text: str) -> list[str]:
    """Lines, split at ``\\n`` only (str.splitlines splits at eight other characters too), without one last ``\\r``."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    if "\r" in text:
        lines = [line[:-1] if line[-1:] == "\r" else line for line in lines]
    return lines
