"""The predefined character classes of java.util.regex.Pattern: ASCII, but for \\h and \\v."""

from __future__ import annotations

from streamtally.patterns.charset import CharSet, complement, of

DIGIT = of(("0", "9"))
WORD = of(("0", "9"), ("A", "Z"), ("a", "z"), "_")
SPACE = of(" \t\n\x0b\f\r")
LINE_BREAKS = of("\n\r\x85\u2028\u2029")  # what '.' does not take and '$' stands before
HORIZONTAL = of(" \t\xa0\u1680\u180e\u202f\u205f\u3000", (0x2000, 0x200A))
VERTICAL = of("\n\x0b\f\r\x85\u2028\u2029")

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

_PUNCT = of(("!", "/"), (":", "@"), ("[", "`"), ("{", "~"))
POSIX: dict[str, CharSet] = {
    "Lower": of(("a", "z")),
    "Upper": of(("A", "Z")),
    "ASCII": of((0, 0x7F)),
    "Alpha": of(("A", "Z"), ("a", "z")),
    "Digit": DIGIT,
    "Alnum": of(("0", "9"), ("A", "Z"), ("a", "z")),
    "Punct": _PUNCT,
    "Graph": of(("!", "~")),
    "Print": of((" ", "~")),
    "Blank": of(" \t"),
    "Cntrl": of((0, 0x1F), (0x7F, 0x7F)),
    "XDigit": of(("0", "9"), ("A", "F"), ("a", "f")),
    "Space": SPACE,
}
