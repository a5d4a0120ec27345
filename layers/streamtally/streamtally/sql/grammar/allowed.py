"""The allow-list of nodes in a statement. Anything else that sqlglot accepts is refused by name."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.sql.grammar.nodes import (
    CreatePump,
    CreateStream,
    IntervalLiteral,
    NamedWindow,
    Over,
    Qualified,
    StreamColumn,
    TypedLiteral,
    WindowRange,
)
from streamtally.sql.problems import Problems

COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}

ALLOWED: frozenset[type[exp.Expr]] = frozenset({
    CreatePump, CreateStream, StreamColumn, IntervalLiteral, Qualified, TypedLiteral,
    exp.Order, exp.Ordered, exp.Join, Over, NamedWindow, WindowRange,
    exp.Select, exp.From, exp.Table, exp.TableAlias, exp.Subquery, exp.Where, exp.Group, exp.Having, exp.Distinct,
    exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Null, exp.Boolean, exp.Var,
    exp.Paren, exp.Anonymous, exp.Cast, exp.Case, exp.If, exp.Not, exp.And, exp.Or, exp.Neg, exp.DPipe, exp.Mod,
    exp.Between, exp.In, exp.Is, exp.Like, exp.Escape, exp.SimilarTo, exp.NullSafeEQ, exp.NullSafeNEQ,
    *COMPARISONS, *ARITHMETIC,
})  # fmt: skip

_ARGUMENTS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Select: frozenset(
        {
            "joins",
            "expressions",
            "from_",
            "where",
            "group",
            "having",
            "order",
            "distinct",
            "windows",
        }
    ),
    exp.Table: frozenset({"this", "alias"}),
    exp.Join: frozenset({"this", "kind", "on", "using"}),
    exp.Subquery: frozenset({"this", "alias"}),
    exp.Group: frozenset({"expressions"}),
    exp.Distinct: frozenset(),
    exp.Like: frozenset({"this", "expression", "negate"}),
    exp.Star: frozenset(),
}
"""Nodes with restricted arguments, and the arguments that may be set."""

_NAMES = {"db": "a name with a schema", "laterals": "LATERAL", "with_": "WITH", "pivots": "PIVOT"}

RESERVED = frozenset(
    """ALL ALLOCATE ALTER AND ANY APPROXIMATE_ARRIVAL_TIME ARRAY AS ASENSITIVE AT ATOMIC AUTHORIZATION BEGIN BETWEEN
    BOTH BY CALL CASE CAST CHECK COLLATE COLUMN COMMIT CONNECT CONSTRAINT CREATE CROSS CUBE CURRENT CURSOR CYCLE DATE
    DAY DEALLOCATE DECLARE DEFAULT DELETE DESCRIBE DISTINCT DROP DYNAMIC EACH ELEMENT ELSE END ESCAPE EXCEPT EXEC
    EXECUTE EXISTS EXTERNAL FALSE FETCH FOR FOREIGN FREE FROM FULL FUNCTION GRANT GROUP GROUPING HAVING HOLD HOUR IN
    INNER INSERT INTERSECT INTERVAL INTO IS JOIN LEADING LEFT LIKE LOCALTIME LOCALTIMESTAMP MERGE MINUTE MONTH NATURAL
    NEW NOT NULL OF ON OPEN OR ORDER OUTER OVER PARTITION PREPARE PRIMARY PROCEDURE RANGE REFERENCES REVOKE RIGHT
    ROLLBACK ROLLUP ROW ROWS ROWTIME SECOND SELECT SET SOME START STREAM TABLE THEN TIME TIMESTAMP TO TRAILING TRIGGER
    TRUE UNION UNIQUE UNKNOWN UPDATE USING VALUES WHEN WHERE WINDOW WITH WITHOUT YEAR""".split()  # noqa: SIM905
)
"""Words that must be quoted as a name. Words that real programs use unquoted (VALUE, STATUS, COUNT …) are omitted."""


def check_syntax(tree: exp.Expr, problems: Problems) -> Iterator[SqlError]:
    """The problems with nodes that the dialect does not have."""
    for node in tree.walk():
        if isinstance(node, exp.Concat):
            advice = "write a comma between two values, or || to join them"
            yield problems.syntax(node, "two texts stand side by side", advice)
            continue
        if type(node) not in ALLOWED:
            yield problems.unsupported(node, _describe(node), "rewrite the statement without it")
            continue
        if isinstance(node, exp.Select) and not node.expressions:
            yield problems.syntax(node, "expected columns after SELECT", "name them, or write *")
            continue
        allowed = _ARGUMENTS.get(type(node))
        for name, value in node.args.items():
            if allowed is not None and value and name not in allowed:
                what = _NAMES.get(name, name.strip("_").replace("_", " ").upper())
                yield problems.unsupported(
                    value if isinstance(value, exp.Expr) else node, what, "rewrite the statement without it"
                )


def _describe(node: exp.Expr) -> str:
    name = type(node).__name__
    return "".join(" " + char if char.isupper() else char for char in name).strip().upper()


def check_name(identifier: exp.Expr, problems: Problems) -> str:
    """The stored name of an identifier: folded to upper case unless quoted.

    Raises: SqlError: a reserved word without quotes, or an empty name.
    """
    name = str(identifier.this)
    if identifier.args.get("quoted"):
        if not name:
            raise problems.error(identifier, "an empty name")
        return name
    upper = name.upper()
    if upper in RESERVED:
        raise problems.error(identifier, f"{upper} is a reserved word", f'quote it: "{name}"')
    return upper


def stored_name(identifier: exp.Expr) -> str:
    """The stored name of an identifier, without any check."""
    return str(identifier.this) if identifier.args.get("quoted") else str(identifier.this).upper()
