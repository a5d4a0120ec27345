"""A format built from the server's own directive: variables with literal text between, in any order.

A number or time has its pattern; a text ends where the next literal begins (a quote behind a backslash begins nothing).
So a line is read in one pass, and two variables with nothing between are refused, unless it is known how the first one
looks, or how the second one begins (``%U%q``, ``$host$request_uri``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from streamtally.errors import SettingsError
from streamtally.formats.base import Format
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout

_NUMBERS = {"INTEGER": "-?[0-9]{1,9}|-", "BIGINT": "-?[0-9]{1,18}|-", "DOUBLE": r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?|-"}


@dataclass(frozen=True, slots=True)
class Variable:
    """What a directive's variable gives.

    Attributes:
        name, type, meaning: the field's.
        pattern: where it has its own.
        begins: the character that it begins with, if it is not empty.
        kind: "list" of addresses or of servers' values (``a, b : c``), "address", or empty.
        can_be_empty: a number that may be missing, and is null then.
    """

    name: str
    type: str
    meaning: str
    pattern: str = ""
    begins: str = ""
    kind: str = ""
    can_be_empty: bool = False


Part = str | Variable
"""Literal text, or a variable."""


def text_before(literal: str, ahead: str = "") -> str:
    """The pattern of a text that ends where the literal first begins, or with the line.

    Args: ahead: pattern of what comes behind the literal, where that is known: no other such literal ends the text.
    """
    if not literal:
        return ".*+"
    first, rest = re.escape(literal[0]), re.escape(literal[1:]) + ahead
    if literal[0] == '"':
        return r'[^"\\]*+(?:\\.[^"\\]*+)*+'
    if not rest:
        return f"[^{_in_class(literal[0])}]*+"
    return f"[^{_in_class(literal[0])}]*+(?:{first}(?!{rest})[^{_in_class(literal[0])}]*+)*+"


def list_before(literal: str) -> str:
    """The same for a list, whose own commas and colons end nothing, unless the literal begins with one."""
    if literal[:1] in ("", '"', ","):
        return text_before(literal)
    colon = "" if literal.startswith(" :") else r"\x20:\x20|"
    return rf"(?:,\x20|{colon}(?!{re.escape(literal)}).)*+"


def address_before(literal: str) -> str:
    """The same for an address: the colons of an IPv6 one do not end it."""
    if literal[:1] != ":":
        return text_before(literal)
    ipv6 = r"(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?=[0-9A-Fa-f:]{0,38}::)[0-9A-Fa-f:.]{1,44}[0-9A-Fa-f]"
    return f"(?:(?:{ipv6})(?={re.escape(literal)})|{text_before(literal)})"


def _text_before_any(ends: Sequence[str]) -> str:
    ahead = "|".join(re.escape(end) for end in ends if end)
    return rf"(?:\\.|(?!{ahead})[^\\])*+" if '"' in "".join(ends) else f"(?:(?!{ahead}).)*+"


def _in_class(char: str) -> str:
    return "\\" + char if char in "\\]^-[" else char


def directive_layout(name: str, parts: Sequence[Part]) -> Layout:
    """The layout of a directive's parts.

    Raises: SettingsError: no variable, or two with nothing between.
    """
    merged = _merge_literals(parts)
    columns: list[Column] = []
    literal, names = "", set[str]()
    for place, part in enumerate(merged):
        if isinstance(part, str):
            literal = part
            continue
        following = merged[place + 1] if place + 1 < len(merged) else ""
        if not isinstance(following, str) and not (part.pattern or (part.type == "VARCHAR" and following.begins)):
            raise SettingsError(
                f"format {name!r}: nothing stands between {part.name!r} and {following.name!r}, so no line "
                "could be taken apart: put a literal between them"
            )
        rest = next((later for later in merged[place + 1 :] if isinstance(later, str)), "")
        ahead = _ahead(merged[place + 2 : place + 4]) if following and isinstance(following, str) else ""
        columns.append(_column(part, _unique(part.name, names), literal, following, rest, ahead))
        literal = ""
    if not columns:
        raise SettingsError(f"format {name!r}: no variable in it")
    tail = merged[-1] if isinstance(merged[-1], str) else ""
    kind = name.partition(":")[0]
    return Layout(kind, "not a line of this directive", columns, end=f"{re.escape(tail)}\\Z")


def _ahead(parts: Sequence[Part]) -> str:
    """Pattern of a number or time and the literal behind it (or the line's end), if that is what these parts are.

    A request or an agent without quotes holds spaces, but hardly a space, a number, and what the directive has behind.
    """
    if not parts or isinstance(parts[0], str) or parts[0].can_be_empty:
        return ""
    pattern = parts[0].pattern or _NUMBERS.get(parts[0].type, "")
    literal = parts[1] if len(parts) > 1 else ""
    if not pattern or not isinstance(literal, str) or re.compile(pattern).groups:
        return ""
    return f"(?:{pattern}){re.escape(literal) or chr(92) + 'Z'}"


def _merge_literals(parts: Sequence[Part]) -> list[Part]:
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part:
            merged.append(part)
    return merged


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique


def _column(variable: Variable, name: str, before: str, following: Part, literal: str, ahead: str) -> Column:
    """``following``: what comes next; ``literal``: the next literal text; ``ahead``: pattern of what is behind it."""
    escaped = not variable.pattern and variable.type == "VARCHAR"
    pattern = variable.pattern or _NUMBERS.get(variable.type) or _text(variable, following, literal, ahead)
    if variable.can_be_empty:
        pattern = f"({pattern})?+"
    return Column(
        name, variable.type, variable.meaning, pattern, re.escape(before), escaped=escaped,
        can_be_empty=variable.can_be_empty,
    )  # fmt: skip


def _text(variable: Variable, following: Part, literal: str, ahead: str) -> str:
    if not isinstance(following, str):
        return _text_before_any([following.begins, literal])
    if not variable.kind:
        return text_before(following, ahead)
    how = {"list": list_before, "address": address_before}[variable.kind]
    return how(following)


def directive_format(name: str, layout: Layout, source: str, times: Sequence[tuple[str, str]]) -> Format:
    """The format of a layout; ``times`` are the fields that can be its time, best first, with how they are written."""
    fields = {field.name for field in layout.fields}
    time_field, time_format = next(((field, how) for field, how in times if field in fields), (None, None))
    return Format(
        name=name,
        summary="Built from the server's own directive.",
        source=source,
        fields=layout.fields,
        examples=(),
        compile=partial(compile_layout, layout),
        time_field=time_field,
        time_format=time_format,
        locate=layout.locate,
    )
