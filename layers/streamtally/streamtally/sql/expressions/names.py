"""Names: columns, and the names of the current time."""

from __future__ import annotations

from sqlglot import exp

from streamtally.plan.types import DATE, TIME
from streamtally.sql.expressions.translator import Translator, translates
from streamtally.sql.expressions.typed import Typed
from streamtally.sql.signatures import NOW

TODAY = {"CURRENT_DATE": DATE, "CURRENT_TIME": TIME, "LOCALTIME": TIME}
"""Names of a part of the current time, and their types."""


def names_now(identifier: exp.Identifier) -> bool:
    """Whether an unqualified name is the current time; in quotes only ``"ROWTIME"``, a column of every stream."""
    name = str(identifier.this)
    return name == "ROWTIME" if identifier.args.get("quoted") else name.upper() in NOW


@translates(exp.Column)
def column(translator: Translator, node: exp.Column) -> Typed:
    identifier = node.this
    if isinstance(identifier, exp.Star):
        raise translator.problems.error(node, "* is not allowed in an expression")
    if not node.args.get("table") and not identifier.args.get("quoted"):
        name = str(identifier.this).upper()
        if name in NOW:
            return translator.names.now()
        if name in TODAY:
            return translator.cast(node, translator.names.now(), TODAY[name])
    return translator.names.column(node)
