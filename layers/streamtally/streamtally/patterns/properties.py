r"""The Unicode properties of java.util.regex: ``\p{L}``, ``\p{IsLatin}``, ``\p{javaLetter}``, and ``(?U)``'s classes.

Computed from :mod:`unicodedata`, whose Unicode version is Python's (14 or newer; Java 17 has 13): they differ in the
characters that were added in between. Scripts come from RE2. A property that neither knows is refused by name.
Source: java.util.regex.Pattern, section "Unicode support", and CharPredicates, Java 17.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import cache

from streamtally.patterns import charset
from streamtally.patterns.charset import CharSet, set_of, union
from streamtally.patterns.engine import re2

_SURROGATES = set_of((0xD800, 0xDFFF))
_CATEGORIES = (
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
    "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
)  # fmt: skip
_CASED = ("Lu", "Ll", "Lt")
_WHITE_SPACE = set_of(("\t", "\r"), " \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000", (0x2000, 0x200A))
_JOIN_CONTROL = set_of((0x200C, 0x200D))
_HEX_LETTERS = set_of(("A", "F"), ("a", "f"), (0xFF21, 0xFF26), (0xFF41, 0xFF46))
# Alphabetic = letters, letter numbers, and these. Some marks are alphabetic too, but unicodedata has no table of them;
# classes that contain all marks, such as ``\w``, need none.
_ALPHABETIC_SYMBOLS = set_of((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))


@cache
def _by_category() -> dict[str, CharSet]:
    ranges: dict[str, list[tuple[int, int]]] = {name: [] for name in _CATEGORIES}
    start, current = 0, unicodedata.category("\0")
    for code_point in range(1, charset.MAX_CODE_POINT + 2):
        category = unicodedata.category(chr(code_point)) if code_point <= charset.MAX_CODE_POINT else ""
        if category != current:
            ranges[current].append((start, code_point - 1))
            start, current = code_point, category
    return {name: tuple(pairs) for name, pairs in ranges.items()}


def _category(*names: str) -> CharSet:
    known = _by_category()
    return union(*(known[full] for name in names for full in _CATEGORIES if full.startswith(name)))


def _minus(chars: CharSet, *others: CharSet) -> CharSet:
    return charset.intersect(chars, charset.complement(union(*others)))


@cache
def _where(test: Callable[[str], bool]) -> CharSet:
    """Every character for which a method of ``str`` is true."""
    ranges = ((code_point, code_point) for code_point in range(charset.MAX_CODE_POINT + 1) if test(chr(code_point)))
    return union(ranges)


def _lower() -> CharSet:
    return _where(str.islower)


def _upper() -> CharSet:
    return _where(str.isupper)


def _assigned() -> CharSet:
    return charset.complement(_category("Cn"))


def _graph() -> CharSet:
    return _minus(_assigned(), _WHITE_SPACE, _category("Cc", "Cs"))


def _blank() -> CharSet:
    return union(_category("Zs"), set_of("\t"))


def _digit() -> CharSet:
    return _category("Nd")


def _letter() -> CharSet:
    return _category("L")


def _white_space() -> CharSet:
    return _WHITE_SPACE


def _java_white_space() -> CharSet:
    return union(_minus(_category("Z"), set_of("\xa0\u2007\u202f")), set_of(("\t", "\r"), (0x1C, 0x1F)))


_BINARY: dict[str, Callable[[], CharSet]] = {
    "LETTER": _letter,
    "LOWERCASE": _lower,
    "UPPERCASE": _upper,
    "TITLECASE": lambda: _category("Lt"),
    "PUNCTUATION": lambda: _category("P"),
    "CONTROL": lambda: _category("Cc"),
    "WHITE_SPACE": _white_space,
    "WHITESPACE": _white_space,
    "DIGIT": _digit,
    "HEX_DIGIT": lambda: union(_digit(), _HEX_LETTERS),
    "HEXDIGIT": lambda: union(_digit(), _HEX_LETTERS),
    "JOIN_CONTROL": lambda: _JOIN_CONTROL,
    "JOINCONTROL": lambda: _JOIN_CONTROL,
    "ASSIGNED": _assigned,
}
"""``\\p{Is…}``, the name in upper case."""

_METHODS: dict[str, Callable[[], CharSet]] = {
    "javaLowerCase": _lower,
    "javaUpperCase": _upper,
    "javaTitleCase": lambda: _category("Lt"),
    "javaDigit": _digit,
    "javaDefined": _assigned,
    "javaLetter": _letter,
    "javaLetterOrDigit": lambda: union(_letter(), _digit()),
    "javaSpaceChar": lambda: _category("Z"),
    "javaWhitespace": _java_white_space,
    "javaISOControl": lambda: _category("Cc"),
}

_OTHERS: dict[str, Callable[[], CharSet]] = {
    "LC": lambda: _category(*_CASED),
    "LD": lambda: union(_letter(), _digit()),
    "L1": lambda: set_of((0, 0xFF)),
    "all": lambda: charset.ANY,
}

_UNICODE_POSIX: dict[str, Callable[[], CharSet]] = {
    "Lower": _lower,
    "Upper": _upper,
    "Digit": _digit,
    "Punct": lambda: _category("P"),
    "Graph": _graph,
    "Print": lambda: _minus(union(_graph(), _blank()), _category("Cc")),
    "Blank": _blank,
    "Cntrl": lambda: _category("Cc"),
    "XDigit": lambda: union(_digit(), _HEX_LETTERS),
    "Space": _white_space,
    "ASCII": lambda: set_of((0, 0x7F)),
}
"""The POSIX classes under ``(?U)``."""

_EITHER_CASE = {_lower, _upper}


def unicode_word() -> CharSet:
    r"""``\w`` under ``(?U)``: alphabetic, marks, digits, connecting punctuation, join controls."""
    return union(_category("L", "Nl", "M", "Nd", "Pc"), _ALPHABETIC_SYMBOLS, _JOIN_CONTROL)


def unicode_class(letter: str) -> CharSet | None:
    r"""``\d``, ``\w``, ``\s`` and their complements under ``(?U)``; None for a class that the flag does not change."""
    classes: dict[str, Callable[[], CharSet]] = {"d": _digit, "w": unicode_word, "s": _white_space}
    made = classes.get(letter.lower())
    if made is None:
        return None
    return made() if letter.islower() else charset.complement(made())


def unicode_posix(name: str, ignore_case: bool) -> CharSet | None:
    r"""A POSIX class under ``(?U)``, such as ``\p{Lower}``; None if there is no table of it."""
    return _cased(_UNICODE_POSIX.get(name), ignore_case)


def unicode_property(name: str, ignore_case: bool) -> CharSet | None:
    r"""The characters of ``\p{name}``: a category, script, binary property or method of Character; None if unknown."""
    key, equals, value = name.partition("=")
    if equals:
        if key.lower() in ("gc", "general_category"):
            return _general_category(value, ignore_case)
        return _script(value) if key.lower() in ("sc", "script") else None
    if name in _METHODS:
        return _cased(_METHODS[name], ignore_case)
    if name.startswith("Is"):
        rest = name[2:]
        if rest.upper() in _BINARY:
            return _cased(_BINARY[rest.upper()], ignore_case)
        return _general_category(rest, ignore_case) or _script(rest)
    return _general_category(name, ignore_case)


def _cased(made: Callable[[], CharSet] | None, ignore_case: bool) -> CharSet | None:
    if made is None:
        return None
    chars = made()
    if ignore_case and (made in _EITHER_CASE or chars == _category("Lt")):
        return union(_lower(), _upper(), _category("Lt"))
    return chars


def _general_category(name: str, ignore_case: bool) -> CharSet | None:
    if name in _OTHERS:
        return _OTHERS[name]()
    if name in _CASED and ignore_case:
        return _category(*_CASED)
    if name in _CATEGORIES or name in {full[0] for full in _CATEGORIES}:
        return _minus(_category(name), _SURROGATES)
    return None


@cache
def _script(name: str) -> CharSet | None:
    if re2 is None or not name.isascii() or not name.replace("_", "").isalpha():
        return None
    options = re2.Options()
    options.log_errors = False
    wanted = "_".join(part.capitalize() for part in name.split("_"))
    try:
        runs = re2.compile(rf"\p{{{_SHORT_SCRIPTS.get(wanted, wanted)}}}+", options)
    except re2.error:
        return None
    text = "".join(map(chr, _valid()))
    shift = 0x800  # the surrogates are not in the text
    ranges = [(match.start(), match.end() - 1) for match in runs.finditer(text)]
    return union([(low + shift * (low >= 0xD800), high + shift * (high >= 0xD800)) for low, high in ranges])


def _valid() -> Iterable[int]:
    yield from range(0xD800)
    yield from range(0xE000, charset.MAX_CODE_POINT + 1)


_SHORT_SCRIPTS = {
    "Arab": "Arabic", "Armn": "Armenian", "Beng": "Bengali", "Cyrl": "Cyrillic", "Deva": "Devanagari",
    "Geor": "Georgian", "Grek": "Greek", "Hang": "Hangul", "Hani": "Han", "Hebr": "Hebrew", "Hira": "Hiragana",
    "Kana": "Katakana", "Latn": "Latin", "Taml": "Tamil", "Thai": "Thai", "Zyyy": "Common",
}  # fmt: skip
