"""The tokens of HAProxy's format strings: literal text, ``%ci``, ``%{+Q}r``, ``%[sample expression]``.

Source: HAProxy configuration manual, 8.2.6 "Custom log format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from streamtally.errors import SettingsError

_START = re.compile(
    r"%(?:"
    r"(?P<percent>%)"
    r"|(?:\((?P<name>[^():]*)(?::[^()]*)?\))?"  # a name and a type, since HAProxy 3.0
    r"(?:\{(?P<flags>[^{}]*)\})?"
    r"(?:(?P<bracket>\[)|(?P<variable>[A-Za-z][A-Za-z0-9]*))"
    r")"
)
_FLAG = re.compile(r"\s*([+\-]?)([A-Za-z]+)\s*")
_FLAGS = frozenset("QXEM")
_ENCODINGS = {"json": "JSON objects: read its lines with the format json", "cbor": "binary data", "bin": "binary data"}


@dataclass(frozen=True, slots=True)
class Token:
    """Literal text, or a variable or a sample expression.

    Attributes:
        text: The literal text.
        variable: The variable's letters.
        expression: The sample expression, without its brackets.
        name: The name that the format string gives the value.
        flags: Those in force: Q, X, E, M.
    """

    text: str = ""
    variable: str = ""
    expression: str = ""
    name: str = ""
    flags: frozenset[str] = frozenset()


def find_tokens(text: str) -> Iterator[Token]:
    """The tokens of a format string; ``%o`` is none, it changes the flags of those after it.

    Raises: SettingsError: what HAProxy would refuse, and encodings that are no lines of text.
    """
    position, in_force = 0, frozenset("M")
    while position < len(text):
        percent = text.find("%", position)
        if percent != position:
            yield Token(text[position : percent if percent >= 0 else len(text)])
            if percent < 0:
                return
        match = _START.match(text, percent)
        if match is None:
            raise SettingsError(
                f"format 'haproxy:': the text at {text[percent : percent + 12]!r} is not a variable of HAProxy; write "
                "a percent sign as %%"
            )
        position = match.end()
        flags = _changed(in_force, match["flags"] or "")
        if match["percent"]:
            yield Token("%")
        elif match["bracket"]:
            end = _end_of_expression(text, position)
            yield Token(expression=text[position:end], name=match["name"] or "", flags=flags)
            position = end + 1
        elif match["variable"] == "o":
            in_force = flags
        else:
            yield Token(variable=match["variable"], flags=flags)


def _changed(in_force: frozenset[str], written: str) -> frozenset[str]:
    """The flags in force after those that are added (``+``) or removed (``-``)."""
    flags = in_force
    for item in written.split(",") if written.strip() else ():
        match = _FLAG.fullmatch(item)
        if match is None or (match[2] not in _FLAGS and match[2] not in _ENCODINGS):
            raise SettingsError(f"format 'haproxy:': {item.strip()!r} in {{{written}}} is not a flag of HAProxy")
        if match[2] in _ENCODINGS:
            raise SettingsError(f"format 'haproxy:': {{{written}}} writes {_ENCODINGS[match[2]]}")
        flags = flags - {match[2]} if match[1] == "-" else flags | {match[2]}
    return flags


def _end_of_expression(text: str, start: int) -> int:
    """Where the bracket that ends an expression is: not in the arguments of a fetch or converter, nor in quotes."""
    depth, position = 0, start
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif char in "\"'" and depth:
            position = text.find(char, position + 1)
            if position < 0:
                break
        elif char == "]" and not depth:
            return position
        else:
            depth += (char == "(") - (char == ")" and depth > 0)
        position += 1
    raise SettingsError(f"format 'haproxy:': the bracket at {text[start - 2 : start + 10]!r} is not closed")
