"""Formats built from a server's own directive: variables separated by literal text, in any order.

Numbers and times have their own patterns; a text ends where the next literal begins (not at an escaped quote). Thus a
line is matched in one pass. Two variables without a literal between them are refused, unless the first one has its own
pattern or it is known how the second one begins (``%U%q``, ``$host$request_uri``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from streamtally.errors import SettingsError
from streamtally.formats.base import Format
from streamtally.formats.directives.moments import EventTime, TimeToken
from streamtally.formats.engine.columns import ESCAPABLE, Column
from streamtally.formats.engine.escapes import unescape
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout
from streamtally.formats.roles import roles_among

_NUMBERS = {"INTEGER": "-?[0-9]{1,9}|-", "BIGINT": "-?[0-9]{1,18}|-", "DOUBLE": r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?|-"}


@dataclass(frozen=True, slots=True)
class Variable:
    """A directive's variable, and the field that it gives.

    Attributes:
        name: The field's name.
        type: The field's SQL type.
        meaning: The field's meaning, with the unit.
        pattern: What the value looks like; empty: by type, or up to the next literal.
        begins: The character that the value begins with, unless it is empty; an empty text if not known.
        kind: "list" for addresses or several servers' values (``a, b : c``), "address", or empty.
        can_be_empty: Whether a number may be missing; it is null then.
        token: What it says of a time.
    """

    name: str
    type: str
    meaning: str
    pattern: str = ""
    begins: str = ""
    kind: str = ""
    can_be_empty: bool = False
    token: TimeToken | None = None


Part = str | Variable
"""Literal text, or a variable."""


def text_before(literal: str, ahead: str = "") -> str:
    """The pattern of a text up to the first occurrence of the literal, or to the line's end if there is no literal.

    Args:
        literal: The literal text after it.
        ahead: The pattern of what follows the literal, if known; an occurrence before anything else ends no text.
    """
    if not literal:
        return ".*+"
    first, rest = re.escape(literal[0]), re.escape(literal[1:]) + ahead
    if literal[0] == '"':
        return ESCAPABLE
    others = f"[^{_in_class(literal[0])}]*+"
    if not rest:
        return others
    return (
        f"{others}(?:"
        f"{first}(?!{rest})"  # the literal's first character, if the rest of it does not follow
        f"{others})*+"
    )


def list_before(literal: str) -> str:
    """The same for a list: its own commas and colons do not end it, unless the literal begins with one."""
    if literal[:1] in ("", '"', ","):
        return text_before(literal)
    colon = "" if literal.startswith(" :") else r"\x20:\x20|"
    return (
        rf"(?:,\x20|{colon}"  # the list's separators, whatever the literal is
        rf"(?!{re.escape(literal)}).)*+"  # or a character at which the literal does not begin
    )


def address_before(literal: str) -> str:
    """The same for an address: the colons of an IPv6 address do not end it."""
    if literal[:1] != ":":
        return text_before(literal)
    ipv6 = (
        r"(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}"  # all eight groups
        r"|(?=[0-9A-Fa-f:]{0,38}::)"  # or a shortened one, which holds ``::``
        r"[0-9A-Fa-f:.]{1,44}[0-9A-Fa-f]"  # and may end with an IPv4 address
    )
    return f"(?:(?:{ipv6})(?={re.escape(literal)})|{text_before(literal)})"


def _text_before_any(ends: Sequence[str]) -> str:
    ahead = "|".join(re.escape(end) for end in ends if end)
    # Where a quote can end the text, an escaped one must not.
    return rf"(?:\\.|(?!{ahead})[^\\])*+" if '"' in "".join(ends) else f"(?:(?!{ahead}).)*+"


def _in_class(char: str) -> str:
    return "\\" + char if char in "\\]^-[" else char


def directive_layout(name: str, parts: Sequence[Part], undo: Callable[[str], str] = unescape) -> Layout:
    """The layout of a directive's parts. Args: undo: undoes the escapes that the server writes.

    Raises: SettingsError: there is no variable, or no literal between two variables that need one.
    """
    merged = _merge_literals(parts)
    columns: list[Column] = []
    literal, names = "", set[str]()
    for index, part in enumerate(merged):
        if isinstance(part, str):
            literal = part
            continue
        following = merged[index + 1] if index + 1 < len(merged) else ""
        if not isinstance(following, str) and not (part.pattern or (part.type == "VARCHAR" and following.begins)):
            raise SettingsError(
                f"format {name!r}: there is nothing between {part.name!r} and {following.name!r}, so lines cannot be "
                "split: put a literal between them"
            )
        rest = next((later for later in merged[index + 1 :] if isinstance(later, str)), "")
        ahead = _ahead(merged[index + 2 : index + 4]) if following and isinstance(following, str) else ""
        columns.append(_column(part, unique_name(part.name, names), literal, following, rest, ahead))
        literal = ""
    if not columns:
        raise SettingsError(f"format {name!r}: there is no variable in it")
    tail = merged[-1] if isinstance(merged[-1], str) else ""
    kind = name.partition(":")[0]
    return Layout(kind, "not a line of this directive", columns, end=f"{re.escape(tail)}\\Z", undo=undo)


def _ahead(parts: Sequence[Part]) -> str:
    """The pattern of a number or time and the literal after it (or the line's end), if these parts are that.

    A request or a user agent without quotes contains spaces, but hardly a space, a number, and the directive's next
    literal.
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


def unique_name(name: str, taken: set[str]) -> str:
    """The name, with a number if it is taken; it is taken afterwards."""
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique


def _column(variable: Variable, name: str, before: str, following: Part, literal: str, ahead: str) -> Column:
    """The column of a variable.

    Args:
        variable: The variable.
        name: The column's name.
        before: The literal before it.
        following: The part after it.
        literal: The next literal, after it or further on.
        ahead: The pattern of what follows that literal, if known.
    """
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
    return {"list": list_before, "address": address_before}[variable.kind](following)


def time_tokens(parts: Sequence[Part], layout: Layout) -> list[tuple[str, TimeToken]]:
    """The tokens of a directive that say something of a time, by the names of their columns in its layout."""
    variables = [part for part in parts if isinstance(part, Variable)]
    pairs = zip(layout.columns, variables, strict=True)
    return [(column.name, variable.token) for column, variable in pairs if variable.token is not None]


def directive_format(
    name: str, layout: Layout, source: str, times: Sequence[tuple[str, str]] = (), time: EventTime | None = None
) -> Format:
    """The format of a layout.

    Args:
        times: the fields that can be its time, best first, and how they are written.
        time: the fields that are its time, and how they are written, where that is known.
    """
    fields = {field.name for field in layout.fields}
    of_field = next(((field, written) for field, written in times if field in fields), (None, None))
    time_field, time_format = time or of_field
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
        roles=roles_among(fields),
    )
