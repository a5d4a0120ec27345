"""SELECT with aggregates OVER a range of time: one document per key and minute, of what the range before it holds.

Kinesis Analytics gives a row for each row. That needs all rows of the range in their order; settling has minutes, or
seconds for ranges that are no whole minutes. So a sliding output has to be asked for, by ``sliding = "minute"`` or
``sliding = "second"`` in ``pipeline.toml``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from streamtally.errors import SqlError
from streamtally.ids import canonical_json
from streamtally.plan.sliding import MAX_SPANS_MS, MINUTE_MS, SECOND_MS, group_ms, step_ms, step_name
from streamtally.plan.types import TIMESTAMP
from streamtally.sql.expressions.time_calls import step
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import INTERVAL, RECORD, Typed
from streamtally.sql.grammar.allowed import stored_name
from streamtally.sql.grammar.nodes import Over, WindowRange
from streamtally.sql.grammar.refusals import TO_FLINK
from streamtally.sql.planning.grouping import GroupNames, GroupTranslator
from streamtally.sql.planning.relations import WINDOW_END, WINDOW_START, Relation, Window
from streamtally.sql.planning.select_list import Item, has_aggregate, project
from streamtally.sql.planning.windows import find_time_term
from streamtally.sql.problems import Problems, SkippedError

SLIDING = (
    "sliding windows are composed of {unit}s: one document per key and {unit} in which the key has rows, of the range "
    "that ends with that {unit}"
)
WAYS_OUT = (
    'for one document per key and minute, write sliding = "minute" under [outputs.<NAME>] in pipeline.toml '
    '("second" for ranges of seconds) and select '
    "keys, times and aggregates only; an alarm once per window is HAVING over GROUP BY …, STEP(s.ROWTIME BY …); for a "
    "value of every row, " + TO_FLINK
)


def is_sliding(query: exp.Select) -> bool:
    """Whether a SELECT has aggregates OVER a window."""
    return any(item.find(Over) is not None for item in query.expressions)


def plan_sliding(
    query: exp.Select, relation: Relation, items: Sequence[Item], rows: Translator, problems: Problems
) -> Relation:
    """Plan a SELECT with OVER. Raises: SqlError: it cannot be composed of minutes."""
    if query.args.get("group") is not None or query.args.get("having") is not None or query.args.get("distinct"):
        raise problems.unsupported(
            query, "GROUP BY, HAVING or DISTINCT beside OVER", "write two pumps, or a subquery in FROM; " + WAYS_OUT
        )
    if relation.window is not None:
        raise problems.unsupported(
            query, "a sliding window over an aggregate's results", "let the OVER read the rows themselves; " + WAYS_OUT
        )
    ranges = window_ranges(query, items, problems)
    keys = [[rows.translate(key) for key in window.expressions] for window in ranges.values()]
    if len({frozenset(canonical_json(key.node) for key in window_keys) for window_keys in keys}) > 1:
        raise problems.unsupported(
            query, "OVER windows with different PARTITION BY in one SELECT", "write a pump for each; " + WAYS_OUT
        )
    times = {canonical_json(order_time(window, relation, rows, problems).node): window for window in ranges.values()}
    if len(times) > 1:
        raise problems.unsupported(query, "OVER windows with different ORDER BY in one SELECT", "write a pump for each")
    first = next(iter(ranges.values()))
    lengths = [window.args["length"] for window in ranges.values()]
    spans = [_span(length, rows, problems) for length in lengths]
    length_ms = step_ms(spans)
    if max(spans) > MAX_SPANS_MS[length_ms]:
        raise _refuse_length(lengths[spans.index(max(spans))], problems)
    groups = SlidingTranslator(rows, problems, ranges, length_ms)
    for origin, key in zip(first.expressions, keys[0], strict=True):
        if key.type == RECORD or key.is_null:
            raise problems.error(origin, f"PARTITION BY takes a value, not a {key.type}")
        groups.add_key(key)
    groups.add_times(items, order_time(first, relation, rows, problems))
    shown = project(replace(relation, rowtime=WINDOW_END, conditions=(), joins=()), items, groups, problems)
    over = next(node for item in items for node in item.node.find_all(Over))
    if len(shown.columns) != len(items) or not groups.aggregates:
        raise SkippedError("", 1, 1)  # the problem is reported; without its column, others would be
    problems.note(over, SLIDING.format(unit=step_name(length_ms)))
    window = Window(
        relation.conditions,
        order_time(first, relation, rows, problems).node,
        group_ms([aggregate["span_ms"] for aggregate in groups.aggregates]),
        tuple(groups.keys),
        tuple(groups.aggregates),
        joins=relation.joins,
        inner_ms=length_ms,
        sliding=over,
    )
    return replace(shown, conditions=(), window=window, distinct=None)


def window_ranges(query: exp.Select, items: Sequence[Item], problems: Problems) -> dict[int, WindowRange]:
    """The id of each OVER → its window. Raises: SqlError: a window that is not declared."""
    named = {stored_name(window.this): window.args["window"] for window in query.args.get("windows") or ()}
    ranges: dict[int, WindowRange] = {}
    for item in items:
        for over in item.node.find_all(Over):
            window = over.args["window"]
            if isinstance(window, exp.Identifier):
                name = stored_name(window)
                if name not in named:
                    known = ", ".join(named) or "none"
                    raise problems.error(window, f"unknown window {name}", f"the WINDOW clause has: {known}")
                window = named[name]
            ranges[id(over)] = window
    return ranges


def order_time(window: WindowRange, relation: Relation, rows: Translator, problems: Problems) -> Typed:
    """The time by which a window slides: that of its ORDER BY, else ROWTIME. Raises: SqlError: it is no time."""
    order = window.args.get("order")
    if order is None:
        return relation.rowtime
    terms = order.expressions
    time = rows.translate(terms[0].this)
    if len(terms) > 1 or time.type != TIMESTAMP or terms[0].args.get("desc"):
        raise problems.unsupported(
            terms[-1], "ORDER BY of anything but one ascending time in OVER", "order by a TIMESTAMP such as ROWTIME"
        )
    return time


class SlidingTranslator(GroupTranslator):
    """Translates the SELECT list: PARTITION BY terms are keys, and each aggregate has the span of its window.

    Args:
        ranges: the id of each OVER → its window.
        length_ms: the length of the minutes or seconds that the windows are composed of.
    """

    def __init__(
        self, rows: Translator, problems: Problems, ranges: dict[int, WindowRange], length_ms: int = MINUTE_MS
    ) -> None:
        super().__init__(rows, problems)
        self._length_ms = length_ms
        self.names = _SlidingNames(rows, problems)
        self._ranges = ranges
        self._span_ms = 0

    def add_times(self, items: Sequence[Item], time: Typed) -> None:
        """The times of a document: ROWTIME is the end of its minute, and a floor of it that of the minute's start."""
        self.known[canonical_json(time.node)] = WINDOW_END
        self.known[canonical_json(self.rows.names.now().node)] = WINDOW_END
        for item in items:
            for node in item.node.walk():
                if has_aggregate(node) or not isinstance(node, exp.Anonymous):
                    continue
                try:
                    value = self.rows.translate(node)
                except SqlError:
                    continue  # reported when the item is translated
                term = find_time_term(node, value)
                if term is None or term.number or term.size_ms % self._length_ms:
                    continue
                if term.time in (time.node, self.rows.names.now().node):
                    start = WINDOW_START
                    floored = start if term.size_ms == self._length_ms else step(self, node, start, term.size_ms)
                    self.known[canonical_json(value.node)] = floored

    def translate(self, node: exp.Expr) -> Typed:
        if isinstance(node, Over):
            self._span_ms = self._span(node)
            call = node.this
            if not isinstance(call, exp.Anonymous) or not has_aggregate(call):
                raise self.problems.unsupported(call, "OVER after anything but an aggregate", WAYS_OUT)
            try:
                return self._aggregate(call)
            finally:
                self._span_ms = 0
        return super().translate(node)

    def _span(self, over: Over) -> int:
        return _span(self._ranges[id(over)].args["length"], self.rows, self.problems)

    def slot_members(self, origin: exp.Expr) -> dict[str, Any]:
        if not self._span_ms:
            raise self.problems.error(
                origin, "an aggregate without OVER beside one with it", "give it a window, or write a pump of its own"
            )
        return {"span_ms": self._span_ms}


def _span(length: exp.Expr, rows: Translator, problems: Problems) -> int:
    """The length of a range in ms. Raises: SqlError: windows of this length cannot be composed."""
    span = rows.translate(length)
    ms = span.literal
    if span.type != INTERVAL or not isinstance(ms, int) or ms % SECOND_MS or not 0 < ms <= MAX_SPANS_MS[step_ms([ms])]:
        raise _refuse_length(length, problems)
    return ms


def _refuse_length(length: exp.Expr, problems: Problems) -> SqlError:
    return problems.unsupported(
        length,
        "a sliding window of anything but whole minutes up to a day, or whole seconds up to 15 minutes",
        "make the RANGE one of these; for a value of every row, " + TO_FLINK,
    )


class _SlidingNames(GroupNames):
    """Names that are not PARTITION BY terms."""

    def refusal(self, node: exp.Column) -> SqlError:
        return self.problems.unsupported(
            node,
            f"{node.this.this} of each row beside an aggregate OVER a sliding window",
            "add it to PARTITION BY, or take MIN, MAX or LAST_VALUE of it OVER the window; " + WAYS_OUT,
        )
