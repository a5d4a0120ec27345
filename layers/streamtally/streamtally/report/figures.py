"""The charts over time, as plain data: what is drawn, in the plot's own units, and what stands beside it.

``templates/charts.svg`` makes the SVG, which needs no script; its colours are classes of the style sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from streamtally.report.data import TimesAt
from streamtally.report.steps import Steps, time_label
from streamtally.report.units import time_text

MAX_STEPS: Final = 480
"""Bars of a chart: each is at least two pixels wide on a screen of 1,180 pixels."""
PLOT_PX: Final = 190
"""The height of a chart's plot; the style sheet places what lies over it by this number."""
_LEAST_SLOTS: Final = 12
_UNITS: Final = 1000  # the plot's own units from 0 to the axis's end, as in the template
_COLOURS: Final = {"2xx": "c2", "3xx": "c3", "4xx": "c4", "5xx": "c5", "1xx": "c1", "other": "c0"} | {
    "info": "c2",
    "debug": "c3",
    "warning": "c4",
    "error": "c5",
}
_ONE_COLOUR: Final = "c2"
_CURVES: Final = ("p50", "p90", "p99")
_CURVE_COLOURS: Final = ("c2", "c4", "c5")


class Key(NamedTuple):
    """An entry of a legend."""

    colour: str
    name: str
    total: str = ""
    """The number of the whole chart; empty: it is not shown."""
    follows: bool = False
    """Whether the script may select what it names."""


class Shape(NamedTuple):
    """What is drawn in one colour."""

    kind: str
    """A class of the style sheet."""
    path: str
    """Commands of an SVG path: steps to the right, units of the plot down."""


class Hover(NamedTuple):
    """What a step says when it is hovered."""

    slot: int
    """The step, from 0."""
    words: str


class Tick(NamedTuple):
    """A time below the axis."""

    x: str
    """In percent of the chart's width."""
    time: str


class Area(NamedTuple):
    """What a chart's plot spans."""

    first: int
    """The start of its first step, in ms since the epoch."""
    step_ms: int
    slots: int
    """Steps from its left to its right."""
    top: int
    """The number at its upper end."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart over time."""

    macro: ClassVar[str] = "chart"
    label: str
    """What it shows, for a screen reader."""
    area: Area
    legend: Sequence[Key]
    shapes: Sequence[Shape]
    """Those that are below others come first."""
    hovers: Sequence[Hover]
    numbers: tuple[str, str]
    """At the middle of the axis, and at its end."""
    times: Sequence[Tick]
    plot: int = PLOT_PX
    """The height of what is drawn, in px."""


def grouped(number: int) -> str:
    """A number as an axis and a bar's hover show it, unless a chart has a unit."""
    return f"{number:,}"


def time_chart(
    steps: Steps, label: str, show: Callable[[int], str] = grouped, when: Callable[[int], str] = time_label
) -> Chart:
    """Bars over time, stacked by class of status or level, with a legend. Hovering a bar shows its numbers.

    Args:
        label: what the chart shows, for a screen reader.
        show: a number as text.
        when: a time in ms since the epoch as text.
    """
    first = steps.starts[0]
    slots = max((steps.starts[-1] - first) // steps.step_ms + 1, _LEAST_SLOTS)
    top = axis_end(max(steps.total(index) for index in range(len(steps.starts))))
    shapes = [
        Shape(_COLOURS.get(kind, _ONE_COLOUR), "".join(_rectangles(steps, kind, first, top))) for kind in steps.counts
    ]
    legend = _legend(steps) if len(steps.counts) > 1 or next(iter(steps.counts)) in _COLOURS else []
    area = Area(first, steps.step_ms, slots, top)
    hovers = list(_hovers(steps, first, show, when))
    return Chart(label, area, legend, shapes, hovers, _numbers(top, show), _times(area, when))


def curves_chart(step_ms: int, points: Sequence[TimesAt], label: str) -> Chart:
    """Three curves of percentiles over time, with a legend. Hovering a step shows its numbers."""
    first = points[0].start_ms
    slots = max((points[-1].start_ms - first) // step_ms + 1, _LEAST_SLOTS)
    top = axis_end(max(point.p99_us for point in points))
    values = [[point.p50_us, point.p90_us, point.p99_us] for point in points]
    shapes = [
        Shape(f"curve {colour}", "".join(_curve(step_ms, points, [row[index] for row in values], top)))
        for index, colour in enumerate(_CURVE_COLOURS)
    ]
    hovers = [
        Hover((point.start_ms - first) // step_ms, f"{time_label(point.start_ms)}: {_shown_times(row)}")
        for point, row in zip(points, values, strict=True)
    ]
    legend = [Key(colour, name) for name, colour in zip(_CURVES, _CURVE_COLOURS, strict=True)]
    area = Area(first, step_ms, slots, top)
    return Chart(label, area, legend, shapes, hovers, _numbers(top, time_text), _times(area, time_label))


def _shown_times(values: Sequence[int]) -> str:
    return ", ".join(f"{name} {time_text(value)}" for name, value in zip(_CURVES, values, strict=True))


def _curve(step_ms: int, points: Sequence[TimesAt], values: Sequence[int], top: int) -> Iterator[str]:
    """A level for each step, joined to that of the step before it if there is one."""
    before = None
    for point, value in zip(points, values, strict=True):
        slot = (point.start_ms - points[0].start_ms) // step_ms
        y = _UNITS - round(_UNITS * value / top)
        yield f"V{y}h1" if before == slot - 1 else f"M{slot} {y}h1"
        before = slot


def axis_end(greatest: int) -> int:
    """The end of an axis: the least of 2, 4, 6, 8, 10 times a power of ten that is not below ``greatest``."""
    power = 1
    while greatest > 10 * power:
        power *= 10
    return next(factor * power for factor in (2, 4, 6, 8, 10) if factor * power >= greatest)


def _legend(steps: Steps) -> list[Key]:
    return [Key(_COLOURS[kind], kind, f"{sum(counts):,}", follows=True) for kind, counts in steps.counts.items()]


def _rectangles(steps: Steps, kind: str, first: int, top: int) -> Iterator[str]:
    """The bars of a class, on those of the classes below it."""
    kinds = list(steps.counts)
    below_kinds = kinds[: kinds.index(kind)]
    for index, start in enumerate(steps.starts):
        if not (count := steps.counts[kind][index]):
            continue
        below = sum(steps.counts[other][index] for other in below_kinds)
        # Both ends are rounded, not the height, so that bars on each other leave no gap.
        low, high = round(_UNITS * below / top), round(_UNITS * (below + count) / top)
        yield f"M{(start - first) // steps.step_ms}.05 {_UNITS - high}h.9v{max(high - low, 1)}h-.9z"


def _hovers(steps: Steps, first: int, show: Callable[[int], str], when: Callable[[int], str]) -> Iterator[Hover]:
    for index, start in enumerate(steps.starts):
        shown = {kind: show(counts[index]) for kind, counts in steps.counts.items() if counts[index]}
        words = ", ".join(f"{kind} {count}" if kind in _COLOURS else count for kind, count in shown.items())
        yield Hover((start - first) // steps.step_ms, f"{when(start)}: {words or 0}")


def _numbers(top: int, show: Callable[[int], str]) -> tuple[str, str]:
    return show(top // 2), show(top)


def _times(area: Area, when: Callable[[int], str]) -> list[Tick]:
    """Three times, each beginning where it is."""
    slots = [area.slots * third // 3 for third in range(3)]
    return [Tick(f"{100 * slot / area.slots:.2f}", when(area.first + slot * area.step_ms)) for slot in slots]
