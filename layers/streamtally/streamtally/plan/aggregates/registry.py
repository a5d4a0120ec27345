"""The aggregate functions, by their names in a plan."""

from __future__ import annotations

from streamtally.errors import PlanError
from streamtally.plan.aggregates.base import Aggregate
from streamtally.plan.aggregates.basic import Avg, Count, Max, Min, Sum, make_sum
from streamtally.plan.types import SqlType


def make_aggregate(name: str, argument_type: SqlType | None) -> Aggregate:
    """The aggregate function with this name over arguments of a type. Raises: PlanError."""
    if name == "sum":
        return make_sum(argument_type)
    kind = AGGREGATES.get(name) or _load_other(name)
    if kind is None:
        raise PlanError(f"unknown aggregate {name!r}: the aggregates are {', '.join([*AGGREGATES, *OTHERS])}")
    return kind(argument_type)


def _load_other(name: str) -> type[Aggregate] | None:
    # Imported only for a program that uses them: most programs do not, and start faster without.
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
    if name in ("first_value", "last_value", "first_present", "last_present"):
        from streamtally.plan.aggregates import edges

        return {
            "first_value": edges.First,
            "last_value": edges.Last,
            "first_present": edges.FirstPresent,
            "last_present": edges.LastPresent,
        }[name]
    return None


AGGREGATES: dict[str, type[Aggregate]] = {"count": Count, "sum": Sum, "min": Min, "max": Max, "avg": Avg}
"""The aggregate functions that are always imported."""
OTHERS = (
    "count_distinct",
    "first_present",
    "first_value",
    "last_present",
    "last_value",
    "stddev_pop",
    "stddev_samp",
    "top_items",
    "var_pop",
    "var_samp",
)
"""The names of those that are imported when a program uses them."""
