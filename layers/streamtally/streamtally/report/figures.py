"""The chart over time of the page, as SVG. It needs no script; its colours are classes of the style sheet.

Widths are percentages and the bars are drawn in a coordinate system of their own that stretches, so that the same chart
fits a phone and a large screen while its texts keep their size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from streamtally.report.data import TimesAt
from streamtally.report.markup import text
from streamtally.report.steps import Steps, time_label
from streamtally.report.units import time_text

MAX_STEPS: Final = 480
"""Bars of a chart: each is at least two pixels wide on a screen of 1,180 pixels."""
_LEAST_SLOTS: Final = 12
_HEIGHT: Final = 240  # px of the chart; the style sheet gives it this height
_TOP: Final = 24  # px above the plot, for the greatest tick's number
_BOTTOM: Final = 26  # px below it, for the times
_PLOT: Final = _HEIGHT - _TOP - _BOTTOM
_UNITS: Final = 1000  # the plot's own units from 0 to the axis's end
_COLOURS: Final = {"2xx": "c2", "3xx": "c3", "4xx": "c4", "5xx": "c5", "1xx": "c1", "other": "c0"} | {
    "info": "c2",
    "debug": "c3",
    "warning": "c4",
    "error": "c5",
}
_ONE_COLOUR: Final = "c2"
_CURVES: Final = ("p50", "p90", "p99")
_CURVE_COLOURS: Final = ("c2", "c4", "c5")


def grouped(number: int) -> str:
    """A number as an axis and a bar's hover show it, unless a chart has a unit."""
    return f"{number:,}"


def time_chart(steps: Steps, label: str, show: Callable[[int], str] = grouped) -> str:
    """Bars over time, stacked by class of status or level, with a legend. Hovering a bar shows its numbers.

    Args:
        label: what the chart shows, for a screen reader.
        show: a number as text.
    """
    first = steps.starts[0]
    slots = max((steps.starts[-1] - first) // steps.step_ms + 1, _LEAST_SLOTS)
    top = axis_end(max(steps.total(index) for index in range(len(steps.starts))))
    bars = "".join(
        f'<path class="{_COLOURS.get(kind, _ONE_COLOUR)}" d="{"".join(_rectangles(steps, kind, first, top))}"/>'
        for kind in steps.counts
    )
    legend = _legend(steps) if len(steps.counts) > 1 or next(iter(steps.counts)) in _COLOURS else ""
    hovers = "".join(_hovers(steps, first, show))
    area = _Area(first, steps.step_ms, slots, top)
    return legend + _chart(bars + hovers, area, label, show)


def curves_chart(step_ms: int, points: Sequence[TimesAt], label: str) -> str:
    """Three curves of percentiles over time, with a legend. Hovering a step shows its numbers."""
    first = points[0].start_ms
    slots = max((points[-1].start_ms - first) // step_ms + 1, _LEAST_SLOTS)
    top = axis_end(max(point.p99_us for point in points))
    values = [[point.p50_us, point.p90_us, point.p99_us] for point in points]
    curves = "".join(
        f'<path class="curve {colour}" d="{"".join(_curve(step_ms, points, [row[index] for row in values], top))}"/>'
        for index, colour in enumerate(_CURVE_COLOURS)
    )
    hovers = "".join(
        _hover(
            (point.start_ms - first) // step_ms,
            f"{time_label(point.start_ms)}: "
            + ", ".join(f"{name} {time_text(value)}" for name, value in zip(_CURVES, row, strict=True)),
        )
        for point, row in zip(points, values, strict=True)
    )
    legend = "".join(_key(colour, name) for name, colour in zip(_CURVES, _CURVE_COLOURS, strict=True))
    chart = _chart(curves + hovers, _Area(first, step_ms, slots, top), label, time_text)
    return f'<ul class="legend">{legend}</ul>{chart}'


class _Area(NamedTuple):
    """What a chart's plot spans."""

    first: int
    """The start of its first step, in ms since the epoch."""
    step_ms: int
    slots: int
    """Steps from its left to its right."""
    top: int
    """The number at its upper end."""


def _chart(drawn: str, area: _Area, label: str, show: Callable[[int], str]) -> str:
    lines, numbers = _grid(area.top, show)
    times = _times(area.first, area.step_ms, area.slots)
    span = f'data-start="{area.first}" data-step="{area.step_ms}" data-slots="{area.slots}" data-top="{area.top}"'
    return (
        f'<svg class="chart" role="img" aria-label="{text(label)}" width="100%" height="{_HEIGHT}" {span}>{lines}'
        f'<svg y="{_TOP}" width="100%" height="{_PLOT}" viewBox="0 0 {area.slots} {_UNITS}" preserveAspectRatio="none">'
        f"{drawn}</svg>{numbers}{times}</svg>"
    )


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


def _legend(steps: Steps) -> str:
    items = (_key(_COLOURS[kind], f"{kind} <b>{sum(counts):,}</b>", kind) for kind, counts in steps.counts.items())
    return f'<ul class="legend">{"".join(items)}</ul>'


def _key(colour: str, words: str, kind: str = "") -> str:
    attribute = f' data-class="{kind}"' if kind else ""
    shape = f'<rect class="{colour}" width="100%" height="100%"/>'
    return f'<li{attribute}><svg class="key" aria-hidden="true">{shape}</svg>{words}</li>'


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


def _hovers(steps: Steps, first: int, show: Callable[[int], str]) -> Iterator[str]:
    """Over each step an invisible rectangle with the step's numbers."""
    for index, start in enumerate(steps.starts):
        shown = {kind: show(counts[index]) for kind, counts in steps.counts.items() if counts[index]}
        words = ", ".join(f"{kind} {count}" if kind in _COLOURS else count for kind, count in shown.items())
        yield _hover((start - first) // steps.step_ms, f"{time_label(start)}: {words or 0}")


def _hover(slot: int, words: str) -> str:
    return f'<rect class="hover" x="{slot}" width="1" height="{_UNITS}"><title>{words}</title></rect>'


def _grid(top: int, show: Callable[[int], str]) -> tuple[str, str]:
    """The lines, which are below what is drawn, and their numbers, which are above it."""
    lines, numbers = [], []
    for share in (0, 1, 2):
        y = _TOP + _PLOT - _PLOT * share // 2
        lines.append(f'<line x2="100%" y1="{y}" y2="{y}"/>')
        if share:
            numbers.append(f'<text y="{y - 4}">{show(top * share // 2)}</text>')
    return "".join(lines), "".join(numbers)


def _times(first: int, step_ms: int, slots: int) -> str:
    """Three times below the axis, each beginning where it is."""
    ticks = []
    for third in range(3):
        slot = slots * third // 3
        x = f"{100 * slot / slots:.2f}%"
        label = time_label(first + slot * step_ms)
        y = _TOP + _PLOT
        ticks.append(f'<line x1="{x}" x2="{x}" y1="{y}" y2="{y + 5}"/><text x="{x}" y="{y + 19}">{label}</text>')
    return "".join(ticks)
