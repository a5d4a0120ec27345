"""The page that the endpoint shows a browser: how many lines arrived, what became of them, and the latest counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from streamtally.text import visible
from streamtally.transform.ledger import Ledger

REFRESH_SECONDS = 3
MAX_ROWS = 60
MAX_REASONS = 10
SHOWN_COUNTERS = (
    "IncomingRecords",
    "IncomingBytes",
    "SucceedProcessing.Records",
    "DeliveryToS3.Records",
    "DeliveryToAmazonOpenSearchService.Records",
    "BackupToS3.Records",
)
_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{text-align:left;padding:.15rem 1.2rem .15rem 0}
td.n{text-align:right;font-variant-numeric:tabular-nums}th{border-bottom:1px solid #999;font-weight:600}
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}}"""


def status_page(
    counters: Mapping[str, Mapping[str, float]], documents: Sequence[Mapping[str, Any]], ledger: Ledger | None
) -> str:
    """The page as HTML. Log lines are hostile, so everything in it is escaped.

    Args:
        counters: by stream.
        documents: latest last.
        ledger: None if it is not known.
    """
    names = [name for name in SHOWN_COUNTERS if any(name in counter for counter in counters.values())]
    # One column per stream: the counters' names are too long for column heads.
    streams = _table(
        ["", *counters], [[name, *(counter.get(name, 0) for counter in counters.values())] for name in names]
    )
    parts = ["<h1>Streamtally, simulated Firehose</h1>", streams]
    if ledger is not None:
        parts += ["<h2>Lines since the start</h2>", _ledger_tables(ledger)]
    columns = list(dict.fromkeys(name for document in documents for name in document))
    rows = [[document.get(name) for name in columns] for document in reversed(documents[-MAX_ROWS:])]
    parts += ["<h2>Latest counts</h2>", _table(columns, rows) if rows else "<p>No counts yet.</p>"]
    parts.append('<p>As JSON: <a href="/counts">/counts</a>, <a href="/ledger">/ledger</a>.</p>')
    head = f'<meta charset="utf-8"><meta http-equiv="refresh" content="{REFRESH_SECONDS}"><title>Streamtally</title>'
    return (
        f'<!DOCTYPE html><html lang="en"><head>{head}<style>{_STYLE}</style></head><body>{"".join(parts)}</body></html>'
    )


def _ledger_tables(ledger: Ledger) -> str:
    counts = ledger.line_classes()
    classes = _table(list(counts), [list(counts.values())])
    reasons = ledger.reasons + sum((output.reasons for output in ledger.outputs.values()), start=type(ledger.reasons)())
    if not reasons:
        return classes
    return classes + _table(["reason", "lines"], [list(entry) for entry in reasons.most_common(MAX_REASONS)])


def _table(head: Iterable[str], rows: Iterable[Sequence[Any]]) -> str:
    top = "".join(f"<th>{_text(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _cell(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f'<td class="n">{value:,.10g}</td>' if is_number else f"<td>{_text('' if value is None else value)}</td>"


def _text(value: Any) -> str:
    return escape(visible(str(value), 200))
