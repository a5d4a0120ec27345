"""Joins of rows with reference tables: for each row, the rows of the tables that belong to it.

A join's node in the plan is ``{"table", "kind": "inner" or "left", "where", "on": [[key, value], …], "if"}``: ``where``
decides which rows reach it, each ``key`` is an expression over the table and indexes it, ``value`` one over the row,
and ``if`` is a condition over both. In expressions, ``{"reference": [join's number, column]}`` is a column of the
table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.errors import EvaluationError, PlanError, SettingsError
from streamtally.plan.codegen import Reads, RowSource, make_function, row_scope
from streamtally.plan.expression_code import Scope, compile_expression
from streamtally.plan.reference import ReferenceRows, Values
from streamtally.plan.types import BOOLEAN
from streamtally.text import visible

JOINED = "\0joined"
"""The member of a row with the rows of the tables that belong to it, by the join's number; None: there is none."""

MAX_MATCHES = 1_000
"""How many rows one row may become."""

Row = dict[str, Any]
JoinRow = Callable[[Row, int], list[Row]]
"""(row, arrival in ms) → the joined rows, in the order of the tables. Raises EvaluationError."""
Tables = Mapping[str, ReferenceRows]


@dataclass(frozen=True, slots=True)
class _Join:
    is_left: bool
    where: Callable[[Row, int], Any] | None
    value: Callable[[Row, int], Values]
    index: Mapping[Values, Sequence[Values]]
    condition: Callable[[Row, int], Any] | None


def joined_tables(nodes: Sequence[Mapping[str, Any]], tables: Tables) -> list[ReferenceRows]:
    """The tables of some joins, in their order. Raises: PlanError: the pipeline does not have one."""
    for node in nodes:
        if node["table"] not in tables:
            raise PlanError(f"the reference table {node['table']!r} is not in the pipeline: compile it again")
    return [tables[node["table"]] for node in nodes]


def joined_scope(source: RowSource, reads: Reads, joined: Sequence[ReferenceRows]) -> Scope:
    """The scope of expressions over a row and the tables' rows that belong to it."""
    return row_scope(source, reads, [(JOINED, table.columns) for table in joined])


def compile_joins(
    nodes: Sequence[Mapping[str, Any]], tables: Tables, source: RowSource, reads: Reads
) -> JoinRow | None:
    """The joins of an output; None: it has none.

    Raises: PlanError: a node is wrong. SettingsError: a table's row whose key cannot be evaluated.
    """
    if not nodes:
        return None
    joined = joined_tables(nodes, tables)
    joins = [_compile(node, number, joined, source, reads) for number, node in enumerate(nodes)]

    def join(row: Row, arrival: int) -> list[Row]:
        matches: list[tuple[Values | None, ...]] = [()]
        for step in joins:
            matches = [(*match, extra) for match in matches for extra in _matches(step, row, match, arrival)]
            if len(matches) > MAX_MATCHES:
                raise EvaluationError(f"a row is joined with more than {MAX_MATCHES:,} rows")
        return [{**row, JOINED: match} for match in matches]

    return join


def _matches(join: _Join, row: Row, match: tuple[Values | None, ...], arrival: int) -> Sequence[Values | None]:
    """The rows of one table that belong to a row, which the joins before have given their rows."""
    current = {**row, JOINED: match}
    if join.where is not None and join.where(current, arrival) is not True:
        return ()
    value = join.value(current, arrival)
    candidates: Sequence[Values] = () if None in value else join.index.get(value, ())
    if join.condition is not None:
        condition = join.condition
        candidates = [c for c in candidates if condition({**row, JOINED: (*match, c)}, arrival) is True]
    return candidates or ((None,) if join.is_left else ())


def _compile(
    node: Mapping[str, Any], number: int, joined: Sequence[ReferenceRows], source: RowSource, reads: Reads
) -> _Join:
    if node.get("kind") not in ("inner", "left") or not node.get("on"):
        raise PlanError("a join is 'inner' or 'left', and needs 'on'")
    before = joined_scope(source, reads, joined[:number])
    after = joined_scope(source, reads, joined[: number + 1])
    keys = [key for key, _ in node["on"]]
    values = [value for _, value in node["on"]]
    return _Join(
        node["kind"] == "left",
        _condition(node.get("where"), before),
        _tuple_of(values, before),
        _index(joined[number], _tuple_of(keys, after), number),
        _condition(node.get("if"), after),
    )


def _condition(node: Any, scope: Scope) -> Callable[[Row, int], Any] | None:
    if node is None:
        return None
    code = compile_expression(node, scope)
    if code.type != BOOLEAN:
        raise PlanError(f"the condition of a join must be a condition, not {code.type}")
    return make_function("condition", "row, arrival", [f"return {code.source}"], scope.namespace)


def _tuple_of(nodes: Sequence[Any], scope: Scope) -> Callable[[Row, int], Values]:
    sources = [compile_expression(node, scope).source for node in nodes]
    return make_function("values", "row, arrival", [f"return ({', '.join(sources)},)"], scope.namespace)


def _index(table: ReferenceRows, key_of: Callable[[Row, int], Values], number: int) -> dict[Values, list[Values]]:
    """Key → the table's rows that have it, in their order. A row with NULL in its key is in none."""
    index: dict[Values, list[Values]] = {}
    for line, values in enumerate(table.rows or (), 1):
        try:
            key = key_of({JOINED: (*(None,) * number, values)}, 0)
        except EvaluationError as error:
            raise SettingsError(
                f"reference table {visible(table.name, 60)}: row {line} cannot be joined: {error}"
            ) from None
        if None not in key:
            index.setdefault(key, []).append(values)
    return index
