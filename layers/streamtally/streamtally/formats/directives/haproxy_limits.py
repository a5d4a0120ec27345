"""Where the values of HAProxy's format strings end that have no pattern of their own.

A value that can hold the character after it (a header in front of a space) is loose. One loose value ends where what
follows it fits to the line's end, as nothing else can hold that character. Where several are loose, no value may hold
these characters, so that a line in which one does has too many of them and does not fit: it is never split wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from streamtally.formats.directives.haproxy_values import HEADERS, LIST, REQUEST, Value

Part = str | Value
"""Literal text, or a value."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a value without a pattern of its own ends.

    Attributes:
        delimiter: The character after it; empty at the line's end.
        place: What quotes and spaces alone tell apart from the rest of the line: whether it is in quotes, a number.
        is_loose: Whether it can hold its delimiter, or at the line's end any character.
        is_strict: Whether it must not hold it all the same, since it is not the only one.
        banned: The characters that it must not hold, so that lines can be split.
        is_before_space: Whether only a space follows, which is not part of it.
    """

    delimiter: str
    place: tuple[bool, int]
    is_loose: bool
    is_strict: bool = False
    banned: str = ""
    is_before_space: bool = False

    @property
    def in_quotes(self) -> bool:
        """Whether it is in quotes, perhaps with other values."""
        return self.place[0]

    @property
    def is_quoted(self) -> bool:
        """Whether a quote ends it."""
        return self.in_quotes and self.delimiter == '"'


def find_limits(parts: Sequence[Part]) -> dict[int, Limits]:
    """The limits of the values that have no pattern, by their indexes."""
    values = {
        index: part
        for index, part in enumerate(parts)
        if isinstance(part, Value) and not part.pattern and part.kind != HEADERS
    }
    quotes = list(accumulate(part.count('"') if isinstance(part, str) else 0 for part in parts))
    spaces = list(accumulate(isinstance(part, str) and " " in part for part in parts))
    places = [(quote % 2 == 1, quote if quote % 2 else space) for quote, space in zip(quotes, spaces, strict=True)]
    limits = {}
    for index, value in values.items():
        delimiter, place = _delimiter(parts, index), places[index]
        is_loose = _is_loose(value, delimiter, place[0] and delimiter == '"')
        limits[index] = Limits(delimiter, place, is_loose, is_before_space=parts[index + 1 :] == [" "])
    is_strict = _is_strict(values, limits)
    lists = any(value.kind == LIST and value.quoted for value in values.values())
    captures = {places[index] for index, part in enumerate(parts) if isinstance(part, Value) and part.kind == HEADERS}
    for index, limit in limits.items():
        banned = ""
        if is_strict or not limit.is_loose:
            same_place = (other for other in limits.values() if other.is_loose and other.place == limit.place)
            banned = limit.delimiter + "".join(other.delimiter for other in same_place)
        banned += '"' * (is_strict and quotes[-1] > 0)
        if limit.is_loose:
            banned += '"' * lists + " " * (is_strict and not limit.in_quotes and spaces[-1] > 0)
            # It must not take captured headers, which may be missing.
            banned += "{" * (limit.place in captures if limit.is_quoted else bool(captures))
        limits[index] = replace(limit, is_strict=is_strict, banned=banned)
    return limits


def _is_strict(values: Mapping[int, Value], limits: Mapping[int, Limits]) -> bool:
    """Whether several values are loose, or another one can hold the character after the loose one."""
    loose = [limit for limit in limits.values() if limit.is_loose]
    if len(loose) != 1:
        return bool(loose)
    (only,) = loose
    return only.delimiter != "" and any(
        values[index].can_hold(only.delimiter)
        for index, limit in limits.items()
        if limit is not only and (not limit.is_quoted or limit.place == only.place)
    )


def _delimiter(parts: Sequence[Part], index: int) -> str:
    """The character after a value; empty at the line's end."""
    following = parts[index + 1] if index + 1 < len(parts) else ""
    if isinstance(following, str):
        return following[:1]
    return "?" if is_path_before_query(parts[index], following) else ""  # type: ignore[arg-type]  # it is a value


def _is_loose(value: Value, delimiter: str, is_quoted: bool) -> bool:
    """Whether a value can hold the character after it, or at the line's end any character."""
    if value.kind == LIST and value.quoted:
        return False
    if value.kind == REQUEST:
        return delimiter not in ("", " ", '"')
    if value.escaped and is_quoted:
        return False
    if not delimiter:
        return value.can_hold(" ")
    return delimiter != "?" and value.can_hold(delimiter)


def is_path_before_query(value: Value, following: Part) -> bool:
    """Whether a path is followed by its query, which begins with a question mark."""
    return value.name == "path" and isinstance(following, Value) and following.name == "query"
