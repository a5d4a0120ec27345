"""ORDER BY of a stream, which has no effect on documents.

Kinesis Analytics sorts rows of equal time: the first term must be a time that never decreases (SQL Reference, *ORDER BY
clause*). Documents have no order; they are sorted when they are read.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.plan.types import TIMESTAMP
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import INTERVAL
from streamtally.sql.planning.select_list import Item, has_aggregate
from streamtally.sql.problems import Problems

NO_EFFECT = "ORDER BY has no effect: documents are sorted when they are read"


def check_order(order: exp.Order, items: Sequence[Item], rows: Translator, problems: Problems) -> None:
    """Note that an ORDER BY has no effect. A problem of its terms is collected, as is an order by something else.

    Args: rows: translates expressions over the rows of the FROM.
    """
    by_alias = {item.name: item.node for item in items if item.aliased}
    for number, ordered in enumerate(order.expressions):
        term = _aliased(ordered.this, by_alias)
        try:
            is_time = not has_aggregate(term) and rows.translate(term).type in (TIMESTAMP, INTERVAL)
        except SqlError as error:
            problems.add(error)
            continue
        if number == 0 and not is_time:
            problems.add(
                problems.unsupported(
                    ordered.this,
                    "ORDER BY of anything but a time",
                    "a stream has no end: remove it, and sort when reading the documents",
                )
            )
    problems.note(order, NO_EFFECT)


def _aliased(term: exp.Expr, by_alias: dict[str, exp.Expr]) -> exp.Expr:
    """The item of the SELECT list that an alias names, else the term."""
    if not isinstance(term, exp.Column) or term.args.get("table") or not isinstance(term.this, exp.Identifier):
        return term
    name = str(term.this.this)
    return by_alias.get(name if term.this.args.get("quoted") else name.upper(), term)
