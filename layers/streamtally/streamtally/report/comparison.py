"""Two periods side by side: their totals, and the entries of lists that changed most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from streamtally.report.chart_sections import status_chart
from streamtally.report.data import ComparedList, ReportData, TopList
from streamtally.report.steps import status_class, subject
from streamtally.report.texts import say
from streamtally.report.units import size_text, time_text
from streamtally.report.view import Component, Digits, Section, Table, Value, note, section, table

_MINUS: Final = "\N{MINUS SIGN}"


def compare_lists(these: Mapping[str, TopList], others: Mapping[str, TopList], limit: int) -> tuple[ComparedList, ...]:
    """The entries that differ most.

    Args:
        these: key of the heading → all known entries of the list, of this period.
        others: the same of the other period.
        limit: entries of each list.
    """
    compared = []
    for kind, this in these.items():
        ours, theirs = dict(this.entries), dict(others[kind].entries)
        texts = [*dict.fromkeys([*list(ours)[:limit], *list(theirs)[:limit]])]
        # A text that an inexact list does not know is not 0 there.
        texts = [
            text for text in texts if (text in ours or not this.error) and (text in theirs or not others[kind].error)
        ]
        entries = [(text, ours.get(text, 0), theirs.get(text, 0)) for text in texts]
        entries.sort(key=lambda entry: (-abs(entry[1] - entry[2]), entry[0]))
        compared.append(ComparedList(kind, entries[:limit], max(this.error, others[kind].error)))
    return tuple(compared)


def comparison_section(data: ReportData, other: ReportData) -> Section:
    """The section of the page."""
    rows = [(name, Digits(this), Digits(that), Digits(change)) for name, this, that, change in _measures(data, other)]
    columns = [say(f"column.{name}") for name in ("measure", "this", "other", "change")]
    parts: list[Component] = [table(say("compared.caption"), columns, rows)]
    if other.status_by_minute:
        parts += [note(say("compared.note")), status_chart(other)]
    for compared in data.compared_lists:
        if compared.entries:
            parts.append(_list_table(compared, columns))
    return section(say("compared", subject=subject(other)), *parts)


def _list_table(compared: ComparedList, columns: list[str]) -> Table:
    rows: list[tuple[Value, ...]] = [
        (text, this, that, Digits(_change(this, that))) for text, this, that in compared.entries
    ]
    exact = say("inexact", error=compared.error) if compared.error else say("compared.exact")
    caption = f"{say('compared.list', heading=say(compared.kind))}. {exact}"
    return table(caption, [say("column.text"), *columns[1:]], rows)


def _measures(data: ReportData, other: ReportData) -> Iterator[tuple[str, str, str, str]]:
    yield _measure(say("tile.rows"), data.rows, other.rows)
    kinds, other_kinds = _classes(data), _classes(other)
    for kind in sorted({*kinds, *other_kinds}):
        yield _measure(kind, kinds.get(kind, 0), other_kinds.get(kind, 0))
    yield _measure(say("tile.unparsed"), data.unparsed, other.unparsed)
    if data.visitors or other.visitors:
        counts = [sum(day.visitors for day in period.visitors) for period in (data, other)]
        yield _measure(say("tile.visitors"), counts[0], counts[1])
    sizes = [sum(size for _, size in period.bytes_by_minute) for period in (data, other)]
    if any(sizes):
        yield say("bytes"), size_text(sizes[0]), size_text(sizes[1]), _change(sizes[0], sizes[1])
    this, that = data.response_times.all, other.response_times.all
    if this is not None and that is not None:
        for name in ("p50", "p90", "p99"):
            ours, theirs = getattr(this, f"{name}_us"), getattr(that, f"{name}_us")
            yield name, time_text(ours), time_text(theirs), _change(ours, theirs)


def _measure(name: str, this: int, that: int) -> tuple[str, str, str, str]:
    return name, f"{this:,}", f"{that:,}", _change(this, that)


def _classes(data: ReportData) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, status, rows in data.status_by_minute:
        kind = status_class(status)
        counts[kind] = counts.get(kind, 0) + rows
    return counts


def _change(this: int, that: int) -> str:
    """``+25.0 %`` of the other period's; the difference, where that is 0."""
    if this == that:
        return "0 %"
    sign = "+" if this > that else _MINUS
    return f"{sign}{100 * abs(this - that) / that:,.1f} %" if that else f"{sign}{abs(this - that):,}"
