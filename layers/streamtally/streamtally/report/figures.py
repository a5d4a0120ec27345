"""The charts of the page, as what plotly.js draws. Colours are variables of the style sheet.

They are plain dictionaries: plotly's Python classes would only check them, for most of a report's time.
Source: plotly.com/javascript/reference.
"""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import Any, Final

from streamtally.report.data import TopList
from streamtally.report.steps import Steps, step_name
from streamtally.text import visible

MAX_STEPS: Final = 1500
LABEL_CHARS: Final = 60
_COLOURS = {"2xx": "--c2", "3xx": "--c3", "4xx": "--c4", "5xx": "--c5", "1xx": "--c1", "other": "--c0"}
_COLOURS |= {"info": "--c2", "debug": "--c3", "warning": "--c4", "error": "--c5"}
_LAYOUT: Final[dict[str, Any]] = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, Segoe UI, sans-serif", "size": 13},
    "hoverlabel": {"align": "left"},
}


def chart_label(text: str, limit: int = LABEL_CHARS) -> str:
    """A log's text, escaped so that plotly draws it literally: plotly interprets some tags and entities."""
    shown = visible(text, 10 * limit)
    if len(shown) > limit:
        # Cut in the middle: what distinguishes two browsers is at the end as often as at the beginning.
        shown = f"{shown[: limit // 2]}…{shown[-(limit - limit // 2 - 1) :]}"
    # Quotes stay: plotly has no entity for them, and without a bracket no tag can begin.
    return html.escape(shown, quote=False)


def status_figure(steps: Steps) -> dict[str, Any]:
    """Bars over time, stacked by class of status or level, each as wide as its step."""
    starts = [_axis_time(start) for start in steps.starts]
    bars = [
        _bar(
            x=starts, y=list(counts), name=kind, meta=_COLOURS[kind], offset=0, width=steps.step_ms,
            hovertemplate="%{y:,}",
        )
        for kind, counts in steps.counts.items()
    ]  # fmt: skip
    layout = {
        **_LAYOUT,
        "barmode": "stack",
        "hovermode": "x unified",
        "height": 360,
        "margin": {"l": 60, "r": 10, "t": 40, "b": 50},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        "xaxis": {"type": "date", "title": {"text": f"time (UTC), by {step_name(steps.step_ms)}"}, "showgrid": False},
        "yaxis": {"title": {"text": "rows"}, "tickformat": ",", "rangemode": "tozero", "fixedrange": True},
    }
    return {"data": bars, "layout": layout, "tools": True}


def top_figure(top: TopList) -> dict[str, Any]:
    """Horizontal bars, the most frequent at the top."""
    labels = [chart_label(text) for text, _ in top.entries]
    counts = [count for _, count in top.entries]
    # Positions are numbers and labels are ticks, so that two texts cut to the same label stay two bars.
    positions = list(range(len(labels)))
    bars = _bar(
        x=counts, y=positions, orientation="h", meta="--bar", customdata=labels,
        text=[f"{count:,}" for count in counts], textposition="outside", cliponaxis=False,
        hovertemplate="%{customdata}: %{x:,}<extra></extra>",
    )  # fmt: skip
    layout = {
        **_LAYOUT,
        "height": 70 + 26 * max(len(labels), 1),
        "margin": {"l": 10, "r": 30, "t": 10, "b": 30},
        "bargap": 0.25,
        "showlegend": False,
        # Room for the numbers next to the bars.
        "xaxis": {"range": [0, 1.1 * max(counts, default=1)], "tickformat": ",", "fixedrange": True},
        "yaxis": {
            "tickmode": "array", "tickvals": positions, "ticktext": [f"{label}  " for label in labels],
            "autorange": "reversed", "automargin": True, "fixedrange": True, "showgrid": False, "zeroline": False,
            "tickfont": {"family": "ui-monospace, DejaVu Sans Mono, Menlo, monospace", "size": 12},
        },
    }  # fmt: skip
    return {"data": [bars], "layout": layout, "tools": False}


def _bar(**settings: Any) -> dict[str, Any]:
    return {"type": "bar", "marker": {"line": {"width": 0}}, **settings}


def _axis_time(start_ms: int) -> str | int:
    """A value for plotly's date axis: ISO 8601, or the number itself outside the calendar."""
    try:
        return datetime.fromtimestamp(start_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return start_ms
