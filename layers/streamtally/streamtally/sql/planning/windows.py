"""The time term of a GROUP BY, which defines the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from streamtally.plan.types import BIGINT, TIMESTAMP
from streamtally.sql.expressions.calls import function_name
from streamtally.sql.expressions.typed import INTERVAL, PlanNode, Typed, make_literal
from streamtally.sql.planning.relations import ARRIVAL
from streamtally.sql.problems import Problems

NO_TIME_ADVICE = (
    "add a time term: STEP(s.ROWTIME BY INTERVAL '60' SECOND), or FLOOR of an event time, so that a window can end"
)


@dataclass(frozen=True, slots=True)
class TimeTerm:
    """A GROUP BY term that floors a time.

    Attributes:
        origin: the term in the program.
        value: the term in the plan.
        time: the TIMESTAMP that is floored.
        size_ms: the step to which it is floored.
        number: the divisor of the epoch idiom (see ``time_calls``); 0: the term is a TIMESTAMP.
        unit: the unit of the epoch idiom.
        of_rowtime: whether the term uses ROWTIME.
    """

    origin: exp.Expr
    value: Typed
    time: PlanNode
    size_ms: int
    number: int
    unit: str
    of_rowtime: bool


def find_time_term(origin: exp.Expr, value: Typed) -> TimeTerm | None:
    """An expression as a time term; None if it is not one."""
    node, number = value.node, 0
    if value.type == INTERVAL:
        number = 1
        if node.get("op") == "/":
            node, number = node["args"][0], node["args"][1].get("literal")
        if node.get("call") != "unix_timestamp":
            return None
        node = node["args"][0]
    elif value.type != TIMESTAMP:
        return None
    if node.get("call") != "step":
        return None
    time, size = node["args"]
    columns = origin.find_all(exp.Column)
    of_rowtime = any(
        str(column.this.this).upper() == "ROWTIME" for column in columns if isinstance(column.this, exp.Identifier)
    )
    return TimeTerm(origin, value, time, size["literal"], number, value.unit, of_rowtime)


def follows(term: TimeTerm, window: TimeTerm) -> bool:
    """Whether the value of a time term follows from the window.

    It does for the window's own term, for ROWTIME beside another time (it then only decided when results were emitted),
    and for a coarser step of the same time.
    """
    if term.value.node == window.value.node or (term.of_rowtime and not window.of_rowtime):
        return True
    return term.time == window.time and term.size_ms % window.size_ms == 0


def choose_window(
    terms: Sequence[TimeTerm], keys: Sequence[tuple[exp.Expr, Typed]], origin: exp.Expr, problems: Problems
) -> TimeTerm:
    """The term that defines the window: an event or arrival time in preference to ROWTIME.

    Args: keys: all terms, each with its value.
    Raises: SqlError: there is no time term.
    """
    if origin.meta.get("stagger"):
        return _stagger_window(terms, keys, origin, problems)
    if not terms:
        raise problems.unsupported(origin, *_why_no_window(origin))
    return min(terms, key=lambda term: term.of_rowtime)


STAGGER = (
    "WINDOWED BY STAGGER keyed by a floored time is compiled as tumbling windows of that time: what a key's windows "
    "gave as partial rows is added up in one document, and ROWTIME is the end of the tumbling window"
)


STAGGER_BY_EXACT_TIME = (
    "WINDOWED BY STAGGER keyed by an exact time is compiled as tumbling windows of that time's minutes, with the time "
    "as a key: what a key's windows gave as partial rows is added up in one document, and ROWTIME is the minute's end"
)
_STAGGER_MS = 60_000


def _stagger_window(
    terms: Sequence[TimeTerm], keys: Sequence[tuple[exp.Expr, Typed]], origin: exp.Expr, problems: Problems
) -> TimeTerm:
    """The window of stagger windows. Raises: SqlError: no key is a time, so that windows differ by key."""
    if terms:
        problems.note(origin, STAGGER)
        return min(terms, key=lambda term: term.of_rowtime)
    exact = next(((node, key) for node, key in keys if key.type == TIMESTAMP and key.node != ARRIVAL.node), None)
    if exact is None:
        raise problems.unsupported(
            origin,
            "stagger windows without a time among their keys (a key's first row opens its window)",
            "add FLOOR of the event time TO MINUTE to PARTITION BY, or use GROUP BY …, STEP(s.ROWTIME BY …); windows "
            "of each key need a timer per key, which a KeyedProcessFunction of Apache Flink has (Flink SQL has none)",
        )
    problems.note(origin, STAGGER_BY_EXACT_TIME)
    node, key = exact
    floored = {"call": "step", "args": [key.node, make_literal(_STAGGER_MS, BIGINT).node]}
    return TimeTerm(node, Typed(floored, TIMESTAMP), key.node, _STAGGER_MS, 0, "", of_rowtime=False)


def _why_no_window(origin: exp.Expr) -> tuple[str, str]:
    """(refused construct, advice) for a GROUP BY without a time term."""
    for term in origin.expressions if isinstance(origin, exp.Group) else ():
        if isinstance(term, exp.Anonymous) and function_name(term) == "FLOOR TO":
            unit = str(term.expressions[1].this)
            return (
                f"a window of a {unit}",
                "windows have a fixed length: FLOOR to DAY or a shorter unit, or STEP BY an INTERVAL",
            )
        if isinstance(term, exp.Anonymous) and function_name(term) == "CEIL TO":
            return "a window by CEIL", "use FLOOR or STEP: a window is named by its start"
        if isinstance(term, exp.Column) and str(term.this.this).upper() == "ROWTIME":
            return "a GROUP BY of an exact time", "floor it: STEP(s.ROWTIME BY INTERVAL '60' SECOND)"
    return "a GROUP BY without a time term", NO_TIME_ADVICE
