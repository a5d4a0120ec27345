"""Windowed outputs: rows → partials per window and key, and merged partials → documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from streamtally.config.outputs import OutputSettings
from streamtally.errors import PlanError
from streamtally.plan.aggregates.base import Slot
from streamtally.plan.aggregates.merged import Operations, operations_of
from streamtally.plan.codegen import Reads, RowSource
from streamtally.plan.joins import JoinRow, Tables
from streamtally.plan.rows import OutputColumn, read_columns
from streamtally.plan.types import SqlType
from streamtally.plan.window_columns import NO_ITEM, FinishWindow, compile_window_columns
from streamtally.plan.window_rows import ROWS, AddRow, WindowRows, compile_window_rows


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

    @property
    def is_ordered(self) -> bool:
        """Whether rows must say where they stand (see :data:`streamtally.plan.window_rows.ORDER`)."""
        return any(slot.aggregate.is_ordered for slot in self.slots)

    @property
    def passes(self) -> int:
        """How many times each row is evaluated."""
        return len(self.ways) or 1

    def state_to_json(self, key: tuple[Any, ...], group: list[Any]) -> dict[str, Any]:
        """``tally.state`` of a partial: its key, its number of rows, and the states of its aggregates."""
        return {
            "key": self.key_to_json(key),
            "rows": group[ROWS],
            "aggregates": [slot.aggregate.to_json(group[slot.index]) for slot in self.slots],
        }

    def key_to_json(self, key: tuple[Any, ...]) -> list[Any]:
        """A key's values as JSON: DECIMAL as text, all others unmodified."""
        return [str(value) if isinstance(value, Decimal) else value for value in key]

    def key_from_json(self, key: Iterable[Any]) -> tuple[Any, ...]:
        """The inverse of :meth:`key_to_json`."""
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
        """A merged state → (its columns, whether HAVING shows it). A column that cannot be evaluated is None."""
        values = [
            slot.aggregate.finish(slot.aggregate.from_json(value))
            for slot, value in zip(self.slots, state["aggregates"], strict=True)
        ]
        return self._finish(window_start, self.key_from_json(state["key"]), values, NO_ITEM)

    def finish_all(self, window_start: int, state: Mapping[str, Any]) -> list[tuple[list[Any], dict[str, Any], bool]]:
        """A merged state → every document of its window and key: (suffix of the key, columns, visible).

        There is one document, with an empty suffix, unless the output expands the items of an aggregate
        (TOP_K_ITEMS_TUMBLING): then there is one per item, and the suffix is its rank, from 1.
        """
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


def _key_value(value: Any, sql_type: SqlType) -> Any:
    return Decimal(value) if sql_type.name == "DECIMAL" and value is not None else value


def compile_windowed_output(
    node: dict[str, Any], settings: OutputSettings, source: RowSource, tables: Tables | None = None
) -> WindowedOutput:
    """The windowed output of a plan. Raises: PlanError."""
    window_ms = node.get("window_ms")
    if type(window_ms) is not int or window_ms <= 0:
        raise PlanError("window_ms must be a positive number of milliseconds")
    reads = Reads()
    parts = [node, *node.get("also", ())]
    first, *others = (compile_window_rows(part, window_ms, source, reads, tables or {}) for part in parts)
    return WindowedOutput(
        name=node["name"],
        settings=settings,
        columns=read_columns(node),
        window_ms=window_ms,
        reads=reads,
        key_types=tuple(code.type for code in first.keys),
        slots=first.slots,
        add=first.add,
        _finish=compile_window_columns(node, first.keys, first.slots, first.arguments, window_ms),
        expand=_read_expand(node, first.slots),
        pump=node.get("pump"),
        operations=operations_of([slot.aggregate for slot in first.slots]),
        required=first.required.intersection(*(other.required for other in others)),
        ways=_make_ways(node, first, others) if others else (),
        join=first.join,
    )


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
