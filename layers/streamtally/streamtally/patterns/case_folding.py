"""Which characters Java compares as equal under ``(?iu)``, by :mod:`unicodedata`'s cases."""

from __future__ import annotations

from functools import cache

from streamtally.patterns import charset
from streamtally.patterns.charset import CharSet, set_of, union


def _upper_of(code_point: int) -> int:
    char = chr(code_point)
    for other in (char.upper(), char.title()):  # as in Java: of 'ᾀ' only the title case is one character
        if len(other) == 1:
            return ord(other)
    return code_point


def _fold(code_point: int) -> int:
    """A character as Java compares it ignoring case: the lower case of its upper case, one to one."""
    upper = _upper_of(code_point)
    lower = chr(upper).lower()
    return ord(lower) if len(lower) == 1 else ord(lower[0]) if upper == 0x130 else upper


@cache
def _folds() -> tuple[tuple[int, int, int], ...]:
    """(character, its upper case, its folded form) of every character that has other cases."""
    folds = ((code_point, _upper_of(code_point), _fold(code_point)) for code_point in range(charset.MAX_CODE_POINT + 1))
    return tuple(fold for fold in folds if fold[0] != fold[1] or fold[0] != fold[2])


def either_case_of(char: str) -> CharSet:
    """A character with all others that equal it under ``(?iu)``."""
    folded = _fold(ord(char))
    if _upper_of(folded) == folded:  # Java then compares the character itself: ß equals only ß, though ẞ folds to it
        return set_of(char)
    others = [code_point for code_point, _, other in _folds() if other == folded]
    return union(
        [(code_point, code_point) for code_point in (ord(char), folded, *others) if _fold(code_point) == folded]
    )


def either_case_of_range(chars: CharSet) -> CharSet:
    """A range of a class with what it also matches under ``(?iu)``: characters whose upper or folded case is in it."""
    others = [
        (code_point, code_point)
        for code_point, upper, folded in _folds()
        if charset.contains(chars, upper) or charset.contains(chars, folded)
    ]
    return union(chars, others)
