"""SQL types: their names, and their values in Python.

========================  ===============================================================
BOOLEAN                   bool
TINYINT … BIGINT          int within the type's range
REAL, DOUBLE              float, always finite
DECIMAL(p, s)             decimal.Decimal with s decimal places
VARCHAR(n), CHAR(n)       str of at most n characters
TIMESTAMP                 int: milliseconds since 1970-01-01T00:00:00Z
DATE, TIME                int: days since the epoch; milliseconds since midnight
========================  ===============================================================

NULL is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from streamtally.errors import PlanError

INTEGER_BITS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
FLOATS = frozenset({"REAL", "DOUBLE"})
TEXTS = frozenset({"VARCHAR", "CHAR"})
TIMES = frozenset({"TIMESTAMP", "DATE", "TIME"})
_SYNONYMS = {
    "INT": "INTEGER",
    "FLOAT": "DOUBLE",
    "NUMERIC": "DECIMAL",
    "DOUBLE PRECISION": "DOUBLE",
    "STRING": "VARCHAR",
}
_KNOWN = {"BOOLEAN", "DECIMAL", *INTEGER_BITS, *FLOATS, *TEXTS, *TIMES}

_TYPE = re.compile(
    r"""
    ([A-Za-z\ ]+?) \s*              # 1: the name, possibly of two words
    (?:
        \( \s* (\d{1,9}) \s*        # 2: the length or precision
        (?: , \s* (\d{1,9}) \s* )?  # 3: the scale
        \)
    )?
    """,
    re.VERBOSE,
)
MAX_DECIMAL_DIGITS = 18


@dataclass(frozen=True, slots=True)
class SqlType:
    """An SQL type.

    Attributes:
        name: its name, without length or precision.
        length: the length of a VARCHAR or CHAR (None: unlimited), or the precision of a DECIMAL.
        scale: the decimal places of a DECIMAL.
    """

    name: str
    length: int | None = None
    scale: int = 0

    def __str__(self) -> str:
        if self.name == "DECIMAL":
            return f"DECIMAL({self.length},{self.scale})"
        return self.name if self.length is None else f"{self.name}({self.length})"

    @property
    def is_integer(self) -> bool:
        return self.name in INTEGER_BITS

    @property
    def is_number(self) -> bool:
        return self.is_integer or self.name in FLOATS or self.name == "DECIMAL"

    @property
    def is_text(self) -> bool:
        return self.name in TEXTS

    @property
    def kind(self) -> str:
        """``"number"``, ``"text"`` or the type's name: values of one kind can be compared."""
        return "number" if self.is_number else "text" if self.is_text else self.name

    @property
    def integer_range(self) -> tuple[int, int]:
        """The smallest and the largest value of an integer type."""
        half = 1 << (INTEGER_BITS[self.name] - 1)
        return -half, half - 1


BOOLEAN = SqlType("BOOLEAN")
INTEGER = SqlType("INTEGER")
BIGINT = SqlType("BIGINT")
DOUBLE = SqlType("DOUBLE")
VARCHAR = SqlType("VARCHAR")
TIMESTAMP = SqlType("TIMESTAMP")
DATE = SqlType("DATE")
TIME = SqlType("TIME")


@lru_cache(maxsize=1024)
def parse_type(text: str) -> SqlType:
    """``"VARCHAR(16)"`` → SqlType("VARCHAR", 16). Raises: PlanError: there is no such type."""
    match = _TYPE.fullmatch(text.strip())
    name = " ".join(match[1].upper().split()) if match else ""
    name = _SYNONYMS.get(name, name)
    if match is None or name not in _KNOWN:
        raise PlanError(f"unknown type {text!r}: the types are {', '.join(sorted(_KNOWN))}")
    length = int(match[2]) if match[2] else None
    if name == "DECIMAL":
        precision, scale = length or MAX_DECIMAL_DIGITS, int(match[3] or 0)
        if not 1 <= precision <= MAX_DECIMAL_DIGITS or scale > precision:
            raise PlanError(f"type {text!r}: the precision must be 1 to {MAX_DECIMAL_DIGITS}, and the scale no larger")
        return SqlType(name, precision, scale)
    if name in TEXTS:
        return SqlType(name, length)
    return SqlType(name)
