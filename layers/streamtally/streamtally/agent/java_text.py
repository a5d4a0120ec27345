"""Text as the agent's JVM reads and writes it: UTF-8 with Java's replacement characters, JSON in Jackson's form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TO_ESCAPE = re.compile(r'["\\\x00-\x1f]')
_REPLACEMENT = "\ufffd"


def decode(data: bytes) -> str:
    """UTF-8 as text, with U+FFFD for each invalid sequence as Java delimits them."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _decode_broken(data)


def _decode_broken(data: bytes) -> str:
    parts: list[str] = []
    at = 0
    while at < len(data):
        try:
            parts.append(data[at:].decode())
            break
        except UnicodeDecodeError as error:
            begin = at + error.start
            parts += (data[at:begin].decode(), _REPLACEMENT)
            at = begin + _broken_length(data, begin, error.end - error.start)
    return "".join(parts)


def _broken_length(data: bytes, at: int, length: int) -> int:
    # Java sees a surrogate (ed a0..bf ..) as one broken sequence of three bytes, Python as three of one.
    if data[at] == 0xED and 0xA0 <= (data[at + 1 : at + 2] or b"\0")[0] <= 0xBF:
        return 3 if 0x80 <= (data[at + 2 : at + 3] or b"\0")[0] <= 0xBF else 2
    return length


def _escaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match.group()) or f"\\u{ord(match.group()):04X}"


def quote(text: str) -> str:
    """A JSON string: only what JSON requires is escaped, with hex digits in upper case."""
    return f'"{_TO_ESCAPE.sub(_escaped, text)}"'


def _number(value: float) -> str:
    """``Double.toString``: decimal from 0.001 to ten million, else with an exponent."""
    digits = repr(value)
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return digits if "e" not in digits else f"{value:f}"
    sign, digits = ("-", digits[1:]) if value < 0 else ("", digits)
    mantissa, _, exponent = digits.partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    power = int(exponent or 0) + len(whole) - 1
    all_digits = whole + fraction
    stripped = all_digits.lstrip("0")
    power -= len(all_digits) - len(stripped)
    stripped = stripped.rstrip("0") or "0"
    return f"{sign}{stripped[0]}.{stripped[1:] or '0'}E{power}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, float):
        return _number(value)
    return json.dumps(value)


def to_json(value: Any, pretty: bool = False) -> str:
    """The value as Jackson writes it: compact, or with its default pretty printer (`` : ``, two spaces an indent)."""
    return _pretty(value, "") if pretty else _compact(value)


def _compact(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{quote(name)}:{_compact(item)}" for name, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(_compact(item) for item in value) + "]"
    return _scalar(value)


def _pretty(value: Any, indent: str) -> str:
    if isinstance(value, Mapping):
        inner = indent + "  "
        items = ",\n".join(f"{inner}{quote(name)} : {_pretty(item, inner)}" for name, item in value.items())
        return f"{{\n{items}\n{indent}}}" if value else "{ }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[ " + ", ".join(_pretty(item, indent) for item in value) + " ]" if value else "[ ]"
    return _scalar(value)


def in_hash_order(value: Any) -> Any:
    """An object with two keys, in the iteration order of a ``HashMap`` made for two; any other value unmodified.

    The agent writes ``metadata`` so: two keys are ordered by hash, longer objects keep the order of agent.json
    (conformance table, addmetadata-types).
    """
    if not isinstance(value, Mapping) or len(value) != 2:
        return value
    return dict(sorted(value.items(), key=lambda item: _bucket(item[0])))


def _bucket(key: str) -> int:
    code = 0
    units = key.encode("utf-16-be", "surrogatepass")
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (31 * code + (high << 8 | low)) & 0xFFFFFFFF
    return (code ^ code >> 16) & 3  # a HashMap for two entries has four buckets
