"""The columns of a layout: what each looks like, and what stands before it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from streamtally.formats.base import Field

TEXT = "[^ ]++"


QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'


INTEGER = r"-?[0-9]{1,18}+|-"


DECIMAL = r"-?[0-9]{1,15}+(?:\.[0-9]{1,15}+)?+|-"


_PATTERNS = {"VARCHAR": TEXT, "INTEGER": r"-?[0-9]{1,9}+|-", "BIGINT": INTEGER, "DOUBLE": DECIMAL}


_ESCAPABLE = r'[^"\\]*+(?:\\.[^"\\]*+)*+'


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a layout.

    Attributes:
        name, type, meaning: as the format's documentation gives them; ``-`` is null in every type.
        pattern: what it looks like; its own group if it has one, as QUOTED does, else all of it is the value.
        before: pattern of what stands before it.
        optional: it may be missing with all that follow, and is null then.
        escaped: holds the log's escapes, which ``unescape`` undoes.
        nullable: can be ``-``.
        repeats: whether a value mostly comes again (status codes, durations), so that it pays to remember it; None:
            an INTEGER does, others do not.
        can_be_empty: a number of which nothing but its place may be there; null then.
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

    @property
    def can_be_none(self) -> bool:
        """Whether the pattern's group may take no part."""
        return self.optional or self.can_be_empty

    @property
    def field(self) -> Field:
        """The column as the documentation lists it."""
        return Field(self.name, self.type, self.meaning)

    @property
    def exact_pattern(self) -> str:
        """What it looks like, without what stands before."""
        return self.pattern or _PATTERNS[self.type]

    @property
    def mandatory(self) -> str:
        """What stands before it, and it, as one group, where it must not be missing."""
        return self.before + _as_group(self.exact_pattern)

    @property
    def expression(self) -> str:
        """The same where it may be missing."""
        return f"(?:{self.mandatory})?+" if self.optional else self.mandatory

    @property
    def plain_pattern(self) -> str:
        """Its group in a line without a backslash."""
        return _as_group(self.exact_pattern.replace(_ESCAPABLE, '[^"]*+'))

    @property
    def is_number_looked_up(self) -> bool:
        """Whether it is a number, and such a one."""
        return self.is_looked_up and self.type != "VARCHAR"

    @property
    def is_looked_up(self) -> bool:
        """Whether its values mostly come again."""
        return (self.type == "INTEGER" and not self.can_be_empty) if self.repeats is None else self.repeats


def quoted(name: str, meaning: str, before: str = " ", optional: bool = False) -> Column:
    """A column in double quotes; quotes inside are escaped by a backslash."""
    return Column(name, "VARCHAR", meaning, QUOTED, before, optional, escaped=True)


def _as_group(pattern: str) -> str:
    return pattern if re.compile(pattern).groups else f"({pattern})"


FLAGS = re.DOTALL | re.ASCII
