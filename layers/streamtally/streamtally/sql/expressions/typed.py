"""Typed expressions of a plan, and the rules by which types meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.plan.types import FLOATS, INTEGER_BITS, SqlType

PlanNode = dict[str, Any]
"""An expression of the plan, as JSON."""

NULL = SqlType("NULL")
INTERVAL = SqlType("INTERVAL")
RECORD = SqlType("RECORD")
BOOLEAN = SqlType("BOOLEAN")
INTEGER = SqlType("INTEGER")
BIGINT = SqlType("BIGINT")
DOUBLE = SqlType("DOUBLE")
TIMESTAMP = SqlType("TIMESTAMP")
DATE = SqlType("DATE")
TIME = SqlType("TIME")
VARCHAR = SqlType("VARCHAR")

UNIT_MS = {"SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}
"""Units of a fixed length; months and years have none."""

MAX_SIZE = 20_000
MAX_DEPTH = 80


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression of the plan with its type.

    Attributes:
        node: its JSON. An INTERVAL is a BIGINT of milliseconds.
        type: its SQL type, or one that lives at compile time only (NULL, INTERVAL, RECORD).
        unit: an interval's unit.
        size, depth: how large it is; both are bounded, since stages are composed by substitution.
    """

    node: PlanNode
    type: SqlType
    unit: str = ""
    size: int = 1
    depth: int = 1

    @property
    def plan_type(self) -> SqlType:
        """The type that the plan knows it by."""
        return BIGINT if self.type == INTERVAL else self.type

    @property
    def is_null(self) -> bool:
        return self.type == NULL

    @property
    def literal(self) -> Any:
        """Its constant value; None if it is none (or NULL)."""
        return self.node.get("literal")


def make_literal(value: Any, of: SqlType) -> Typed:
    """A constant."""
    return Typed({"literal": value, "type": str(of)}, of)


def make_interval(ms: int, unit: str) -> Typed:
    """A constant interval."""
    return Typed({"literal": ms, "type": "BIGINT"}, INTERVAL, unit)


def as_interval(value: Typed, unit: str) -> Typed:
    """A number of milliseconds as an interval in a unit."""
    return Typed(value.node, INTERVAL, unit, value.size, value.depth)


NULL_LITERAL = Typed({"literal": None, "type": "VARCHAR"}, NULL)


def adopt(value: Typed, of: SqlType) -> Typed:
    """A bare NULL takes on the type that its place asks for; all else stays."""
    plan_type = BIGINT if of == INTERVAL else VARCHAR if of in (NULL, RECORD) else of
    return Typed({"literal": None, "type": str(plan_type)}, of) if value.is_null else value


def kind_of(of: SqlType) -> str:
    """Types of one kind compare with each other."""
    return "number" if of.is_number else "text" if of.is_text else of.name


def common_type(types: Sequence[SqlType]) -> SqlType | None:
    """The type that holds values of all these (NULLs aside), or None if there is none."""
    known = [type_ for type_ in types if type_ != NULL]
    if not known:
        return VARCHAR
    if len({kind_of(each) for each in known}) > 1:
        return None
    if known[0].is_text:
        lengths = [each.length for each in known]
        bounded = [length for length in lengths if length is not None]
        return SqlType("VARCHAR", max(bounded) if len(bounded) == len(lengths) else None)
    return _common_number(known) if known[0].is_number else known[0]


def _common_number(types: Sequence[SqlType]) -> SqlType:
    if any(type_.name in FLOATS for type_ in types):
        return DOUBLE
    scales = [type_.scale for type_ in types if type_.name == "DECIMAL"]
    if scales:
        return SqlType("DECIMAL", 18, max(scales))
    return max(types, key=lambda each: INTEGER_BITS[each.name])


def convert(value: Typed, to: SqlType) -> Typed:
    """The value as the common type; a cast only where the representation differs."""
    if value.is_null:
        return adopt(value, to)
    same = value.type.name == to.name and value.type.scale == to.scale
    if same or not to.is_number or (value.type.is_integer and to.is_integer):
        return Typed(value.node, to, value.unit, value.size, value.depth)
    return Typed({"cast": value.node, "type": str(to)}, to, size=value.size + 1, depth=value.depth + 1)
