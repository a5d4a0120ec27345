"""Typed expressions of a plan, and the rules by which types are combined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.plan.types import BIGINT, DOUBLE, FLOATS, INTEGER_BITS, VARCHAR, SqlType

PlanNode = dict[str, Any]
"""An expression of the plan, as JSON."""

NULL = SqlType("NULL")
INTERVAL = SqlType("INTERVAL")
RECORD = SqlType("RECORD")
"""Types that exist at compile time only: a bare NULL, an interval, what a log parser gives."""

MAX_SIZE = 20_000
MAX_DEPTH = 80


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression of the plan with its type.

    Attributes:
        node: its JSON. An INTERVAL is a BIGINT of milliseconds.
        type: its SQL type, or one that exists at compile time only (NULL, INTERVAL, RECORD).
        unit: the unit of an INTERVAL.
        size: its number of nodes, at most MAX_SIZE: stages are composed by substitution, so expressions grow.
        depth: its number of levels, at most MAX_DEPTH.
    """

    node: PlanNode
    type: SqlType
    unit: str = ""
    size: int = 1
    depth: int = 1

    @property
    def plan_type(self) -> SqlType:
        """Its type in the plan."""
        return BIGINT if self.type == INTERVAL else self.type

    @property
    def is_null(self) -> bool:
        return self.type == NULL

    @property
    def literal(self) -> Any:
        """Its constant value; None if it is not a constant, or NULL."""
        return self.node.get("literal")


def make_literal(value: Any, sql_type: SqlType) -> Typed:
    """A constant."""
    return Typed({"literal": value, "type": str(sql_type)}, sql_type)


def make_interval(ms: int, unit: str) -> Typed:
    """A constant interval."""
    return Typed({"literal": ms, "type": "BIGINT"}, INTERVAL, unit)


def as_interval(value: Typed, unit: str) -> Typed:
    """A number of milliseconds as an interval with a unit."""
    return Typed(value.node, INTERVAL, unit, value.size, value.depth)


NULL_LITERAL = Typed({"literal": None, "type": "VARCHAR"}, NULL)


def adopt(value: Typed, sql_type: SqlType) -> Typed:
    """Give a bare NULL the type that is expected; any other value is returned unmodified."""
    plan_type = BIGINT if sql_type == INTERVAL else VARCHAR if sql_type in (NULL, RECORD) else sql_type
    return Typed({"literal": None, "type": str(plan_type)}, sql_type) if value.is_null else value


def common_type(types: Sequence[SqlType]) -> SqlType | None:
    """The type that can hold values of all these types, ignoring NULL; None if there is no such type."""
    known = [sql_type for sql_type in types if sql_type != NULL]
    if not known:
        return VARCHAR
    if len({sql_type.kind for sql_type in known}) > 1:
        return None
    if known[0].is_text:
        lengths = [sql_type.length for sql_type in known]
        bounded = [length for length in lengths if length is not None]
        return SqlType("VARCHAR", max(bounded) if len(bounded) == len(lengths) else None)
    return _common_number(known) if known[0].is_number else known[0]


def _common_number(types: Sequence[SqlType]) -> SqlType:
    if any(sql_type.name in FLOATS for sql_type in types):
        return DOUBLE
    scales = [sql_type.scale for sql_type in types if sql_type.name == "DECIMAL"]
    if scales:
        return SqlType("DECIMAL", 18, max(scales))
    return max(types, key=lambda sql_type: INTEGER_BITS[sql_type.name])


def convert(value: Typed, to: SqlType) -> Typed:
    """The value as the common type, with a cast only if the representation differs."""
    if value.is_null:
        return adopt(value, to)
    same = value.type.name == to.name and value.type.scale == to.scale
    if same or not to.is_number or (value.type.is_integer and to.is_integer):
        return Typed(value.node, to, value.unit, value.size, value.depth)
    return Typed({"cast": value.node, "type": str(to)}, to, size=value.size + 1, depth=value.depth + 1)
