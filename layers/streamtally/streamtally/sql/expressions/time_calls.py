"""Calls on times and intervals: STEP, FLOOR and CEIL to a unit, EXTRACT."""

from __future__ import annotations

from sqlglot import exp

from streamtally.plan.functions.time import UNIT_MS
from streamtally.plan.types import BIGINT, DATE, INTEGER, TIME, TIMESTAMP, VARCHAR
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import INTERVAL, Typed, adopt, as_interval, make_literal

_EXTRACT_UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")


def step_by(translator: Translator, node: exp.Anonymous) -> Typed:
    value, size = translator.translate(node.expressions[0]), translator.translate(node.expressions[1])
    if value.type in (TIMESTAMP, INTERVAL):
        if size.type != INTERVAL or not isinstance(size.literal, int) or size.literal <= 0:
            raise translator.problems.error(
                node.expressions[1], "STEP of a time takes a constant interval", "write BY INTERVAL '60' SECOND"
            )
        return step(translator, node, value, size.literal)
    for expression, typed in zip(node.expressions, (value, size), strict=True):
        if not typed.type.is_number:
            raise translator.problems.error(expression, f"STEP takes a number or a time here, not {typed.type}")
    return translator.build(node, {"call": "step_number"}, [value, size])


def step(translator: Translator, origin: exp.Expr, value: Typed, size_ms: int) -> Typed:
    """A time or an interval floored to multiples of a size, counted from the epoch."""
    floored = translator.build(origin, {"call": "step"}, [value, make_literal(size_ms, BIGINT)])
    return as_interval(floored, value.unit) if value.type == INTERVAL else floored


def floor_to(translator: Translator, node: exp.Anonymous) -> Typed:
    value, unit = translator.translate(node.expressions[0]), str(node.expressions[1].this)
    if value.type == INTERVAL and unit in UNIT_MS:
        return _epoch_idiom(translator, node, value, unit) or step(translator, node, value, UNIT_MS[unit])
    if value.type == TIMESTAMP and unit in UNIT_MS:
        return step(translator, node, value, UNIT_MS[unit])
    return _calendar(translator, node, "floor_time", value, unit)


def ceil_to(translator: Translator, node: exp.Anonymous) -> Typed:
    value, unit = translator.translate(node.expressions[0]), str(node.expressions[1].this)
    return _calendar(translator, node, "ceil_time", value, unit)


def _calendar(translator: Translator, node: exp.Anonymous, call: str, value: Typed, unit: str) -> Typed:
    if value.type == DATE:
        whole = translator.cast(node, value, TIMESTAMP)
        return translator.cast(node, translator.build(node, {"call": call}, [make_literal(unit, VARCHAR), whole]), DATE)
    value = adopt(value, TIMESTAMP)
    if value.type != TIMESTAMP:
        raise translator.problems.error(
            node.expressions[0],
            f"FLOOR and CEIL TO {unit} take a time, not {value.type}",
            "convert it with CHAR_TO_TIMESTAMP",
        )
    return translator.build(node, {"call": call}, [make_literal(unit, VARCHAR), value])


def _epoch_idiom(translator: Translator, node: exp.Anonymous, value: Typed, unit: str) -> Typed | None:
    """FLOOR((ts - TIMESTAMP '1970-01-01 00:00:00') SECOND / 10 TO SECOND): STEP by 10 seconds, as an interval."""
    number, difference = 1, value.node
    if difference.get("op") == "/":
        difference, by = difference["args"]
        number = by.get("literal") or 0
    since = difference.get("args", [{}, {}])
    epoch = {"literal": 0, "type": "TIMESTAMP"}
    if difference.get("call") != "tsdiff" or since[1] != epoch or type(number) is not int or number <= 0:
        return None
    if value.unit != unit:
        raise translator.problems.unsupported(
            node, f"FLOOR of an interval in {value.unit} to {unit}", f"write {unit} in both places"
        )
    time = Typed(since[0], TIMESTAMP, size=value.size, depth=value.depth)
    start = step(translator, node, time, number * UNIT_MS[unit])
    return epoch_interval(translator, node, start, number, unit)


def epoch_interval(translator: Translator, origin: exp.Expr, start: Typed, number: int, unit: str) -> Typed:
    """The value of the idiom, from the start of the window: an interval since the epoch, divided by a number."""
    since = translator.build(origin, {"call": "unix_timestamp"}, [start])
    if number != 1:
        since = translator.build(origin, {"op": "/"}, [since, make_literal(number, INTEGER)])
    return as_interval(since, unit)


def extract(translator: Translator, node: exp.Anonymous) -> Typed:
    unit, value = str(node.expressions[0].this), translator.translate(node.expressions[1])
    if value.type == INTERVAL:
        return _extract_interval(translator, node, unit, value)
    if value.type in (DATE, TIME):
        value = translator.cast(node, value, TIMESTAMP) if value.type == DATE else Typed(value.node, TIMESTAMP)
    value = adopt(value, TIMESTAMP)
    if value.type != TIMESTAMP:
        raise translator.problems.error(
            node, f"EXTRACT takes a time, not {value.type}", "convert it with CHAR_TO_TIMESTAMP"
        )
    if unit not in _EXTRACT_UNITS:
        raise translator.problems.error(node, f"EXTRACT does not support {unit}")
    return translator.build(node, {"call": "extract"}, [make_literal(unit, VARCHAR), value])


def _extract_interval(translator: Translator, node: exp.Anonymous, unit: str, value: Typed) -> Typed:
    if unit not in UNIT_MS:
        raise translator.problems.error(node, f"EXTRACT of {unit} is not possible from an interval of {value.unit}")
    whole = translator.build(node, {"op": "/"}, [value, make_literal(UNIT_MS[unit], BIGINT)])
    above = {"SECOND": 60, "MINUTE": 60, "HOUR": 24}
    if unit == value.unit or unit not in above:
        return whole
    return translator.build(node, {"call": "mod"}, [whole, make_literal(above[unit], INTEGER)])
