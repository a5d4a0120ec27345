"""Escapes in patterns of java.util.regex: characters and character classes written with a backslash."""

from __future__ import annotations

from streamtally.patterns import charset
from streamtally.patterns.case_folding import either_case_of, either_case_of_range
from streamtally.patterns.charset import CharSet
from streamtally.patterns.classes import BY_LETTER, POSIX
from streamtally.patterns.properties import unicode_class, unicode_posix, unicode_property
from streamtally.patterns.reader import Reader

_SIMPLE = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
_HEX = frozenset("0123456789abcdefABCDEF")
_OCTAL = frozenset("01234567")
_OF_CASE = ("Lower", "Upper")


def escaped(reader: Reader, is_range: bool = False) -> str | CharSet:
    """One character, or a class such as ``\\d``; the cursor moves from the backslash past the escape.

    Args:
        is_range: in a class, the escape is an end of a range, where ``\\v`` is one character.
    Raises: JavaSyntaxError, UnsupportedPatternError.
    """
    char = reader.skip()
    if not char:
        raise reader.wrong("Unexpected end after a backslash")
    if char in _SIMPLE:
        return _SIMPLE[char]
    if char in "0xuc":
        return {"0": _octal, "x": _hex, "u": _unicode, "c": _control}[char](reader)
    if char == "v" and is_range:
        return "\x0b"
    if char in BY_LETTER:
        return ("U" in reader.flags and unicode_class(char)) or BY_LETTER[char]
    if char in "pP":
        return _property(reader, char == "P")
    if char in "GXN":
        raise reader.refuse(f"\\{char}")
    if char.isascii() and (char.isalpha() or char.isdigit()):
        raise reader.wrong("Illegal/unsupported escape sequence")
    return char


def _control(reader: Reader) -> str:
    if not reader.raw():
        raise reader.wrong("Illegal control escape sequence")
    return chr(ord(reader.read()) ^ 64)


def _octal(reader: Reader) -> str:
    digits = reader.read()
    if not digits or digits not in _OCTAL:
        raise reader.wrong("Illegal octal escape sequence")
    while (char := reader.peek()) and char in _OCTAL and len(digits) < (3 if digits[0] <= "3" else 2):
        digits += reader.read()
    return chr(int(digits, 8))


def _hex_digits(reader: Reader, count: int) -> int:
    digits = [reader.read() for _ in range(count)]
    if not all(digit in _HEX for digit in digits):
        raise reader.wrong("Illegal hexadecimal or Unicode escape sequence")
    return int("".join(digits), 16)


def _hex(reader: Reader) -> str:
    if not reader.take("{"):
        return chr(_hex_digits(reader, 2))
    digits = ""
    while (char := reader.read()) in _HEX:
        digits += char
    if char != "}" or not digits or int(digits, 16) > charset.MAX_CODE_POINT:
        raise reader.wrong("Illegal hexadecimal escape sequence")
    return _whole(reader, int(digits, 16))


def _unicode(reader: Reader) -> str:
    code = _hex_digits(reader, 4)
    if 0xD800 <= code < 0xDC00:
        after = reader.at
        if reader.read() == "\\" and reader.read() == "u":
            low = _hex_digits(reader, 4)
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00))
        reader.at = after
    return _whole(reader, code)


def _whole(reader: Reader, code: int) -> str:
    if 0xD800 <= code < 0xE000:
        raise reader.refuse("half of a surrogate pair")
    return chr(code)


def _property(reader: Reader, negative: bool) -> CharSet:
    name = reader.read()
    if name == "{":
        end = reader.text.find("}", reader.at)
        if end <= reader.at:
            raise reader.wrong("Unclosed or empty character family")
        name, reader.at = reader.text[reader.at : end], end + 1
    if not name:
        raise reader.wrong("Unexpected end after \\p")
    chars = _named_class(reader, name)
    if chars is None:
        raise reader.refuse(f"\\p{{{name}}}")
    return charset.complement(chars) if negative else chars


def _named_class(reader: Reader, name: str) -> CharSet | None:
    ignore_case = "i" in reader.flags
    if name not in POSIX:
        return unicode_property(name, ignore_case)
    if "U" in reader.flags:
        return unicode_posix(name, ignore_case)
    return POSIX["Alpha" if name in _OF_CASE and ignore_case else name]


def either_case(reader: Reader, part: str | CharSet) -> CharSet:
    """A character, or a range of a class, with its other cases if the flags in force ignore case."""
    chars = charset.set_of(part) if isinstance(part, str) else part
    if "i" not in reader.flags:
        return chars
    if "u" not in reader.flags:
        return charset.either_case(chars)
    return either_case_of(part) if isinstance(part, str) else either_case_of_range(chars)
