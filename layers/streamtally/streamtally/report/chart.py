"""For the terminal: a chart of the minutes by class of status or level, and tables. Hostile lines are made safe."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from streamtally.report.data import MinuteCount, OutputCounts, ReportData, UnparsedLine
from streamtally.report.steps import Steps, step_name, time_label, to_steps
from streamtally.text import visible

MAX_ROWS: Final = 20
_STYLES: Final = {"2xx": "cyan", "3xx": "blue", "4xx": "yellow", "5xx": "bold red", "1xx": "white", "other": "magenta"}
_LEVEL_OF: Final = {"info": "2xx", "debug": "3xx", "warning": "4xx", "error": "5xx"}
"""Level → the class with the same colour and glyph; a chart has mostly either."""
# The glyphs differ too, because colours may be missing or look alike.
_BLOCKS: Final = {"2xx": "█", "3xx": "▓", "4xx": "▒", "5xx": "▚", "1xx": "░", "other": "?"}
_ASCII: Final = {"2xx": "#", "3xx": "=", "4xx": "+", "5xx": "!", "1xx": "-", "other": "?"}


def _look(kind: str) -> str:
    return _LEVEL_OF.get(kind, kind)


def minutes_chart(minutes: Collection[MinuteCount], width: int, *, ascii_only: bool = False) -> Text:
    """A bar for each time step, divided by class of status or level: at most 20, ``width`` columns wide."""
    steps = to_steps(minutes, MAX_ROWS)
    chart = Text(no_wrap=True, overflow="crop")
    if not steps.starts:
        return chart.append("no rows to draw")
    glyphs = _ASCII if ascii_only else _BLOCKS
    totals = [steps.total(index) for index in range(len(steps.starts))]
    digits = max(len(f"{total:,}") for total in totals)
    room = max(width - len(time_label(steps.starts[0])) - digits - 4, 8)
    chart.append(f"rows per {step_name(steps.step_ms)} (UTC)  ")
    for kind in steps.counts:
        chart.append(f"{glyphs[_look(kind)]} {kind}  ", style=_STYLES[_look(kind)])
    for index, start in enumerate(steps.starts):
        chart.append(f"\n{time_label(start)}  ").append(f"{totals[index]:>{digits},}  ")
        for kind, cells in _cells(steps, index, room, max(totals)):
            chart.append(glyphs[_look(kind)] * cells, style=_STYLES[_look(kind)])
    return chart


def _cells(steps: Steps, index: int, room: int, greatest: int) -> list[tuple[str, int]]:
    """How many cells each class of a step gets: by share, but at least one, so that a single 5xx is visible."""
    counts = [(kind, totals[index]) for kind, totals in steps.counts.items() if totals[index] > 0]
    total = sum(count for _, count in counts)
    whole = max(min(round(total * room / max(greatest, 1)), room), len(counts))
    spare = whole - len(counts)
    cells = {kind: 1 + spare * count // max(total, 1) for kind, count in counts}
    if counts:
        # The remainder of rounding down goes to the largest class, where it matters least.
        cells[max(counts, key=lambda entry: entry[1])[0]] += whole - sum(cells.values())
    return list(cells.items())


def counts_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    max_rows: int = 30,
    ascii_only: bool = False,
) -> Table:
    """A table of documents: numbers right-aligned, texts made safe, at most the last ``max_rows`` rows."""
    table = _table(title, ascii_only)
    shown = rows[-max_rows:]
    for index, name in enumerate(columns):
        numeric = bool(shown) and all(isinstance(row[index], int | float | None) for row in shown)
        table.add_column(_safe(name, ascii_only), justify="right" if numeric else "left", overflow="fold")
    for row in shown:
        table.add_row(*(_safe(value, ascii_only) for value in row))
    if len(rows) > len(shown):
        table.caption = Text(f"the last {len(shown):,} of {len(rows):,}")
    return table


def ledger_table(data: ReportData, *, ascii_only: bool = False) -> Table:
    """The run's ledger: each line in exactly one class."""
    table = _table("lines", ascii_only)
    counts = {"lines": data.lines, "rows": data.rows, "unparsed": data.unparsed, "empty": data.empty}
    counts |= {"failed": data.failed, "re-ingested": data.reingested}
    for name in counts:
        table.add_column(name, justify="right", overflow="fold")
    table.add_row(*(f"{count:,}" for count in counts.values()))
    if not data.balances:
        table.caption = Text("does not balance: lines is not the sum of the other columns", style="bold red")
    return table


def outputs_table(outputs: Sequence[OutputCounts], *, ascii_only: bool = False) -> Table:
    """Each output's ledger: where the rows went."""
    table = _table("rows by output", ascii_only)
    for name in ("output", "rows", "emitted", "filtered", "eval failed", "out of range"):
        table.add_column(name, justify="left" if name == "output" else "right", overflow="fold")
    for output in outputs:
        counts = (output.rows, output.emitted, output.filtered, output.eval_failed, output.out_of_range)
        table.add_row(_safe(output.name, ascii_only), *(f"{count:,}" for count in counts))
    return table


def reasons_table(outputs: Sequence[OutputCounts], *, ascii_only: bool = False) -> Table:
    """Why rows could not be evaluated, by output."""
    table = _table("not evaluated", ascii_only)
    for name in ("output", "reason", "rows"):
        table.add_column(name, justify="right" if name == "rows" else "left", overflow="fold")
    for output in outputs:
        for reason, rows in output.reasons:
            table.add_row(_safe(output.name, ascii_only), _safe(reason, ascii_only), f"{rows:,}")
    return table


def unparsed_table(lines: Sequence[UnparsedLine], total: int, width: int, *, ascii_only: bool = False) -> Table:
    """Lines that did not parse: where and why, and on the next row the line, cut to the terminal's width."""
    table = _table("did not parse", ascii_only)
    table.show_header = False
    table.add_column("line", no_wrap=True, overflow="crop")
    for line in lines:
        where = _safe(
            f"{line.file.rpartition('/')[2]}:{line.line_number}: {line.reason}", ascii_only, max(width - 4, 20)
        )
        text = _safe(line.text, ascii_only, max(width - 8, 20))
        table.add_row(where)
        table.add_row(Text("  ").append(text), style="dim")
    if total > len(lines):
        table.caption = Text(f"{len(lines):,} of {total:,}")
    return table


def _table(title: str, ascii_only: bool) -> Table:
    return Table(title=title, title_justify="left", box=box.ASCII if ascii_only else box.SIMPLE_HEAD)


def _safe(value: object, ascii_only: bool, limit: int = 500) -> Text:
    """A cell, as Text so that rich reads no markup in it; None is shown as ``null``."""
    if value is None:
        return Text("null", style="dim")
    if isinstance(value, int) and not isinstance(value, bool):
        return Text(str(value))
    return Text(visible(str(value), limit, ascii_only=ascii_only))
