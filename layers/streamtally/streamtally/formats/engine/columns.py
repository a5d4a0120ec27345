"""The columns of a layout: what each looks like, and what precedes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from streamtally.formats.base import Field

FLAGS = re.DOTALL | re.ASCII
"""The flags of patterns for lines: ``.`` is any character that a line can hold, and classes are ASCII."""

# Quantifiers are possessive (``++``, ``*+``, ``?+``): a part never gives back what it took, so a line that does not fit
# fails in one pass instead of trying every way to divide it.
ESCAPABLE = (
    r'[^"\\]*+'  # up to the first quote or backslash
    r'(?:\\.[^"\\]*+)*+'  # a backslash takes the next character with it, whatever it is
)
"""A text up to the quote that ends it."""
TEXT = r"[^ ]++"
"""A text without spaces, not empty."""
CELL = r"[^\t]*+"
"""A text up to a tab, which may be empty."""
QUOTED = f'"({ESCAPABLE})"'
"""A text in double quotes, in which a backslash escapes the next character; the group is what is between the quotes."""
INTEGER = r"-?[0-9]{1,18}+|-"
"""An integer of 64 bits (18 digits always fit), or ``-``."""
DECIMAL = (
    r"-?[0-9]{1,15}+"  # 15 digits are exact in a double
    r"(?:\.[0-9]{1,15}+)?+"
    r"|-"
)
"""A decimal number without an exponent, or ``-``."""
CLF_TIME = (
    r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}"  # day/month/year
    r":[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"\x20[+\-][0-9]{4}"  # offset from UTC
)
"""The time of the common log format: ``10/Oct/2025:13:55:36 -0700``."""
BRACKETED_TIME = rf"\[({CLF_TIME})\]"
"""The same in brackets, which are not part of the value."""

_PATTERNS = {"VARCHAR": TEXT, "INTEGER": r"-?[0-9]{1,9}+|-", "BIGINT": INTEGER, "DOUBLE": DECIMAL}


_GROUP = re.compile(
    r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*+\])"  # what is not a group: an escape, or a class
    r"|\((?!\?)"  # the beginning of a group that takes a value
)


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a layout. ``-`` is null in every type.

    Attributes:
        name: The field's name in the format's documentation.
        type: VARCHAR, INTEGER, BIGINT or DOUBLE.
        meaning: What the format's documentation says about it, with the unit.
        pattern: What the value looks like. If it has a group, as QUOTED does, the group is the value. Empty: by type.
        before: The pattern of what precedes the value.
        optional: Whether the column may be missing, together with all columns after it; it is null then.
        escaped: Whether the value holds the log's escapes, which ``unescape`` undoes.
        nullable: Whether the value can be ``-``.
        repeats: Whether values recur so often (status codes, durations) that converted ones are worth caching. None:
            an INTEGER's do, another type's do not.
        is_rare: Whether few lines have an optional column, so that the fast path takes only those without it.
        can_be_empty: Whether a number may be missing between its separators; it is null then.
    """

    name: str
    type: str
    meaning: str
    pattern: str = ""
    before: str = " "
    optional: bool = False
    escaped: bool = False
    nullable: bool = True
    repeats: bool | None = None
    can_be_empty: bool = False
    is_rare: bool = False

    @property
    def can_be_none(self) -> bool:
        """Whether the pattern's group may take no part in a match."""
        return self.optional or self.can_be_empty

    @property
    def field(self) -> Field:
        """The column as the documentation lists it."""
        return Field(self.name, self.type, self.meaning)

    @property
    def exact_pattern(self) -> str:
        """The pattern of the value, without what precedes it."""
        return self.pattern or _PATTERNS[self.type]

    @property
    def mandatory(self) -> str:
        """The pattern of the column, with what precedes it, where it must be there; it has one group."""
        return self.before + _as_group(self.exact_pattern)

    @property
    def expression(self) -> str:
        """The column's part of a line's pattern: ``mandatory``, or the same made optional."""
        return f"(?:{self.mandatory})?+" if self.optional else self.mandatory

    @property
    def plain_pattern(self) -> str:
        """The group that takes the value in a line without a backslash."""
        return _as_group(self.exact_pattern.replace(ESCAPABLE, '[^"]*+'))

    @property
    def plain_text(self) -> str:
        """The same without a group."""
        return _GROUP.sub(lambda match: match[1] or "(?:", self.plain_pattern)

    @property
    def is_looked_up(self) -> bool:
        """Whether converted values are cached, since they recur."""
        return (self.type == "INTEGER" and not self.can_be_empty) if self.repeats is None else self.repeats

    @property
    def is_number_looked_up(self) -> bool:
        """Whether the column is a number whose converted values are cached."""
        return self.is_looked_up and self.type != "VARCHAR"


def quoted(name: str, meaning: str, before: str = " ", optional: bool = False) -> Column:
    """A column in double quotes; quotes inside are escaped by a backslash."""
    return Column(name, "VARCHAR", meaning, QUOTED, before, optional, escaped=True)


def _as_group(pattern: str) -> str:
    return pattern if "(" in pattern and re.compile(pattern).groups else f"({pattern})"
