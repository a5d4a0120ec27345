"""Aggregates in Flink SQL, with the values that the plan's have."""

from __future__ import annotations

from streamtally.plan.types import BIGINT, DOUBLE, VARCHAR, SqlType
from streamtally.sql.flink.casts import cast_value, to_number
from streamtally.sql.flink.syntax import name, type_name
from streamtally.sql.flink.values import FlinkError, Value

_SPREAD = {
    "stddev_pop": "STDDEV_POP",
    "stddev_samp": "STDDEV_SAMP",
    "var_pop": "VAR_POP",
    "var_samp": "VAR_SAMP",
}


def aggregate_value(
    function: str, argument: Value | None, result: SqlType, alias: str, after: str = ""
) -> tuple[str, Value]:
    """(The call, what is shown of the column with its result).

    Args: after: what follows the call: FILTER (…) or OVER (…).
    Raises: FlinkError: Flink SQL does not have it.
    """
    shown = Value(name(alias), result)
    if argument is None:
        return f"COUNT(*){after}", shown
    if function in ("count", "min", "max"):
        return f"{function.upper()}({argument.sql}){after}", shown
    if function == "count_distinct":
        return f"COUNT(DISTINCT {argument.sql}){after}", shown
    if function in ("sum", "avg"):
        # Flink adds up INT as INT, which wraps around.
        wide = BIGINT if argument.type.is_integer else DOUBLE if argument.type.name == "REAL" else argument.type
        call = f"{function.upper()}({to_number(argument, wide).sql}){after}"
        return (f"CAST({call} AS {type_name(result)})" if result.name == "DECIMAL" else call), shown
    if function in _SPREAD:  # over integers Flink computes them in integers
        return f"{_SPREAD[function]}({to_number(argument, DOUBLE).sql}){after}", shown
    if function in ("first_present", "last_present"):
        return f"{function[:-8].upper()}_VALUE({argument.sql}){after}", shown
    if function in ("first_value", "last_value"):
        return _edge(function, argument, result, alias, after)
    raise FlinkError(f"{function.upper()} has no counterpart in Flink SQL", "leave out the pump with --without")


def _edge(function: str, argument: Value, result: SqlType, alias: str, after: str) -> tuple[str, Value]:
    """FIRST_VALUE and LAST_VALUE with NULL: Flink's skip NULL, so that it is written as a text."""
    written = cast_value(argument, VARCHAR).sql
    call = f"{function.upper()}(COALESCE('v' || {written}, 'n')){after}"
    value = f"CASE WHEN {name(alias)} <> 'n' THEN SUBSTRING({name(alias)}, 2) END"
    sql = f"({value})" if result.is_text else f"CAST(({value}) AS {type_name(result)})"
    return call, Value(sql, result)
