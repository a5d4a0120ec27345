"""The pieces of the page: escaped text, tables, sections. Every text of a log passes through :func:`text`."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from streamtally.text import visible

MAX_TEXT_CHARS = 1000

Cell = str | int | float
"""A text, a count, or a percentage."""


class Digits(str):
    """A number that is shown as it is written, without separators."""

    __slots__ = ()


def text(value: str, limit: int = MAX_TEXT_CHARS) -> str:
    """A text for the page: control characters written out, cut to ``limit`` characters, escaped."""
    return escape(visible(value, limit))


def section(heading: str, *parts: str, follows: str = "") -> str:
    """A section.

    Args:
        heading: plain text.
        parts: HTML.
        follows: how its numbers follow a selection; empty: they are always those of the whole log.
    """
    attribute = f' data-follows="{follows}"' if follows else ""
    return f"<section{attribute}><h2>{text(heading)}</h2>{''.join(parts)}</section>"


def details(summary: str, part: str) -> str:
    """HTML that is closed at first."""
    return f"<details><summary>{text(summary)}</summary>{part}</details>"


def note(words: str) -> str:
    """A paragraph beside a chart."""
    return f'<p class="soft">{text(words)}</p>'


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], label: str = "") -> str:
    """A table with integers right-aligned. A column is one of numbers if its first cell is.

    Args: label: the name of its region for a screen reader, unique on the page; the caption if it is empty.
    """
    return _table(caption, columns, rows, ["".join(map(_cell, row)) for row in rows], label=label)


def bar_table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    sizes: Sequence[int],
    shown: int | None = None,
) -> str:
    """A table that is its own chart: a bar under the first cell of each row, which is a text.

    Args:
        sizes: what the bar of each row stands for; the greatest is as wide as the cell.
        shown: how many rows are shown until there is a selection; None: all.
    """
    greatest = max(sizes, default=0)
    body = [
        f'<td class="text">{text(str(row[0]))}{_bar(size, greatest)}</td>{"".join(map(_cell, row[1:]))}'
        for row, size in zip(rows, sizes, strict=True)
    ]
    return _table(caption, columns, rows, body, "list", shown=shown)


def _bar(size: int, greatest: int) -> str:
    share = 100 * size / greatest if greatest > 0 else 0
    # The number is in the row, so the bar says nothing to a screen reader.
    return f'<svg class="bar" aria-hidden="true"><rect width="{share:.1f}%" height="100%"/></svg>'


def _table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    body: Sequence[str],
    kind: str = "scroll",
    label: str = "",
    shown: int | None = None,
) -> str:
    kinds = ["number" if isinstance(cell, int | float | Digits) else "text" for cell in (rows[0] if rows else columns)]
    head = "".join(
        f'<th scope="col"{" class=number" if kind == "number" else ""}>{text(name)}</th>'
        for name, kind in zip(columns, kinds, strict=True)
    )
    shown = len(body) if shown is None else shown
    cells = "".join(f"<tr{'' if index < shown else ' hidden'}>{row}</tr>" for index, row in enumerate(body))
    return (
        f'<div class="{kind}" tabindex="0" role="region" aria-label="{text(label or caption)}"><table>'
        f"<caption>{text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table></div>"
    )


def _cell(value: Cell) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    if isinstance(value, float):
        return f'<td class="number">{value:.1f} %</td>'
    return f'<td class="{"number" if isinstance(value, Digits) else "text"}">{text(value)}</td>'
