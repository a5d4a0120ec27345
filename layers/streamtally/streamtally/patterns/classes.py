"""The predefined character classes of java.util.regex.Pattern: ASCII, except ``\\h`` and ``\\v``."""

from __future__ import annotations

from streamtally.patterns.charset import CharSet, complement, set_of

DIGIT = set_of(("0", "9"))
WORD = set_of(("0", "9"), ("A", "Z"), ("a", "z"), "_")
SPACE = set_of(" \t\n\x0b\f\r")
LINE_BREAKS = set_of("\n\r\x85\u2028\u2029")  # which '.' does not match, and before which '$' matches
HORIZONTAL = set_of(" \t\xa0\u1680\u180e\u202f\u205f\u3000", (0x2000, 0x200A))
VERTICAL = set_of("\n\x0b\f\r\x85\u2028\u2029")

BY_LETTER: dict[str, CharSet] = {
    "d": DIGIT,
    "w": WORD,
    "s": SPACE,
    "h": HORIZONTAL,
    "v": VERTICAL,
    "D": complement(DIGIT),
    "W": complement(WORD),
    "S": complement(SPACE),
    "H": complement(HORIZONTAL),
    "V": complement(VERTICAL),
}

_PUNCT = set_of(("!", "/"), (":", "@"), ("[", "`"), ("{", "~"))
POSIX: dict[str, CharSet] = {
    "Lower": set_of(("a", "z")),
    "Upper": set_of(("A", "Z")),
    "ASCII": set_of((0, 0x7F)),
    "Alpha": set_of(("A", "Z"), ("a", "z")),
    "Digit": DIGIT,
    "Alnum": set_of(("0", "9"), ("A", "Z"), ("a", "z")),
    "Punct": _PUNCT,
    "Graph": set_of(("!", "~")),
    "Print": set_of((" ", "~")),
    "Blank": set_of(" \t"),
    "Cntrl": set_of((0, 0x1F), (0x7F, 0x7F)),
    "XDigit": set_of(("0", "9"), ("A", "F"), ("a", "f")),
    "Space": SPACE,
}
