"""Windowed outputs: rows → partials per window and key, and merged partials → documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from streamtally.config.outputs import OutputSettings
from streamtally.errors import PlanError
from streamtally.plan.aggregates.base import Slot
from streamtally.plan.aggregates.cells import Cell, Cells, split
from streamtally.plan.aggregates.merged import Operations, operations_of
from streamtally.plan.codegen import Reads, RowSource
from streamtally.plan.composed import Composition, compose
from streamtally.plan.joins import JoinRow, Tables
from streamtally.plan.levels import Levels
from streamtally.plan.partial_text import PartialText, compile_partial_text
from streamtally.plan.rows import OutputColumn, read_columns
from streamtally.plan.sliding import Sliding
from streamtally.plan.time_use import TimeUnit, time_unit
from streamtally.plan.types import FLOATS, INTEGER_BITS, TEXTS, TIMES, SqlType
from streamtally.plan.window_columns import NO_ITEM, FinishWindow
from streamtally.plan.window_rows import ROWS, ROWS_OUT_OF_RANGE, AddRow, Groups, WindowRows, compile_window_rows
from streamtally.times.iso import to_iso

_EXACT_IN_JSON = frozenset({*INTEGER_BITS, *FLOATS, *TEXTS, *TIMES, "BOOLEAN"})

PartialGroup = tuple[tuple[Any, ...], list[Any], int]
"""((window start in ms, *key values), [rows, rows out of range, *states], which part of the group it is, from 0)."""


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways by which a row reaches the aggregates of an output: through one pump of several.

    Attributes:
        add: see :class:`WindowedOutput`.
        pump: the pump, for reports.
        name: the pumps of the way, which tell it from the output's other ways.
        join: see :class:`WindowedOutput`.
    """

    add: AddRow
    pump: str | None
    name: str
    join: JoinRow | None = None


@dataclass(frozen=True, slots=True)
class WindowedOutput:
    """An output with one document per window and key.

    Attributes:
        name: its name in the plan.
        settings: its settings in ``pipeline.toml``.
        columns: the columns of its documents.
        window_ms: the length of a window.
        key_types: the types of the key's values.
        slots: its aggregates.
        reads: what the expressions read of a row, so that equal rows can be counted first and added at once.
        add: adds rows to their group; raises EvaluationError (and whatever Python raises for hostile values).
        expand: (name of an aggregate over items, number of items that become documents); None: one document per key.
        pump: the pump of the program that fills the output, for reports.
        required: the fields without which no row is counted, by the output's WHERE.
        operations: how a database merges the numbers of the states; None: only Streamtally can merge them.
        ways: where several pumps fill the stream that is aggregated, the way of each; a row is added by every one.
            Empty: there is one way, ``add``.
        join: joins a row with reference tables before it is added; None: there is no join.
        levels: for an aggregate of aggregates, what is computed over the results of the windows into which rows go.
        sliding: for sliding windows, how documents are composed of minutes.
        time_unit: within which the event time makes no difference; None: every millisecond may.
        is_settled_alone: whether a partial that is the only one of its group has the columns to which it settles, and
            JSON holds their values exactly.
        partial_text: writes its partials as text; None: they are not plain.
    """

    name: str
    settings: OutputSettings
    columns: tuple[OutputColumn, ...]
    window_ms: int
    reads: Reads
    key_types: tuple[SqlType, ...]
    slots: tuple[Slot, ...]
    add: AddRow
    _finish: FinishWindow
    expand: tuple[str, int] | None = None
    pump: str | None = None
    operations: Operations | None = None
    required: frozenset[str] = frozenset()
    kind: str = "windowed"
    ways: tuple[Way, ...] = ()
    join: JoinRow | None = None
    levels: Levels | None = None
    sliding: Sliding | None = None
    time_unit: TimeUnit | None = None
    is_settled_alone: bool = False
    partial_text: PartialText | None = None

    @property
    def is_ordered(self) -> bool:
        """Whether rows must say where they stand (see :data:`streamtally.plan.window_rows.ORDER`)."""
        return any(slot.aggregate.is_ordered for slot in self.slots)

    @property
    def passes(self) -> int:
        """How many times each row is evaluated."""
        return len(self.ways) or 1

    def partials(self, groups: Groups) -> Iterator[PartialGroup]:
        """The groups of a batch's rows as groups of the output, in a fixed order; each becomes a partial."""
        if self.levels is None and self.sliding is None:
            for key in sorted(groups, key=repr):
                yield key, groups[key], 0
            return
        placed: dict[Cell, list[Any]] = {}
        for cell, states in groups.items():
            places = [self.levels.place(cell)] if self.levels is not None else self._sliding_places(cell)
            for number, place in enumerate(places):
                group = placed.setdefault(place, [0, 0, {}])
                group[2][cell] = states
                if number == 0:  # a row counts once in the batch's account
                    group[ROWS] += states[ROWS]
                    group[ROWS_OUT_OF_RANGE] += states[ROWS_OUT_OF_RANGE]
        cells = self._cells
        for key in sorted(placed, key=repr):
            rows, out_of_range, all_cells = placed[key]
            for number, part in enumerate(split(cells, all_cells)):
                yield key, [rows, out_of_range, part] if number == 0 else [0, 0, part], number

    def _sliding_places(self, cell: Cell) -> Iterable[Cell]:
        return () if self.sliding is None else self.sliding.places(cell)

    @property
    def _cells(self) -> Cells:
        aggregate = self.slots[0].aggregate
        assert isinstance(aggregate, Cells)  # noqa: S101 (an output with levels or sliding windows has these only)
        return aggregate

    def state_to_json(self, key: tuple[Any, ...], group: list[Any]) -> dict[str, Any]:
        """``tally.state`` of a partial: its key, its number of rows, and the states of its aggregates."""
        return {
            "key": self.key_to_json(key),
            "rows": group[ROWS],
            "aggregates": [slot.aggregate.to_json(group[slot.index]) for slot in self.slots],
        }

    def key_to_json(self, key: tuple[Any, ...]) -> list[Any]:
        """A key's values as JSON: DECIMAL as text, all others unmodified."""
        values = list(key)
        return values if Decimal not in map(type, values) else [_key_text(value) for value in values]

    def key_from_json(self, key: Iterable[Any]) -> tuple[Any, ...]:
        """The inverse of :meth:`key_to_json`."""
        if not any(sql_type.name == "DECIMAL" for sql_type in self.key_types):
            return tuple(key)
        return tuple(_key_value(value, sql_type) for value, sql_type in zip(key, self.key_types, strict=True))

    def merge_states(self, states: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Merge the states of one window and key exactly, in any order. Raises: ValueError: there are no states."""
        merging = [slot.aggregate.merging() for slot in self.slots]
        rows = 0
        key: list[Any] | None = None
        for state in states:
            rows += state["rows"]
            key = list(state["key"]) if key is None else key
            for into, value in zip(merging, state["aggregates"], strict=True):
                into.add(value)
        if key is None:
            raise ValueError("there are no partials to merge")
        aggregates = [into.aggregate.to_json(into.state) for into in merging]
        return {"key": key, "rows": rows, "aggregates": aggregates}

    def finish(self, window_start: int, state: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """A merged state → (its columns, whether HAVING shows it). A column that cannot be evaluated is None.

        A group of sliding minutes has several documents: see :meth:`finish_all`. Its own columns are None.
        """
        if self.sliding is not None:
            return {column.name: None for column in self.columns}, False
        if self.levels is not None:
            return self._finish_levels(self.levels, window_start, state)
        values = [
            slot.aggregate.finish(slot.aggregate.from_json(value))
            for slot, value in zip(self.slots, state["aggregates"], strict=True)
        ]
        return self._finish(window_start, self.key_from_json(state["key"]), values, NO_ITEM)

    def finish_group(self, key: tuple[Any, ...], group: list[Any], state: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of a group of rows. Args: key: (window start in ms, *key values); state: the group as JSON."""
        if self.operations is None or self.sliding is not None or self.levels is not None:
            return self.finish(key[0], state)[0]
        # The states are integers, and are what their JSON would give again.
        values = [slot.aggregate.finish(group[slot.index]) for slot in self.slots]
        return self._finish(key[0], key[1:], values, NO_ITEM)[0]

    def finish_all(self, window_start: int, state: Mapping[str, Any]) -> list[tuple[list[Any], dict[str, Any], bool]]:
        """A merged state → every document of its window and key: (suffix of the key, columns, visible).

        There is one document, with an empty suffix, unless the output expands the items of an aggregate
        (TOP_K_ITEMS_TUMBLING): then there is one per item, and the suffix is its rank, from 1. A sliding output has a
        hidden document, which records that the group is settled, and one for each minute, whose suffix is its start.
        """
        if self.sliding is not None:
            return [([], *self.finish(window_start, state)), *self._slide(self.sliding, window_start, state)]
        if self.expand is None:
            return [([], *self.finish(window_start, state))]
        name, limit = self.expand
        slot, value = next(
            (slot, value) for slot, value in zip(self.slots, state["aggregates"], strict=True) if slot.name == name
        )
        items = slot.aggregate.items(slot.aggregate.from_json(value))[:limit]
        key = self.key_from_json(state["key"])
        if not items:  # a hidden document records that the partials were settled
            return [([1], self._finish(window_start, key, [], NO_ITEM)[0], False)]
        return [([rank], *self._finish(window_start, key, [], item)) for rank, item in enumerate(items, 1)]

    def _finish_levels(
        self, levels: Levels, window_start: int, state: Mapping[str, Any]
    ) -> tuple[dict[str, Any], bool]:
        key = self.key_from_json(state["key"])
        values = levels.values((window_start, *key), self._cells.from_json(state["aggregates"][0]))
        if values is None:  # WHERE, or the HAVING of an inner window, leaves no row
            return {column.name: None for column in self.columns}, False
        return self._finish(window_start, key, list(values), NO_ITEM)

    def _slide(
        self, sliding: Sliding, window_start: int, state: Mapping[str, Any]
    ) -> Iterator[tuple[list[Any], dict[str, Any], bool]]:
        cells = self._cells.from_json(state["aggregates"][0])
        for minute, columns, visible in sliding.documents(window_start, self.key_from_json(state["key"]), cells):
            yield [to_iso(minute)], columns, visible


def _key_text(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _key_value(value: Any, sql_type: SqlType) -> Any:
    return Decimal(value) if sql_type.name == "DECIMAL" and value is not None else value


def compile_windowed_output(
    node: dict[str, Any], settings: OutputSettings, source: RowSource, tables: Tables | None = None
) -> WindowedOutput:
    """The windowed output of a plan. Raises: PlanError."""
    window_ms = _read_ms(node, "window_ms")
    rows_ms = _read_ms(node, "inner_ms") if "inner_ms" in node else window_ms
    reads = Reads()
    parts = [node, *node.get("also", ())]
    first, *others = (compile_window_rows(part, rows_ms, source, reads, tables or {}) for part in parts)
    composed = compose(node, first, rows_ms)
    columns = read_columns(node)
    operations = operations_of([slot.aggregate for slot in composed.slots])
    name, is_composed = node["name"], bool(composed.levels or composed.sliding)
    is_one_document = not (is_composed or node.get("expand") or node.get("having"))
    return WindowedOutput(
        name=name,
        settings=settings,
        columns=columns,
        window_ms=window_ms,
        reads=reads,
        key_types=composed.key_types,
        slots=composed.slots,
        add=first.add,
        _finish=composed.finish,
        expand=_read_expand(node, first.slots),
        pump=node.get("pump"),
        operations=operations,
        required=first.required.intersection(*(other.required for other in others)),
        ways=_make_ways(node, first, others) if others else (),
        join=first.join,
        levels=composed.levels,
        sliding=composed.sliding,
        time_unit=time_unit(parts, rows_ms, source),
        is_settled_alone=is_one_document and operations is not None and _are_exact(columns),
        partial_text=None if operations is None or is_composed else _compile_text(name, composed, operations),
    )


def _compile_text(name: str, composed: Composition, operations: Operations) -> PartialText | None:
    return compile_partial_text(name, composed.columns, composed.key_types, composed.slots, operations)


def _are_exact(columns: Iterable[OutputColumn]) -> bool:
    """Whether JSON holds the values of columns exactly, and documents have no other member of their name."""
    return all(column.type.name in _EXACT_IN_JSON and column.name != "tally" for column in columns)


def _read_ms(node: dict[str, Any], name: str) -> int:
    value = node.get(name)
    if type(value) is not int or value <= 0:
        raise PlanError(f"{name} must be a positive number of milliseconds")
    return value


def _make_ways(node: dict[str, Any], first: WindowRows, others: list[WindowRows]) -> tuple[Way, ...]:
    """The ways of an output, whose states must be alike. Raises: PlanError: they are not."""
    ways = []
    for number, (part, rows) in enumerate(zip([node, *node["also"]], [first, *others], strict=True)):
        if rows.shape != first.shape:
            raise PlanError("the ways under 'also' must have the keys and aggregates of the output")
        names = part.get("through") or [str(number)]
        ways.append(Way(rows.add, names[0], "/".join(names), rows.join))
    return tuple(ways)


def _read_expand(node: dict[str, Any], slots: tuple[Slot, ...]) -> tuple[str, int] | None:
    expand = node.get("expand")
    if expand is None:
        return None
    name, limit = expand.get("aggregate"), expand.get("limit")
    if type(limit) is not int or limit < 1:
        raise PlanError("expand needs a limit, a number of items")
    if not any(slot.name == name and slot.aggregate.has_items for slot in slots):
        raise PlanError(f"expand must name an aggregate over items, not {name!r}")
    return name, limit
