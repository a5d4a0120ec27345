"""Sets of characters as ranges of code points: every character class of Java is computed as one of these.

A set is a sorted tuple of ``(low, high)`` pairs, both ends included, that neither touch nor overlap.
"""

from __future__ import annotations

from collections.abc import Iterable

CharSet = tuple[tuple[int, int], ...]

MAX_CODE_POINT = 0x10FFFF
ANY: CharSet = ((0, MAX_CODE_POINT),)
NONE: CharSet = ()


def set_of(*parts: str | tuple[int, int] | tuple[str, str]) -> CharSet:
    """A set from texts, of which each character counts, and ranges: ``set_of("_", ("a", "z"), (0x2000, 0x200A))``."""
    ranges: list[tuple[int, int]] = []
    for part in parts:
        if isinstance(part, str):
            ranges += [(ord(char), ord(char)) for char in part]
        else:
            low, high = (ord(end) if isinstance(end, str) else end for end in part)
            ranges.append((low, high))
    return union(ranges)


def union(*sets: Iterable[tuple[int, int]]) -> CharSet:
    """The characters that are in at least one set."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for ranges in sets for pair in ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(chars: CharSet) -> CharSet:
    """All characters that are not in the set."""
    out: list[tuple[int, int]] = []
    start = 0
    for low, high in chars:
        if low > start:
            out.append((start, low - 1))
        start = high + 1
    if start <= MAX_CODE_POINT:
        out.append((start, MAX_CODE_POINT))
    return tuple(out)


def intersect(a: CharSet, b: CharSet) -> CharSet:
    """The characters that are in both sets."""
    return complement(union(complement(a), complement(b)))


def overlaps(a: CharSet, b: CharSet) -> bool:
    """Whether the sets share a character."""
    return bool(intersect(a, b))


def contains(chars: CharSet, code_point: int) -> bool:
    """Whether the code point is in the set."""
    return any(low <= code_point <= high for low, high in chars)


def either_case(chars: CharSet) -> CharSet:
    """The set with the other case of each ASCII letter: Java's ``(?i)`` without ``(?u)``."""
    upper = intersect(chars, set_of(("A", "Z")))
    lower = intersect(chars, set_of(("a", "z")))
    return union(
        chars,
        ((low + 32, high + 32) for low, high in upper),
        ((low - 32, high - 32) for low, high in lower),
    )


def _escape(code_point: int) -> str:
    char = chr(code_point)
    if char.isascii() and char.isalnum():
        return char
    # The engines share few numeric escapes, so a character beyond printable ASCII is written literally.
    return "\\" + char if char.isascii() and char.isprintable() and char != " " else char


def to_class(chars: CharSet) -> str:
    """The set as a bracket expression that Python's ``re`` and RE2 read alike; a single character without brackets."""
    if not chars:
        return f"[^{chr(0)}-{chr(MAX_CODE_POINT)}]"
    if len(chars) == 1 and chars[0][0] == chars[0][1]:
        return _escape(chars[0][0])
    inside = complement(chars)
    negated = chars[-1][1] == MAX_CODE_POINT and bool(inside)
    ranges = inside if negated else chars
    body = "".join(
        _escape(low) if low == high else _escape(low) + ("-" if high > low + 1 else "") + _escape(high)
        for low, high in ranges
    )
    return f"[{'^' if negated else ''}{body}]"
