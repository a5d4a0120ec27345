"""An aggregate over a stream that several pumps fill.

It is planned once, over stand-ins for the stream's columns. For each pump the stand-ins are then replaced by what the
pump puts there: the ways into the window, whose keys and aggregates are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from streamtally.errors import SqlError
from streamtally.sql.expressions.typed import MAX_DEPTH, MAX_SIZE, RECORD, PlanNode, Typed
from streamtally.sql.plan_tree import rewritten
from streamtally.sql.planning.relations import Relation, RelationColumn, Side, Way, Window

_STAND_IN = "stand_in"
_ROWTIME = "rowtime"


def plan_over_all(sources: Sequence[Relation], plan: Callable[[Relation], Relation], refuse: SqlError) -> Relation:
    """Plan an aggregate over the rows of several relations together.

    Args:
        plan: plans it over the rows of one relation.
        refuse: raised if the relations differ in their columns' types, or their expressions become too large.
    """
    columns = [_column_of_all(columns, refuse) for columns in zip(*(source.columns for source in sources), strict=True)]
    rowtime = _value_of_all(_ROWTIME, [source.rowtime for source in sources], refuse)
    planned = plan(Relation(tuple(columns), rowtime, sides=_sides(sources[0], columns)))
    if planned.window is None or not planned.columns:
        return planned
    first, *others = [_way(planned.window, source) for source in sources]
    window = replace(
        planned.window,
        where=first.where,
        time=first.time,
        keys=first.keys,
        aggregates=first.aggregates,
        through=first.through,
        joins=first.joins,
        also=tuple(others),
    )
    return replace(planned, window=window, base=first.base)


def _sides(source: Relation, columns: Sequence[RelationColumn]) -> tuple[Side, ...]:
    """The sides of a FROM that has been joined already, with the columns of all relations."""
    left = iter(columns)
    return tuple(Side(side.alias, tuple(islice(left, len(side.columns))), {}) for side in source.sides)


def _column_of_all(columns: Sequence[RelationColumn], refuse: SqlError) -> RelationColumn:
    name = columns[0].name
    return RelationColumn(name, _value_of_all(f"column {name}", [column.value for column in columns], refuse))


def _value_of_all(name: str, values: Sequence[Typed], refuse: SqlError) -> Typed:
    """The stand-in for the values of all relations, as large as the largest of them."""
    first = values[0]
    stand_in: PlanNode = {_STAND_IN: name}
    if first.type == RECORD:
        stand_in = {"record": first.node["record"], "text": stand_in}
    for value in values:
        if (value.type, value.unit, value.node.get("record")) != (first.type, first.unit, stand_in.get("record")):
            raise refuse
    size, depth = max(value.size for value in values), max(value.depth for value in values)
    return Typed(stand_in, first.type, first.unit, min(size, MAX_SIZE), min(depth, MAX_DEPTH))


def _way(window: Window, source: Relation) -> Way:
    values = {f"column {column.name}": column.value for column in source.columns}
    nodes = {name: value.node["text"] if value.type == RECORD else value.node for name, value in values.items()}
    nodes[_ROWTIME] = source.rowtime.node

    def put(node: Any) -> Any:
        return rewritten(node, lambda part: nodes[name] if isinstance(name := part.get(_STAND_IN), str) else None)

    where, joins = tuple(map(put, window.where)), [join.changed(put) for join in window.joins]
    if joins:  # what a row must fulfil before it is joined is tested first
        joins[0] = replace(joins[0], where=(*source.conditions, *joins[0].where))
    else:
        where = (*source.conditions, *where)
    return Way(
        where,
        put(window.time),
        tuple(map(put, window.keys)),
        tuple(map(put, window.aggregates)),
        source.pumps,
        (*source.joins, *joins),
        source.base,
    )
