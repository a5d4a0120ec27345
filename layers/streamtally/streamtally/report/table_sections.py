"""The sections of the page that are tables: top lists, outputs, lines that did not parse, the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from streamtally.report.data import LastDocuments, OutputCounts, ReportData, TopList
from streamtally.report.texts import say
from streamtally.report.view import Component, Digits, Paragraph, Section, Table, Value, bar_table, note, section, table

_AGENT_LISTS: Final = (("browser", "browsers"), ("system", "systems"), ("bot", "bots"))


def top_section(data: ReportData, name: str, column: str, heading: str, words: str = "") -> Section:
    """The most frequent texts of a field.

    Args:
        name: the field of the data.
        column, heading: keys of texts.
        words: before whether it is exact.
    """
    top: TopList = getattr(data, name)
    cells = data.selection.lists.get(name) if data.selection is not None else None
    entries = cells.entries if cells is not None else top.entries
    exact = f"{words} {say('inexact', error=top.error) if top.error else say('exact')}".strip()
    rows = [(entry, count, 100 * count / max(top.total, 1)) for entry, count in entries]
    columns = (say(f"column.{column}"), say("column.rows"), say("column.share"))
    caption = say("top.caption", heading=say(heading), total=top.total)
    bars = bar_table(caption, columns, rows, [count for _, count in entries], len(top.entries))
    return section(say(heading), note(exact), bars, follows=f"list:{name}")


def errors_section(data: ReportData) -> Section:
    """The paths with the most errors."""
    tops = (data.not_found, data.client_errors, data.server_errors, data.top_paths, data.static_files)
    error = max(top.error for top in tops)
    rows = [
        (entry.path, entry.client, entry.server, entry.rows, 100 * (entry.client + entry.server) / max(entry.rows, 1))
        for entry in data.path_errors
    ]
    columns = (say("column.path"), "4xx", "5xx", say("column.rows"), say("column.failed"))
    words = f"{say('path_errors.note')} {say('inexact', error=error) if error else say('exact')}"
    return section(say("path_errors"), note(words), table(say("path_errors.caption"), columns, rows))


def agent_sections(data: ReportData) -> list[Section]:
    """Browsers, systems and bots."""
    words = say("agents.note")
    if data.unknown_agents:
        words += " " + say("agents.unknown", count=data.unknown_agents)
    if data.unseen_agents:
        words += " " + say("agents.unseen", count=data.unseen_agents)
    shown = [(column, name) for column, name in _AGENT_LISTS if getattr(data, name).entries]
    if data.unseen_agents and not shown:
        return [section(say("browsers"), note(words))]
    return [top_section(data, name, column, name, words) for column, name in shown]


def country_section(data: ReportData) -> Section:
    """Countries by the addresses of the clients."""
    words = say("countries.note")
    if data.unknown_countries:
        words += " " + say("countries.unknown", count=data.unknown_countries)
    if not data.countries.entries:
        return section(say("countries"), note(say("countries.none")))
    return top_section(data, "countries", "country", "countries", words)


def output_section(number: int, output: LastDocuments) -> Section:
    """An output's newest documents. Args: number: the output's place on the page."""
    rows = [tuple(map(_value, row)) for row in output.rows]
    is_cut = output.total > len(rows)
    caption = say("output.last", count=len(rows), total=output.total) if is_cut else say("output.all")
    heading = say("output", name=output.name)
    # Outputs have the same caption; so a number tells their regions apart. No attribute has text of a log.
    label = f"{say('output', name=number)}: {caption}"
    return section(heading, table(caption, output.columns, rows[::-1], label))


def _value(value: Any) -> Value:
    """A document's value as JSON has it. Numbers are not grouped: they may be codes, years or times."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Digits(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def unparsed_section(data: ReportData) -> Section:
    """Examples of lines that did not parse."""
    if not data.unparsed_lines:
        words = say("unparsed.some", count=data.unparsed) if data.unparsed else say("unparsed.none")
        return section(say("unparsed"), Paragraph(words))
    rows = [(line.file, line.line_number, line.reason, line.text) for line in data.unparsed_lines]
    columns = [say(f"column.{name}") for name in ("file", "line", "reason", "text")]
    return section(say("unparsed"), table(say("unparsed.caption", count=len(rows), total=data.unparsed), columns, rows))


def ledger_section(data: ReportData) -> Section:
    """Every line in one class, and for each output where the rows went."""
    kind, words = ("good", "ledger.balances") if data.balances else ("bad", "ledger.broken")
    row = (data.lines, data.rows, data.unparsed, data.empty, data.failed, data.reingested)
    parts: list[Component] = [
        Paragraph(say(words), kind),
        table(say("ledger.lines"), say("ledger.lines.columns").split("|"), [row]),
    ]
    if data.outputs:
        outputs = [
            (output.name, output.rows, output.emitted, output.filtered, output.eval_failed, output.out_of_range)
            for output in data.outputs
        ]
        parts.append(table(say("ledger.outputs"), say("ledger.outputs.columns").split("|"), outputs))
        parts += _reasons(data.outputs)
    return section(say("ledger"), *parts)


def _reasons(outputs: Sequence[OutputCounts]) -> list[Table]:
    rows = [(output.name, reason, count) for output in outputs for reason, count in output.reasons]
    columns = [say(f"column.{name}") for name in ("output", "reason", "rows")]
    return [table(say("ledger.reasons"), columns, rows)] if rows else []
