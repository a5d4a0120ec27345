"""The result of ``streamtally run``: one JSON object, or tables on the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamtally.cli.shared.console import Console
from streamtally.cli.shared.run_output import PARTS
from streamtally.cli.shared.uncounted import counted_json, streams_of
from streamtally.local.plain_json import json_texts, last_of, plain_documents
from streamtally.local.store import DuckDbStore
from streamtally.report.chart import (
    counts_table,
    ledger_table,
    minutes_chart,
    outputs_table,
    reasons_table,
    unparsed_table,
)
from streamtally.report.data import LastDocuments, ReportData, TopList
from streamtally.report.saved import encode_report, report_json
from streamtally.text import visible
from streamtally.transform.ledger import KERNEL, PYTHON, Ledger
from streamtally.transform.output_writer import Output
from streamtally.transform.pipeline import Pipeline

if TYPE_CHECKING:
    from streamtally.local.by_program import ByProgram
    from streamtally.local.opensearch_store import OpenSearchStore

MAX_TABLE_ROWS = 30


def print_result(
    ledger: Ledger,
    pipeline: Pipeline,
    store: DuckDbStore | OpenSearchStore,
    by: ByProgram | None,
    report: ReportData | None = None,
) -> None:
    """Print the result as one JSON object, document by document: a row output may have any number of them.

    ``batches`` says how many of them the native kernel has read, and how many Python; both give the same counts.
    ``counted`` says what became of the rows in each output, and ``reasons`` why lines did not become rows. An output
    that several pumps fill has one entry: its rows have one fate by each.

    Args:
        by: what ``--by`` stands for.
        report: what the page shows; its documents are in ``outputs`` already. None: there is no page.
    """
    counts: dict[str, Any] = {**ledger.line_classes()}
    if not isinstance(store, DuckDbStore):
        counts |= {"left_out": store.left_out, "notes": store.notes, "problems": store.problems}
    counts["batches"] = {way: ledger.ways[way] for way in (KERNEL, PYTHON)}
    streams = streams_of(pipeline)
    counts |= counted_json(ledger, pipeline)
    if by is not None:
        counts |= {"sql": by.sql, "definition": by.definition}
    if report is not None:
        counts["report"] = report_json(replace(report, last_documents=()))
    write = sys.stdout.write
    write(json.dumps(counts)[:-1] + ', "outputs": {')
    for index, (stream, names) in enumerate(streams.items()):
        write(f"{', ' if index else ''}{json.dumps(stream)}: [")
        separator = ""
        for text in chain.from_iterable(_json_documents(store, pipeline.outputs[name]) for name in names):
            write(separator + text)
            separator = ", "
        write("]")
    write("}}\n")


def _json_documents(store: DuckDbStore | OpenSearchStore, output: Output) -> Iterator[str]:
    return store.json_documents(output) if isinstance(store, DuckDbStore) else json_texts(store.documents(output))


def keep_report(store: DuckDbStore, data: ReportData) -> None:
    """Keep what the page shows in the run's DuckDB file."""
    lists = (
        (field.name, visible(text, 1000), count)
        for field in fields(data)
        if isinstance(top := getattr(data, field.name), TopList)
        for text, count in top.entries
    )
    minutes = (
        (start, status if isinstance(status, str) else str(status or ""), rows)
        for start, status, rows in sorted(data.status_by_minute, key=lambda minute: (minute[0], str(minute[1])))
    )
    store.keep_report(encode_report(data), lists, minutes)


def last_documents(name: str, store: DuckDbStore | OpenSearchStore, output: Output) -> LastDocuments:
    """The documents that an output's table has room for, and how many there are."""
    if isinstance(store, DuckDbStore):
        last, total = store.last_documents(output, MAX_TABLE_ROWS)
    else:
        last, total = last_of(store.documents(output), MAX_TABLE_ROWS)
    rows = plain_documents(last)
    return LastDocuments(name, list(rows[0]) if rows else [], [list(row.values()) for row in rows], total)


def show_result(
    console: Console, data: ReportData, outputs: Sequence[LastDocuments], out: Path, by: ByProgram | None
) -> None:
    """Print the chart, then tables. An output without documents has no table of its own; the ledger lists it."""
    ascii_only = not console.encoding.lower().startswith("utf")
    console.print(minutes_chart(data.status_by_minute, console.width, ascii_only=ascii_only))
    for output in [output for output in outputs if output.total]:
        title = (
            output.name
            if output.total <= len(output.rows)
            else f"{output.name}: the last {len(output.rows)} of {output.total:,}"
        )
        console.print(counts_table(title, output.columns, output.rows, max_rows=MAX_TABLE_ROWS, ascii_only=ascii_only))
    console.print(ledger_table(data, ascii_only=ascii_only))
    console.print(outputs_table(data.outputs, ascii_only=ascii_only))
    if any(output.reasons for output in data.outputs):
        console.print(reasons_table(data.outputs, ascii_only=ascii_only))
    if data.unparsed_lines:
        missing = data.unparsed + data.failed
        console.print(unparsed_table(data.unparsed_lines[:10], missing, console.width, ascii_only=ascii_only))
    if by is not None:
        _show_program(console, by)
    for part in [part for part in PARTS if (out / part).exists()]:
        console.print(f"{out / part}", highlight=False, soft_wrap=True, markup=False)


def _show_program(console: Console, by: ByProgram) -> None:
    """Print the two files of a pipeline folder that counts the same."""
    for name, text in (("by.sql", by.sql), ("pipeline.toml", by.definition)):
        shown = "\n".join(visible(line) for line in text.splitlines())
        console.print(f"{name}:\n\n{shown}\n", highlight=False, soft_wrap=True, markup=False)
