"""The layout of HAProxy's format strings: their columns, and what is between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from streamtally.errors import SettingsError
from streamtally.formats.directives.directive import unique_name
from streamtally.formats.directives.haproxy_limits import Limits, Part, find_limits, is_path_before_query
from streamtally.formats.directives.haproxy_values import (
    HEADERS,
    LIST,
    NUMBER,
    NUMBER_PATTERN,
    REQUEST,
    THREE_DIGITS,
    Value,
)
from streamtally.formats.engine.columns import ESCAPABLE, Column
from streamtally.formats.engine.escapes import unescape_json
from streamtally.formats.engine.layout import Layout
from streamtally.formats.engine.statements import SHOWN_AT_ONCE

_QUOTED_LIST = r'"[^"]*+"(?:\x20"[^"]*+")*'
_CAPTURES = r"\{([^{}\"]*+)\}"
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def lay_out(name: str, parts: Sequence[Part]) -> Layout:
    """The layout of a directive's parts, in which no two literals are next to each other.

    Raises: SettingsError: there is no value in it, or lines could not be split.
    """
    _check_captures(name, parts)
    limits = find_limits(parts)
    columns: list[Column] = []
    literal, names = "", set[str]()
    for index, part in enumerate(parts):
        if isinstance(part, str):
            # With a first value that is missing, the space after it is missing too.
            literal = part.removeprefix(" ") if index == 1 and _can_be_missing(parts[0]) else part
            continue
        following = parts[index + 1] if index + 1 < len(parts) else ""
        _check_neighbours(name, part, following)
        build = _column_that_may_be_missing if _can_be_missing(part) else _column
        columns.append(build(part, unique_name(part.name, names), literal, following, limits.get(index)))
        literal = ""
    if not columns:
        raise SettingsError(f"format {name!r}: there is no variable in it")
    return Layout(
        "haproxy",
        "not a line of this log-format",
        columns,
        end=re.escape(literal.rstrip(" ")) + (r"\x20?\Z" if literal == " " else r"\x20*+\Z"),
        numbers=tuple(_runs_of_numbers(columns)) if len(columns) > SHOWN_AT_ONCE else (),
        undo=_undo,
    )


def _can_be_missing(part: Part) -> bool:
    return isinstance(part, Value) and part.kind in (HEADERS, LIST)


def _check_neighbours(name: str, value: Value, following: Part) -> None:
    """Raises: SettingsError: a value follows, and nothing tells where it begins."""
    if isinstance(following, str):
        return
    if (
        value.has_fixed_length
        or value.kind == HEADERS
        or (value.kind == NUMBER and following.pattern == THREE_DIGITS)
        or is_path_before_query(value, following)
    ):
        return
    raise SettingsError(
        f"format {name!r}: there is nothing between {value.name!r} and {following.name!r}, so lines cannot be split: "
        "put a literal between them"
    )


def _check_captures(name: str, parts: Sequence[Part]) -> None:
    """Raises: SettingsError: the directive's own braces could be those of captured headers, which may be missing."""
    captures = [index for index, part in enumerate(parts) if isinstance(part, Value) and part.kind == HEADERS]
    if not captures:
        return
    between = "".join(part for part in parts[captures[0] : captures[-1]] if isinstance(part, str))
    after = parts[captures[-1] + 1] if captures[-1] + 1 < len(parts) else ""
    if "{" in between or (isinstance(after, str) and after.startswith("{")):
        raise SettingsError(
            f"format {name!r}: braces next to %hr or %hs, which are in braces or missing, so lines cannot be split"
        )


def _column(value: Value, name: str, before: str, following: Part, limits: Limits | None) -> Column:
    pattern = value.pattern if limits is None else _text_pattern(value, limits)
    return Column(
        name,
        value.type,
        value.meaning,
        pattern,
        re.escape(before),
        escaped=value.escaped,
        nullable=not (value.only or value.has_fixed_length),
        can_be_empty=re.compile(pattern).groups > 0,  # a number in quotes of which nothing is written
    )


def _text_pattern(value: Value, limits: Limits) -> str:
    if value.escaped and limits.is_quoted:
        others = "".join(map(re.escape, limits.banned.replace('"', "")))
        return rf'(?:[^"\\{others}]|\\[^{others}])*+' if others else ESCAPABLE
    if value.kind == REQUEST and limits.is_quoted and not limits.banned.strip('"'):
        return '[^"]*+'
    char = _class(value, limits.banned)
    if limits.is_loose and not limits.is_strict:
        return f"{char}*{'?' * limits.is_before_space}"  # as far as what follows still fits
    if value.kind == REQUEST:
        return (
            r"<BADREQ>|-"
            rf"|(?![<\-]){char}++\x20{char}++"  # method and target
            r"(?:\x20HTTP/[0-9](?:\.[0-9])?+)?+"  # which is missing after a target that HAProxy has cut
        )
    before_query = "<BADREQ>(?=<BADREQ>)|" if limits.delimiter == "?" else ""
    can_be_empty = limits.in_quotes or limits.is_loose or value.kind == LIST or value.name == "query"
    return f"{before_query}{char}{'*' if can_be_empty else '+'}+"


def _class(value: Value, banned: str) -> str:
    """The class of the characters that a value can hold, without others."""
    if value.only and any(value.can_hold(char) for char in banned):
        chars = "".join(re.escape(char) for char in _ASCII if value.can_hold(char) and char not in banned)
        return f"[{chars}]"
    if value.only:
        return f"[{value.only}]"
    never = value.never + "".join(re.escape(char) for char in dict.fromkeys(banned) if value.can_hold(char))
    return f"[^{never}]" if never else "."


def _column_that_may_be_missing(value: Value, name: str, before: str, following: Part, limits: Limits | None) -> Column:
    """The column of captured headers: HAProxy writes nothing, also no space, where it captures none."""
    if limits is None:
        content = f'"{_CAPTURES}"' if value.quoted else _CAPTURES
    else:
        content = f"({_list_pattern(value, limits)})"
    ends_with_space = isinstance(following, str) and following[:1] in ("", " ")
    if before.endswith(" ") and ends_with_space:
        before, content = before[:-1], rf"\x20{content}"
    elif not before and ends_with_space and following:
        content = rf"{content}\x20"
    return Column(name, "VARCHAR", value.meaning, f"(?:{content})?", re.escape(before), can_be_empty=True)


def _list_pattern(value: Value, limits: Limits) -> str:
    if value.quoted:
        return _QUOTED_LIST
    if limits.is_loose and limits.is_strict:
        raise SettingsError(
            "format 'haproxy:': %hrl and %hsl write any number of values, so lines cannot be split: use %{+Q}hrl or %hr"
        )
    return _text_pattern(value, limits)


def _runs_of_numbers(columns: Sequence[Column]) -> Iterator[tuple[str, ...]]:
    """The numbers that are converted together: those with slashes between, and each other one."""
    run: list[str] = []
    for column in columns:
        is_number = column.pattern == NUMBER_PATTERN
        if run and not (is_number and column.before == "/"):
            yield tuple(run)
            run = []
        if is_number:
            run.append(column.name)
    if run:
        yield tuple(run)


def _undo(text: str) -> str:
    r"""The text without the escapes of the flag E (``\"``, ``\\``, ``\]``) and of the converter ``json``."""
    if "\\]" in text:
        text = "\\\\".join(piece.replace("\\]", "]") for piece in text.split("\\\\"))
    return unescape_json(text)
