"""Every text of the page that a reader sees, by key. What comes from a log is never in here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from streamtally.errors import SettingsError
from streamtally.report.japanese import JAPANESE
from streamtally.text import visible

ENGLISH: Final[Mapping[str, str]] = {
    "title": "Streamtally: {subject}",
    "more_logs": "{subject} and {count} more",
    "period": "{subject}, {first} to {last}",
    "moment": "{subject}, {first}",
    "generated": "Generated {time}",
    "from": " from {logs}",
    "pipeline": "; pipeline: {name}",
    "footer": "Times are in UTC. This page is self-contained and loads nothing.",
    "table": "As a table",
    "exact": "Exact counts.",
    "inexact": "Too many distinct values to count exactly: a count may be up to {error:,} too high.",
    # Units of time.
    "minute": "minute",
    "minutes": "{count} minutes",
    "hour": "hour",
    "hours": "{count} hours",
    "day": "day",
    "days": "{count} days",
    "weekdays": "Mon Tue Wed Thu Fri Sat Sun",
    # Tiles.
    "tile.lines": "lines read",
    "tile.rows": "rows",
    "tile.visitors": "visitors, by day",
    "tile.bytes": "sent",
    "tile.p50": "median response time",
    "tile.p99": "99 % took no longer",
    "tile.unparsed": "did not parse",
    "tile.empty": "empty",
    "tile.failed": "failed",
    "tile.reingested": "re-ingested",
    # Columns.
    "column.from": "from",
    "column.rows": "rows",
    "column.share": "share",
    "column.path": "path",
    "column.file": "file",
    "column.query": "query",
    "column.request": "request",
    "column.method": "method",
    "column.protocol": "protocol",
    "column.host": "host",
    "column.agent": "agent",
    "column.site": "site",
    "column.vhost": "virtual host",
    "column.browser": "browser",
    "column.system": "system",
    "column.bot": "bot",
    "column.country": "country",
    "column.size": "size",
    "column.bytes": "bytes",
    "column.visitors": "visitors",
    "column.day": "day",
    "column.counted": "counted",
    "column.hour": "hour",
    "column.total": "in all",
    "column.line": "line",
    "column.reason": "reason",
    "column.text": "text",
    "column.output": "output",
    # Statuses and levels over time.
    "status": "Status classes over time",
    "level": "Levels over time",
    "status.label": "Rows over time, by status class. {summary}. The numbers are in the table below.",
    "level.label": "Rows over time, by level. {summary}. The numbers are in the table below.",
    "rows_per": "Rows per {step} (UTC)",
    "rows_per.note": "Rows per {step} (UTC).",
    # Visitors.
    "visitors": "Unique visitors",
    "visitors.note": "An address with its user agent is one visitor a day (UTC). Exact up to 10,000 a day.",
    "visitors.about": "Days with more are estimated (HyperLogLog, standard error 0.8 %).",
    "visitors.label": "Unique visitors by day, {count:,} in all. The numbers are in the table below.",
    "visitors.caption": "Unique visitors by day (UTC)",
    "visitors.exact": "exactly",
    "visitors.estimated": "estimated",
    # Bandwidth.
    "bytes": "Bandwidth",
    "bytes.note": "Bytes of the responses per {step} (UTC).",
    "bytes.label": "Bytes of the responses over time, {size} in all. The numbers are in the table below.",
    "bytes.caption": "Bytes of the responses per {step} (UTC)",
    "path_bytes": "Bandwidth by path",
    "path_bytes.caption": "Bandwidth by path, of {size}",
    "path_bytes.inexact": "Too many paths to count exactly: a size may be up to {size} too high.",
    # Response times.
    "times": "Response times",
    "times.note": "Percentiles per {step} (UTC), exact to three digits. p99: 99 % of the requests took no longer.",
    "times.label": (
        "Response times over time. Of all: p50 {p50}, p90 {p90}, p99 {p99}. The numbers are in the table below."
    ),
    "times.caption": "Response times per {step} (UTC)",
    "path_times": "Response times by path",
    "path_times.note": "The paths that took the most time in all. Exact to three digits.",
    "path_times.left_out": "There are too many paths; rare ones are left out.",
    "path_times.caption": "Response times by path",
    "unknown_units": (
        "The unit of {fields} is not known, so its times are not shown. Give it with --duration-unit s, ms, us or ns."
    ),
    # Top lists.
    "paths": "Paths, without the query",
    "static_files": "Static files",
    "queries": "Queries",
    "not_found": "Not found (404)",
    "client_errors": "Other client errors (4xx) by path",
    "server_errors": "Server errors (5xx) by path",
    "path_errors": "Errors by path",
    "path_errors.note": "The paths with the most 4xx and 5xx; the share is that of the path's own rows.",
    "path_errors.caption": "Errors by path, most first",
    "column.failed": "share failed",
    "requests": "Top requests",
    "methods": "Methods",
    "protocols": "Protocols",
    "hosts": "Top hosts",
    "agents": "Top agents",
    "sites": "Referring sites",
    "vhosts": "Virtual hosts",
    "browsers": "Browsers and tools",
    "systems": "Operating systems",
    "bots": "Bots",
    "countries": "Countries",
    "agents.note": "By the user agents that are known to the ua-parser project; bots are apart.",
    "agents.unknown": "{count:,} rows have an agent without a known name.",
    "agents.unseen": "{count:,} rows have agents that were not looked at: the 1,000 most frequent are.",
    "countries.note": "By the addresses of the clients.",
    "countries.none": "The file has no country for any client.",
    "countries.unknown": "{count:,} rows have a client that was not found, or that is too rare to be looked up.",
    "top.caption": "{heading}, of {total:,} rows",
    # Hours and weekdays.
    "hours_grid": "Hours and weekdays",
    "hours_grid.note": "All rows of the period (UTC); a weekday that is in it more often has more.",
    "hours_grid.label": "Rows by weekday and hour. The numbers are in the table below.",
    "hours_grid.caption": "Rows by hour and weekday (UTC)",
    # A selection. The script fills the values in.
    "selection.hint": (
        "Drag across the chart, or move its two handles with the arrow keys, to select a time; press a class in the "
        "legend. The page follows."
    ),
    "selection.is": "Selection: {what}: {rows} of {total} rows.",
    "selection.span": "{from} to {to}",
    "selection.none": "No selection: the whole log.",
    "selection.clear": "Clear",
    "selection.start": "Start of the selection",
    "selection.end": "End of the selection",
    "selection.whole": "Of the whole log: this part does not follow the selection.",
    "selection.tile": "(whole log)",
    "selection.rows": "{count} rows",
    "selection.exact": "Exact counts, of the selection.",
    "selection.some": (
        "Exact counts, of the selection. Listed are those of the {count} most frequent of the whole log; others may be "
        "more frequent in the selection."
    ),
    "selection.missing": "Of some entries not every row's time is known: a count may be up to {count} too low.",
    "selection.empty": "None of them is in the selection.",
    "selection.caption": "{heading}, of {total} in the selection",
    "selection.hours": "Rows of the selection (UTC).",
    "selection.bytes": "Bytes of the responses of the selection per {step} (UTC).",
    "selection.times": "Percentiles of the selection per {step} (UTC), exact to two digits.",
    # Two periods.
    "compared": "Compared with {subject}",
    "compared.caption": "This log and the other one",
    "compared.list": "{heading}: what changed most",
    "compared.exact": "The most frequent of both, by how much they changed.",
    "compared.note": "The chart is that of the other log; that of this one is above.",
    "column.measure": "measure",
    "column.this": "this log",
    "column.other": "other log",
    "column.change": "change",
    # Outputs.
    "output": "Output {name}",
    "output.last": "The last {count:,} of {total:,} documents",
    "output.all": "All documents",
    # What did not parse.
    "unparsed": "What did not parse",
    "unparsed.none": "Every line parsed.",
    "unparsed.some": "{count:,} lines did not parse.",
    "unparsed.caption": "{count:,} of {total:,} lines",
    # The ledger.
    "ledger": "Ledger",
    "ledger.balances": "The ledger balances: each line is in exactly one class.",
    "ledger.broken": "The ledger does not balance: lines is not the sum of the other classes.",
    "ledger.lines": "lines = rows + unparsed + empty + failed + re-ingested",
    "ledger.lines.columns": "lines|rows|unparsed|empty|failed|re-ingested",
    "ledger.outputs": "rows = emitted + filtered + eval failed + out of range",
    "ledger.outputs.columns": "output|rows|emitted|filtered|eval failed|out of range",
    "ledger.reasons": "why rows were not evaluated",
}

LANGUAGES: Final[Mapping[str, Mapping[str, str]]] = {"en": ENGLISH, "ja": JAPANESE}
"""Language, as in HTML's ``lang`` → its texts."""

_language: Final[ContextVar[str]] = ContextVar("language", default="en")


def say(key: str, **values: object) -> str:
    """A text with its values filled in; it is not escaped."""
    return LANGUAGES[_language.get()][key].format(**values)


def language() -> str:
    """The language in which :func:`say` answers: a key of :data:`LANGUAGES`."""
    return _language.get()


def check_language(language: str) -> str:
    """A language of the page. Raises: SettingsError: its texts are not there."""
    if language not in LANGUAGES:
        raise SettingsError(f"--lang {visible(language, 100)!r}: not a known language; one of {', '.join(LANGUAGES)}")
    return language


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Let :func:`say` answer in a language of :data:`LANGUAGES`. Raises: SettingsError: it is not one of them."""
    token = _language.set(check_language(language))
    try:
        yield
    finally:
        _language.reset(token)
