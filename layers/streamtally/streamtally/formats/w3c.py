r"""The W3C extended log format, as IIS and many others write it: a ``#Fields:`` line names the columns after it.

A ``#Fields`` line applies to the end of its record and no further, so a record always gives the same rows; where the
lines before a record are known (in a file), its reader passes them on. Lines of a record without one have the columns
of the pipeline's ``fields``, or IIS's default columns if they look like these.
Sources: W3C Working Draft WD-logfile-960323; Microsoft, "W3C Logging" (IIS).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, RecordParser, Roles, Row
from streamtally.formats.cloudfront_fields import NUMBERS as CLOUDFRONT_NUMBERS
from streamtally.formats.cloudfront_fields import is_cloudfront, is_standard
from streamtally.formats.w3c_header import HEADER, Header, Separator, to_names
from streamtally.formats.w3c_rows import Rows, ToRow, split_cells, to_integer
from streamtally.lazy_patterns import pattern_when_used

OTHER_COLUMNS = "another number of columns than there are fields"
NO_HEADER = "no #Fields line before it, and not the 15 columns of IIS 10"
"""Why a line without a header is not read: its columns would be a guess."""
FIELDS_LINE = "#Fields:"
"""How the line usually begins that names the columns."""
NOT_DECLARED = "not as the header declares it"

IIS_DEFAULT = (
    "date", "time", "s_ip", "cs_method", "cs_uri_stem", "cs_uri_query", "s_port", "cs_username", "c_ip",
    "cs_user_agent", "cs_referer", "sc_status", "sc_substatus", "sc_win32_status", "time_taken",
)  # fmt: skip
"""What IIS 8.5 and 10 log by default. IIS 6 and 7 have 14 columns each, and not the same ones."""

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
_DATE = pattern_when_used(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ADDRESS = pattern_when_used(r"[0-9A-Fa-f.:]{2,45}(?:%[0-9A-Za-z]{1,16})?|-")
_DECLARED = {
    "date": _DATE,
    "time": pattern_when_used(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"),
    "sc_status": pattern_when_used(r"[0-9]{1,3}"),
}
"""How the columns look by which an entry is told from lines of other formats."""


def _only(shape: re.Pattern[str]) -> Callable[[str], str | None]:
    def convert(text: str) -> str | None:
        if text != "-" and not shape.fullmatch(text):
            raise ValueError
        return None if text == "-" else text

    return convert


def _only_integer(text: str) -> int | None:
    value = to_integer(text)
    if isinstance(value, str):
        raise ValueError
    return value


_TYPES = {field.name: field.type for field in FIELDS if field.type != "VARCHAR"}
_NUMBERS = tuple(_TYPES)
_rows = Rows(dict.fromkeys(_NUMBERS, to_integer))
_default_rows = Rows({**dict.fromkeys(_NUMBERS, _only_integer), "date": _only(_DATE), "s_ip": _only(_ADDRESS)})
_cloudfront_rows = Rows(CLOUDFRONT_NUMBERS)


class W3cParser(RecordParser):
    """A parser that follows the directives of a record. Args: names: of the columns before the first ``#Fields``."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self._usual = names
        self._header = Header()
        self._entries: _Entries | None = None  # None: the header has not been looked at since the last directive

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """A parser for another record; the same where no directive was seen."""
        return self if not self._header.lines else W3cParser(self._usual)

    @property
    def has_header(self) -> bool:
        """Whether a ``#Fields`` line is in force."""
        return self._header.fields is not None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in force."""
        return self._look().names

    @property
    def plain_columns(self) -> dict[str, str] | None:
        """The columns of an entry that is words with single spaces between them → their SQL types.

        None: under this header, entries are not, or hold more than their cells say.
        """
        return self._look().plain_columns

    @property
    def has_usual_columns(self) -> bool:
        """Whether the columns are IIS's default ones, for want of a header and of names."""
        return self._look().are_usual

    def __call__(self, line: str) -> Row:
        if line[:1] == "#":
            self._follow(line)
            raise FormatError("w3c", HEADER)
        entries = self._entries
        return entries.read(line) if entries is not None else self._look().read(line)

    def read_declared(self, line: str) -> Row:
        """The row of a line that could be of another format, if it is as the header in force declares it.

        Its date, time and status must look like these. Raises: FormatError; also if the header has none of them.
        """
        if is_standard(self.names):  # which the format cloudfront reads
            raise FormatError("w3c", NOT_DECLARED)
        row = self(line)
        shown = {name: row.get(name) for name in self.names if name in _DECLARED}
        if not shown or any(
            value is not None and not _DECLARED[name].fullmatch(str(value)) for name, value in shown.items()
        ):
            raise FormatError("w3c", NOT_DECLARED)
        return row

    def _follow(self, line: str) -> None:
        header = self._header.follow(line)
        if header is not self._header:
            self._header, self._entries = header, None

    def _look(self) -> _Entries:
        """Split the header: only when an entry comes, as a record may hold headers alone."""
        if self._entries is None:
            self._entries = _Entries(self._header, to_names(self._header.fields or "") or self._usual)
        return self._entries


class _Entries:
    """Reads the entries under a header.

    Args: names: of the columns; empty: IIS's default ones.
    """

    def __init__(self, header: Header, names: tuple[str, ...]) -> None:
        self.names = names or IIS_DEFAULT
        self._header = header
        self._separator = header.separator
        self._has_strings = header.has_strings and bool(names)
        self._needs_day = "time" in names and "date" not in names and header.day is not None
        self._rows = _default_rows if not names else _cloudfront_rows if is_cloudfront(names) else _rows
        self._misfit = OTHER_COLUMNS if names else NO_HEADER
        self._mark = header.separator.value
        self._count = len(self.names)
        self._to_row: ToRow | None = None
        self.are_usual = not names

    @property
    def plain_columns(self) -> dict[str, str] | None:
        """See :attr:`W3cParser.plain_columns`."""
        may_need_day = "time" in self.names and "date" not in self.names  # which a #Date line may give
        is_whole = len(set(self.names)) == self._count and not may_need_day
        if not is_whole or self._separator is not Separator.WHITE_SPACE or self._rows is _cloudfront_rows:
            return None
        return {name: _TYPES.get(name, "VARCHAR") for name in self.names}

    def read(self, line: str) -> Row:
        """An entry's row. Raises: FormatError."""
        to_row = self._to_row
        if to_row is not None and not (self._has_strings and '"' in line):
            try:
                return to_row(line.split(self._mark, self._count))
            except ValueError:
                pass
        return self._read_any(line)

    def _read_any(self, line: str) -> Row:
        cells = split_cells(line, len(self.names), self._separator, self._has_strings)
        to_row = self._rows.find(self.names)
        try:
            row = self._rows.read(self.names, cells) if to_row is None else to_row(cells)
        except ValueError:
            raise FormatError("w3c", self._misfit) from None
        if self._needs_day:
            return {"date": self._header.day_of(row["time"]), **row}
        self._to_row = to_row
        if "\t" in line and len(self.names) > 1:  # the next entry will have tabs too; any other is read here again
            self._mark = "\t"
        return row


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
    time_format="iso8601",
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
        forwarded=("x_forwarded_for", "cs_x_forwarded_for", "true_client_ip", "x_real_ip"),
    ),
)
"""The example has IIS's default columns; a ``#Fields:`` line names any others."""
