r"""The W3C extended log format, as IIS writes it: a ``#Fields:`` line names the columns of the lines after it.

Lines of a record without a ``#Fields:`` line have the columns of the pipeline's ``fields``, or IIS's default columns. A
header applies to the end of its record and no further, so a record always gives the same rows.
Source: W3C Working Draft WD-logfile-960323; Microsoft, "W3C Logging" (IIS).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, RecordParser, Roles, Row
from streamtally.formats.engine.memo import Remembered

MAX_COLUMNS = 200
"""Columns of a header; IIS has 22, and custom ones."""
MAX_HEADERS = 256
"""Headers whose functions are kept; a further one replaces the oldest."""
ROWS_BEFORE = 8
"""Rows under a header before its function is generated; as many as it has columns if that is more."""
HEADER = "a header line, not an event"
"""The reason with which header lines are refused."""

IIS_DEFAULT = (
    "date", "time", "s_ip", "cs_method", "cs_uri_stem", "cs_uri_query", "s_port", "cs_username", "c_ip",
    "cs_user_agent", "cs_referer", "sc_status", "sc_substatus", "sc_win32_status", "time_taken",
)  # fmt: skip

FIELDS = (
    Field("date", "VARCHAR", "day of the event, yyyy-MM-dd in UTC"),
    Field("time", "VARCHAR", "time of the event, HH:mm:ss in UTC"),
    Field("s_ip", "VARCHAR", "the server's address"),
    Field("cs_method", "VARCHAR", "method of the request"),
    Field("cs_uri_stem", "VARCHAR", "path of the request"),
    Field("cs_uri_query", "VARCHAR", "query of the request"),
    Field("s_port", "INTEGER", "the server's port"),
    Field("cs_username", "VARCHAR", "the authenticated user"),
    Field("c_ip", "VARCHAR", "the client's address"),
    Field("cs_user_agent", "VARCHAR", "the User-Agent header, with + for a space"),
    Field("cs_referer", "VARCHAR", "the Referer header"),
    Field("sc_status", "INTEGER", "status code of the response"),
    Field("sc_substatus", "INTEGER", "IIS's substatus"),
    Field("sc_win32_status", "BIGINT", "Windows' error code, 0 for success"),
    Field("time_taken", "BIGINT", "milliseconds that the request took"),
    Field("sc_bytes", "BIGINT", "bytes sent, where it is logged"),
    Field("cs_bytes", "BIGINT", "bytes received, where it is logged"),
)
_NUMBERS = frozenset(field.name for field in FIELDS if field.type != "VARCHAR")
_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_START = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} |[0-9]{2}:[0-9]{2}:[0-9]{2} ", re.ASCII)  # a date or a time


def to_names(header: str) -> tuple[str, ...]:
    """``"date cs(User-Agent) cs-uri-stem"`` → names that are valid in SQL: date, cs_user_agent, cs_uri_stem."""
    names = header.split(None, MAX_COLUMNS)[:MAX_COLUMNS]
    return tuple(re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_") for name in names)


def _number(text: str) -> int | str | None:
    return None if text == "-" else int(text) if _NUMBER.fullmatch(text) else text


class _Rows:
    """Makes rows from cells, by the names of their columns. Raises ValueError for another number of cells.

    A function is generated for names under which some rows have come; other rows are made cell by cell. That is slower
    per row but far cheaper than generating a function, and a hostile log has new names before every row.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Callable[[list[str]], Row]] = {}
        self._seen: dict[tuple[str, ...], int] = {}

    def find(self, names: tuple[str, ...]) -> Callable[[list[str]], Row] | None:
        """The function for these names, if it has been generated."""
        return self._known.get(names)

    def read(self, names: tuple[str, ...], cells: list[str]) -> Row:
        """A row, made cell by cell."""
        if len(cells) != len(names):
            raise ValueError
        self._learn(names)
        row: Row = {}
        for name, cell in zip(names, cells, strict=True):
            if name not in row:  # the first of two columns with the same name counts
                row[name] = _number(cell) if name in _NUMBERS else None if cell == "-" else cell
        return row

    def _learn(self, names: tuple[str, ...]) -> None:
        seen = self._seen.pop(names, 0) + 1
        if seen < max(ROWS_BEFORE, len(names)):
            if len(self._seen) >= MAX_HEADERS:
                self._seen.pop(next(iter(self._seen)))
            self._seen[names] = seen
            return
        if len(self._known) >= MAX_HEADERS:
            self._known.pop(next(iter(self._known)))
        self._known[names] = _generate(names)


def _generate(names: tuple[str, ...]) -> Callable[[list[str]], Row]:
    unique = list(dict.fromkeys(names))
    variables = [f"v{index}" for index in range(len(names))]
    items = [
        f"{name!r}: number[{variable}]" if name in _NUMBERS else f'{name!r}: None if {variable} == "-" else {variable}'
        for name, variable in ((name, variables[names.index(name)]) for name in unique)
    ]
    code = f"def row(cells):\n    {', '.join(variables)}, = cells\n    return {{{', '.join(items)}}}\n"
    scope: dict[str, Any] = {"number": Remembered(_number)}
    exec(code, scope)  # noqa: S102 - names consist of letters, digits and _ (to_names), or are quoted by repr
    function: Callable[[list[str]], Row] = scope["row"]
    return function


_rows = _Rows()


class W3cParser(RecordParser):
    """A parser that follows the ``#Fields:`` lines of a record."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._fields = names
        self._names = self._usual = names or IIS_DEFAULT
        self._header: str | None = None  # the last header, until a line after it is parsed
        self._to_row: Callable[[list[str]], Row] | None = None

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """A parser for another record; the same where no header was seen."""
        return self if self._names is self._usual and self._header is None else W3cParser(self._fields)

    def __call__(self, line: str) -> Row:
        if line[:1] == "#":
            if line.startswith("#Fields:"):
                self._header, self._to_row = line, None
            raise FormatError("w3c", HEADER)
        to_row = self._to_row
        if to_row is None:
            if self._header is not None:  # split only now: a record may consist of headers alone
                self._names, self._header = to_names(self._header.removeprefix("#Fields:")) or IIS_DEFAULT, None
            to_row = self._to_row = _rows.find(self._names)
        if self._names is IIS_DEFAULT and not _START.match(line):
            raise FormatError("w3c", "neither a date nor a header in front")
        try:
            return to_row(line.split(" ")) if to_row is not None else _rows.read(self._names, line.split(" "))
        except ValueError:
            raise FormatError("w3c", "another number of columns than there are fields") from None


def compile_w3c(options: FormatOptions) -> Parser:
    """A parser of W3C lines; ``fields`` names the columns where no header does."""
    return W3cParser(options.fields)


def _locate(line: str) -> int:
    parts = line.split(" ")
    return len(line) if len(parts) < len(IIS_DEFAULT) else len(" ".join(parts[: len(IIS_DEFAULT)]))


FORMAT = Format(
    name="w3c",
    aliases=("iis",),
    summary="W3C extended log format, as IIS writes it; #Fields lines name the columns.",
    source="W3C WD-logfile-960323; Microsoft: W3C Logging",
    fields=FIELDS,
    examples=(
        Example(
            "2025-11-22 21:21:41 192.0.2.10 GET /default.htm a=b 443 - 198.51.100.9 Mozilla/5.0+(Windows+NT+10.0) "
            "https://example.com/ 200 0 0 15",
            {
                "date": "2025-11-22",
                "time": "21:21:41",
                "s_ip": "192.0.2.10",
                "cs_method": "GET",
                "cs_uri_stem": "/default.htm",
                "cs_uri_query": "a=b",
                "s_port": 443,
                "cs_username": None,
                "c_ip": "198.51.100.9",
                "cs_user_agent": "Mozilla/5.0+(Windows+NT+10.0)",
                "cs_referer": "https://example.com/",
                "sc_status": 200,
                "sc_substatus": 0,
                "sc_win32_status": 0,
                "time_taken": 15,
            },
        ),
    ),
    compile=compile_w3c,
    time_field=("date", "time"),
    time_format="yyyy-MM-dd HH:mm:ss",
    time_is_utc=True,
    locate=_locate,
    roles=Roles(
        status="sc_status",
        client="c_ip",
        user="cs_username",
        method="cs_method",
        path="cs_uri_stem",
        query="cs_uri_query",
        protocol=("cs_version", "cs_protocol_version"),
        bytes="sc_bytes",
        referer="cs_referer",
        agent="cs_user_agent",
        vhost="cs_host",
        duration="time_taken",
    ),
)
"""The example has IIS's default columns; a ``#Fields:`` line names any others."""
