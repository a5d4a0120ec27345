"""What the endpoint shows a browser: the latest counts, what became of the lines, the last of them, the streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streamtally.local.live.tap import Tap
from streamtally.report.markup import Cell, Digits, note, section, table
from streamtally.text import visible
from streamtally.transform.ledger import Ledger

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


def status_page(
    counters: Mapping[str, Mapping[str, float]],
    documents: Sequence[Mapping[str, Any]],
    ledger: Ledger | None,
    tap: Tap | None = None,
    filter_text: str = "",
) -> str:
    """The page's sections as HTML. Log lines are hostile, so everything in it is escaped.

    Args:
        counters: by stream.
        documents: settled counts, latest last.
        ledger: None if it is not known.
        filter_text: what the lines and documents of the tap contain.
    """
    parts = [_counts(documents)]
    if ledger is not None:
        parts.append(_ledger(ledger))
    if tap is not None:
        words = f' with "{visible(filter_text, 60)}"' if filter_text else ""
        parts.append(_tapped(f"Last lines in{words}", "line", tap.lines(filter_text)))
        parts.append(_tapped(f"Last documents out{words}", "document", tap.documents(filter_text)))
    return "\n".join([*parts, _streams(counters)])


def _counts(documents: Sequence[Mapping[str, Any]]) -> str:
    if not documents:
        return section("Latest counts", note("No counts yet."))
    columns = list(dict.fromkeys(name for document in documents for name in document))
    rows = [[_cell(document.get(name)) for name in columns] for document in reversed(documents[-MAX_ROWS:])]
    return section("Latest counts", table("Settled, the newest first; as JSON: /counts", columns, rows))


def _ledger(ledger: Ledger) -> str:
    classes = ledger.line_classes()
    parts = [table("As JSON: /ledger", list(classes), [list(classes.values())])]
    reasons = ledger.reasons + sum((output.reasons for output in ledger.outputs.values()), start=type(ledger.reasons)())
    if reasons:
        rows = [(reason, count) for reason, count in reasons.most_common(MAX_REASONS)]
        parts.append(table("Why lines were not counted", ("reason", "lines"), rows))
    return section("Lines since the start", *parts)


def _tapped(heading: str, column: str, entries: Sequence[tuple[str, str]]) -> str:
    if not entries:
        return section(heading, note("None."))
    return section(heading, table("The newest first", ("stream", column), entries, f"{heading}: the newest first"))


def _streams(counters: Mapping[str, Mapping[str, float]]) -> str:
    # One column per stream: the counters' names are too long for column heads.
    names = [name for name in SHOWN_COUNTERS if any(name in counter for counter in counters.values())]
    rows: list[list[Cell]] = [[name, *(int(counter.get(name, 0)) for counter in counters.values())] for name in names]
    return section("Delivery streams", table("Since the start; as JSON: this address", ["counter", *counters], rows))


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return value if isinstance(value, int) else Digits(f"{value:,.10g}")
