"""Character classes in brackets, as java.util.regex reads them: unions, ranges, ``&&``, negation."""

from __future__ import annotations

from streamtally.patterns import charset
from streamtally.patterns.charset import CharSet
from streamtally.patterns.escapes import either_case, escaped
from streamtally.patterns.reader import Reader


def bracket(reader: Reader) -> CharSet:
    """The class whose ``[`` is at the cursor; moves the cursor past the ``]``.

    Raises: JavaSyntaxError, UnsupportedPatternError.
    """
    return _Bracket(reader).read(True)


class _Bracket:
    """One class, or the operand after ``&&`` in one.

    Java keeps single characters below U+0100 (``bits``) apart from the other parts (``total``) until the end, and for
    ``&&`` without an operand it takes the last part (``last``). This parser does the same.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.bits: CharSet | None = None
        self.total: CharSet | None = None
        self.last: CharSet | None = None

    def read(self, whole: bool) -> CharSet:
        """Read up to the closing bracket, and past it if ``whole``; the cursor is before the first character."""
        reader = self.reader
        char = reader.next()
        negative = char == "^" and reader.raw(-1) == "["
        if negative:
            char = reader.next()
        while char != "]" or (self.total is None and self.bits is None):
            if not char:
                raise reader.wrong("Unclosed character class")
            if char == "[":
                self._add(bracket(reader))
            elif char == "&" and self._is_and():
                self._intersect(self._right())
            else:
                self._item()
            char = reader.peek()
        if whole:
            reader.next()
        chars = charset.union(self.total or charset.NONE, self.bits or charset.NONE)
        return charset.complement(chars) if negative else chars

    def _is_and(self) -> bool:
        at = self.reader.at
        if self.reader.next() == "&":
            self.reader.next()
            return True
        self.reader.at = at
        return False

    def _add(self, chars: CharSet) -> None:
        self.last = chars
        self.total = chars if self.total is None else charset.union(self.total, chars)

    def _right(self) -> CharSet | None:
        reader, right = self.reader, None
        while (char := reader.peek()) not in ("]", "&"):
            if not char:
                raise reader.wrong("Unclosed character class")
            if char == "[":
                part = bracket(reader)
            else:
                reader.at -= 1
                part = _Bracket(reader).read(False)
            right = part if right is None else charset.union(right, part)
        return right

    def _intersect(self, right: CharSet | None) -> None:
        if self.bits is not None:
            if self.total is None:
                self.last = self.bits
            self.total = charset.union(self.total or charset.NONE, self.bits)
            self.bits = None
        if right is not None:
            self.last = right
        if self.total is None:
            if right is None:
                raise self.reader.wrong("Bad class syntax")
            self.total = right
        elif self.last is None:
            raise self.reader.refuse("&& with nothing after it")
        else:
            self.total = charset.intersect(self.total, self.last)

    def _item(self) -> None:
        reader = self.reader
        low = self._char(reader.raw(2) == "-")
        if not isinstance(low, str):
            return self._add(low)
        if reader.peek() == "-" and reader.raw(1) not in ("[", "]"):
            reader.next()
            high = self._char(True)
            if not isinstance(high, str) or high < low:
                raise reader.wrong("Illegal character range")
            return self._add(either_case(self.reader, charset.set_of((low, high))))
        chars = either_case(self.reader, low)
        if ord(low) > 0xFF:
            return self._add(chars)
        self.bits, self.last = charset.union(self.bits or charset.NONE, chars), None

    def _char(self, is_range: bool) -> str | CharSet:
        if self.reader.peek() == "\\":
            return escaped(self.reader, is_range)
        return self.reader.read()
