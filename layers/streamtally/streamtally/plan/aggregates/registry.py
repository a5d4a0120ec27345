"""The aggregate functions by their names in a plan."""

from __future__ import annotations

from streamtally.errors import PlanError
from streamtally.plan.aggregates.base import Aggregate
from streamtally.plan.aggregates.basic import Avg, Count, Max, Min, Sum, sum_of
from streamtally.plan.types import SqlType


def make_aggregate(name: str, of: SqlType | None) -> Aggregate:
    """The aggregate function of that name over arguments of a type. Raises: PlanError."""
    if name == "sum":
        return sum_of(of)
    kind = AGGREGATES.get(name) or _more(name)
    if kind is None:
        raise PlanError(f"unknown aggregate {name!r}: the aggregates are {', '.join([*AGGREGATES, *OTHERS])}")
    return kind(of)


def _more(name: str) -> type[Aggregate] | None:
    # Loaded only for a program that uses them: most count, and start the faster.
    if name in ("var_pop", "var_samp", "stddev_pop", "stddev_samp"):
        from streamtally.plan.aggregates import spread

        kinds: dict[str, type[Aggregate]] = {
            "var_pop": spread.Spread,
            "var_samp": spread.VarSamp,
            "stddev_pop": spread.StddevPop,
            "stddev_samp": spread.StddevSamp,
        }
        return kinds[name]
    if name in ("count_distinct", "top_items"):
        from streamtally.plan.aggregates.items import CountDistinct, TopItems

        return CountDistinct if name == "count_distinct" else TopItems
    return None


AGGREGATES: dict[str, type[Aggregate]] = {"count": Count, "sum": Sum, "min": Min, "max": Max, "avg": Avg}
"""Aggregate functions by their names in a plan; :func:`_more` has those that are loaded when they are used."""
OTHERS = ("count_distinct", "stddev_pop", "stddev_samp", "top_items", "var_pop", "var_samp")
