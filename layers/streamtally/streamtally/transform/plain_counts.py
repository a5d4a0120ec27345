"""Plain lines are counted by the fields that an output reads, and each combination of them is evaluated once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import compress
from operator import itemgetter
from typing import Any, Protocol

from streamtally.formats.base import Plain, Row, Scanner
from streamtally.plan.windowed import WindowedOutput
from streamtally.times.seconds import SecondsAt
from streamtally.transform.counted import Bounds, FieldValues, OfTimes, Texts, Together
from streamtally.transform.output_writer import Scanned

_FIRST = itemgetter(0)
EXACT = 1
"""The span of arrivals, in ms, by which lines are counted exactly."""


class Completion(Protocol):
    """How rows get the columns that programs read by their role."""

    def fields_for(self, columns: Collection[str]) -> set[str]:
        """The fields of which a row consists if programs read these columns, and its event time."""

    def fields_of_columns(self, columns: Collection[str]) -> set[str]:
        """Those of them from which the columns are made."""

    @property
    def time_fields(self) -> frozenset[str]:
        """Those of them from which the event time is read."""

    def complete(self, row: Row, arrival: int) -> None:
        """Complete a row, in place. Args: arrival: in ms since the epoch."""


class PlainCounts:
    """The plain lines that an output counts.

    Whether an event time is believed depends on its record's arrival, so this is evaluated for the earliest and the
    latest arrival of all; or of a span of arrivals, if lines are counted by spans.

    Args:
        past_ms: how far an event time may lie before the arrival.
        ahead_ms: how far after it.
        arrival_ms: see :class:`streamtally.transform.window_writer.WindowWriter`.
    Attributes:
        scanner: has read the lines; None: there are none.
        takes_none: whether no row of the format is counted.
        seconds: where the first field by which lines are counted has the seconds of the event time; None: it is not
            known.
    """

    def __init__(self, output: WindowedOutput, past_ms: int, ahead_ms: int, arrival_ms: int | None) -> None:
        self.scanner: Scanner | None = None
        self.takes_none = False
        self.seconds: SecondsAt | None = None
        self.arrival_ms = arrival_ms
        self._output = output
        self._past_ms = past_ms
        self._ahead_ms = ahead_ms
        self._counts: Counter[Any] = Counter()  # which counts in C
        self._fields: tuple[str, ...] = ()
        self._time_width = 0
        self._are_minutes = False
        self._pick: Callable[[Plain], Any] = tuple
        self._complete: Callable[[Row, int], None] | None = None

    def begin(self, scanner: Scanner, completion: Completion | None = None) -> None:
        """Choose the fields by which the lines of a format are counted.

        Args: completion: how rows are completed before they are counted.
        """
        # A field that the format does not have is NULL in all its rows, and need not be counted.
        self.scanner = scanner
        self.takes_none = completion is None and not self._output.required <= scanner.positions.keys()
        self._complete = completion.complete if completion is not None else None
        self._set_fields(scanner, completion)
        self._pick = itemgetter(*self.positions) if self._fields else lambda _: ()

    @property
    def positions(self) -> tuple[int, ...]:
        """Where the fields by which lines are counted are among those of a plain line."""
        return tuple(self.scanner.positions[name] for name in self._fields) if self.scanner is not None else ()

    def add(self, lines: Scanned) -> None:
        """Count plain lines."""
        combinations: Iterable[Any] = map(self._pick, lines.plain)
        if self.arrival_ms is not None:
            arrivals: Iterable[int] = compress(lines.arrivals, map(_FIRST, lines.matches))
            span = self.arrival_ms
            spans = arrivals if span == EXACT else (arrival - arrival % span for arrival in arrivals)
            combinations = zip(combinations, spans, strict=True)
        self._counts.update(combinations)

    def add_counts(self, counts: Mapping[Any, int]) -> None:
        """Add plain lines that were counted elsewhere, by the minute where ``seconds`` says how.

        Args: counts: values as ``itemgetter`` gives them → lines.
        """
        self._are_minutes = self.seconds is not None
        self._counts.update(counts)

    def take(self, scanner: Scanner, first_arrival: int, last_arrival: int) -> Together:
        """The lines counted until now, put together by their event times; counting begins anew."""
        values = [FieldValues(scanner, name) for name in self._fields]
        complete = self._complete

        def make_row(texts: Texts, arrival: int) -> Row:
            row = {value.name: value[text] for value, text in zip(values, texts, strict=False)}
            if complete is not None:
                complete(row, arrival)
            return row

        together = Together(self._output.time_unit, make_row, self.seconds, self._are_minutes)
        low, high = last_arrival - self._past_ms, first_arrival + self._ahead_ms
        self._group_counts(together, Bounds(first_arrival, low, high))
        return together

    def _set_fields(self, scanner: Scanner, completion: Completion | None) -> None:
        """Set the fields by which lines are counted: those of the event time first, if nothing else is made of them."""
        reads, unit = self._output.reads, self._output.time_unit
        read, columns = reads.fields, reads.columns
        times = unit.fields if unit is not None else frozenset()
        if completion is not None:
            read, columns = completion.fields_for(read), completion.fields_of_columns(columns)
            times = times and times | completion.time_fields
        counted = [name for name in scanner.positions if name in read]
        time_fields = [] if times & columns else [name for name in counted if name in times]
        self._time_width = len(time_fields)
        self.seconds = unit.seconds if unit is not None and unit.fields == set(time_fields) else None
        self._fields = (*time_fields, *(name for name in counted if name not in time_fields))

    def _group_counts(self, together: Together, bounds: Bounds) -> None:
        """Put the lines together that were counted. Args: bounds: of all, unless they were counted by arrival."""
        counts, self._counts = self._counts, Counter()
        if self.arrival_ms is not None:
            by_arrival: dict[int, dict[Any, int]] = {}
            for (texts, arrival), times in counts.items():
                by_arrival.setdefault(arrival, {})[texts] = times
            for arrival, some in by_arrival.items():
                last = arrival + self.arrival_ms - 1
                bounds = Bounds(arrival, last - self._past_ms, arrival + self._ahead_ms)
                self._put_together(some, together.with_bounds(bounds))
        else:
            self._put_together(counts, together.with_bounds(bounds))

    def _put_together(self, counts: Mapping[Any, int], groups: OfTimes) -> None:
        width = self._time_width
        if len(self._fields) == 1:
            counts = {(text,): times for text, times in counts.items()}
        for texts, times in counts.items():
            group, others = groups[texts[0] if width == 1 else texts[:width]], texts[width:]
            group[others] = group.get(others, 0) + times
