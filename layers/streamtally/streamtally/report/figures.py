"""The chart over time of the page, as SVG. It needs no script; its colours are classes of the style sheet.

Widths are percentages and the bars are drawn in a coordinate system of their own that stretches, so that the same chart
fits a phone and a large screen while its texts keep their size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamtally.report.markup import text
from streamtally.report.steps import Steps, time_label

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


def time_chart(steps: Steps, label: str) -> str:
    """Bars over time, stacked by class of status or level, with a legend. Hovering a bar shows its numbers.

    Args: label: what the chart shows, for a screen reader.
    """
    first = steps.starts[0]
    slots = max((steps.starts[-1] - first) // steps.step_ms + 1, _LEAST_SLOTS)
    top = axis_end(max(steps.total(index) for index in range(len(steps.starts))))
    bars = "".join(
        f'<path class="{_COLOURS[kind]}" d="{"".join(_rectangles(steps, kind, first, top))}"/>' for kind in steps.counts
    )
    plot = (
        f'<svg y="{_TOP}" width="100%" height="{_PLOT}" viewBox="0 0 {slots} {_UNITS}" preserveAspectRatio="none">'
        f"{bars}{''.join(_hovers(steps, first))}</svg>"
    )
    return (
        f"{_legend(steps)}"
        f'<svg class="chart" role="img" aria-label="{text(label)}" width="100%" height="{_HEIGHT}">'
        f"{_grid(top)}{plot}{_times(steps, slots)}</svg>"
    )


def axis_end(greatest: int) -> int:
    """The end of an axis: the least of 2, 4, 6, 8, 10 times a power of ten that is not below ``greatest``."""
    power = 1
    while greatest > 10 * power:
        power *= 10
    return next(factor * power for factor in (2, 4, 6, 8, 10) if factor * power >= greatest)


def _legend(steps: Steps) -> str:
    items = (
        f'<li><svg class="key" aria-hidden="true"><rect class="{_COLOURS[kind]}" width="100%" height="100%"/></svg>'
        f"{kind} <b>{sum(counts):,}</b></li>"
        for kind, counts in steps.counts.items()
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


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


def _hovers(steps: Steps, first: int) -> Iterator[str]:
    """Over each step an invisible rectangle with the step's numbers."""
    for index, start in enumerate(steps.starts):
        counts = ", ".join(f"{kind} {counts[index]:,}" for kind, counts in steps.counts.items() if counts[index])
        yield (
            f'<rect class="hover" x="{(start - first) // steps.step_ms}" width="1" height="{_UNITS}">'
            f"<title>{time_label(start)}: {counts or 0}</title></rect>"
        )


def _grid(top: int) -> str:
    lines = []
    for share in (0, 1, 2):
        y = _TOP + _PLOT - _PLOT * share // 2
        lines.append(f'<line x2="100%" y1="{y}" y2="{y}"/>')
        if share:
            lines.append(f'<text y="{y - 4}">{top * share // 2:,}</text>')
    return "".join(lines)


def _times(steps: Steps, slots: int) -> str:
    """Three times below the axis, each beginning where it is."""
    ticks = []
    for third in range(3):
        slot = slots * third // 3
        x = f"{100 * slot / slots:.2f}%"
        label = time_label(steps.starts[0] + slot * steps.step_ms)
        y = _TOP + _PLOT
        ticks.append(f'<line x1="{x}" x2="{x}" y1="{y}" y2="{y + 5}"/><text x="{x}" y="{y + 19}">{label}</text>')
    return "".join(ticks)
