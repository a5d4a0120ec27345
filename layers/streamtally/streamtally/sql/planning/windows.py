"""The time term of a GROUP BY, which makes the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from streamtally.sql.expressions.calls import function_name
from streamtally.sql.expressions.typed import INTERVAL, TIMESTAMP, PlanNode, Typed
from streamtally.sql.problems import Problems

NO_TIME_ADVICE = (
    "add a time term: STEP(s.ROWTIME BY INTERVAL '60' SECOND), or FLOOR of an event time, so that a window can end"
)


@dataclass(frozen=True, slots=True)
class TimeTerm:
    """A GROUP BY term that floors a time.

    Attributes: time: the TIMESTAMP; size_ms: the step; number: the idiom's divisor (0: the term is a TIMESTAMP).
    """

    place: exp.Expr
    value: Typed
    time: PlanNode
    size_ms: int
    number: int
    unit: str
    of_rowtime: bool


def find_time_term(place: exp.Expr, value: Typed) -> TimeTerm | None:
    """The time term that an expression is, if it is one."""
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
    columns = place.find_all(exp.Column)
    of_rowtime = any(
        str(column.this.this).upper() == "ROWTIME" for column in columns if isinstance(column.this, exp.Identifier)
    )
    return TimeTerm(place, value, time, size["literal"], number, value.unit, of_rowtime)


def follows(term: TimeTerm, window: TimeTerm) -> bool:
    """Whether the window alone tells a time term's value: it is the window's own, ROWTIME's beside another time's
    (which then only said when results go out), or a coarser step of the same time."""
    if term.value.node == window.value.node or (term.of_rowtime and not window.of_rowtime):
        return True
    return term.time == window.time and term.size_ms % window.size_ms == 0


def choose_window(terms: Sequence[TimeTerm], place: exp.Expr, problems: Problems) -> TimeTerm:
    """The term that makes the window: an event or arrival time before ROWTIME (the two-term pattern), else ROWTIME.

    Raises: SqlError: there is no time term.
    """
    if not terms:
        raise problems.unsupported(place, *_why_no_window(place))
    return min(terms, key=lambda term: term.of_rowtime)


def _why_no_window(place: exp.Expr) -> tuple[str, str]:
    """(what is refused, advice) for a GROUP BY without a time term."""
    for term in place.expressions if isinstance(place, exp.Group) else ():
        if isinstance(term, exp.Anonymous) and function_name(term) == "FLOOR_TO":
            unit = str(term.expressions[1].this)
            return f"a window of a {unit}", "windows have a fixed length: FLOOR to DAY at most, or STEP BY an INTERVAL"
        if isinstance(term, exp.Anonymous) and function_name(term) == "CEIL_TO":
            return "a window by CEIL", "use FLOOR or STEP: a window begins at its start"
        if isinstance(term, exp.Column) and str(term.this.this).upper() == "ROWTIME":
            return "a GROUP BY of every single time", "floor it: STEP(s.ROWTIME BY INTERVAL '60' SECOND)"
    return "a GROUP BY with no time term", NO_TIME_ADVICE
