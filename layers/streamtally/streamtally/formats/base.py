"""What a log format consists of: its description, its examples, and a function that compiles its parser."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

Row = dict[str, Any]
"""A parsed line: field name → str, int, float, bool or None (any JSON value for a JSON line), in the line's order."""

MAX_FIELDS = 1_000
"""Fields of a line that names or numbers its own fields (LTSV, CSV, TSV); a line with more does not fit.

Real logs have dozens. A field can be two bytes long and costs several times what two bytes cost elsewhere; a row of
500,000 keys is 50 times as large as its line.
"""
TOO_MANY_FIELDS = f"more than {MAX_FIELDS:,} fields"

MAX_PAIRS = 250
"""Pairs of a logfmt line. They may be flags of two bytes, and have the highest cost per byte."""
TOO_MANY_PAIRS = f"more than {MAX_PAIRS} fields"

Parser = Callable[[str], Row]
"""One line without its line end → its row. Raises: FormatError: the line is not of the format.

Most parsers are plain functions, and parse every record's lines alike. One that does not is a :class:`RecordParser`.
"""


class RecordParser(ABC):
    """A parser that depends on the record: on its arrival, or on the lines before in it. It is itself a parser."""

    @abstractmethod
    def __call__(self, line: str, /) -> Row:
        """One line → its row. Raises: FormatError."""

    @abstractmethod
    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """The parser for another record, as if it had seen no line; itself where that is the same.

        Args: arrival_ms: the record's arrival, in ms since the epoch; None where it is not known.
        """

    @property
    def log_format(self) -> Format | None:
        """The format of the line parsed last, if that line parsed; None: the one that this parser was compiled from."""
        return None

    @property
    def wrappers(self) -> tuple[str, ...]:
        """What came off around that line, from the outside in (``unwrapping/headers.py``)."""
        return ()


def for_record(parser: Parser, arrival_ms: int | None = None) -> Parser:
    """The parser for one record's lines (see :class:`RecordParser`); a plain function is the same for all."""
    return parser.for_record(arrival_ms) if isinstance(parser, RecordParser) else parser


def last_format(parser: Parser) -> Format | None:
    """The format of the line that the parser read last (see :class:`RecordParser`); None for a plain function."""
    return parser.log_format if isinstance(parser, RecordParser) else None


def last_wrappers(parser: Parser) -> tuple[str, ...]:
    """What came off around that line, from the outside in; empty for a plain function."""
    return parser.wrappers if isinstance(parser, RecordParser) else ()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a format: its SQL type, and its meaning with the unit if it has one."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Example:
    """A line and its row. Examples are both tests and documentation."""

    line: str
    row: Row


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """The settings of ``[source]`` about lines, apart from the format's name.

    Attributes:
        pattern: The regular expression of the format ``regex``.
        fields: The names of its groups, or of the columns of csv, tsv, w3c, vpc_flow and cloudfront_realtime.
        types: Field name → SQL type, for fields that the format leaves as text; a text that does not fit stays a text.
        unescape: Undo the log's escapes (``\\"``, ``\\xHH``) instead of leaving fields unmodified.
        delimiter: The separator of the columns of a delimited format.
        zone: The time zone of times without an offset.
    """

    pattern: str | None = None
    fields: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    unescape: bool = False
    delimiter: str | None = None
    zone: tzinfo = UTC


Plain = tuple[str, ...]
"""A line as a scanner returns it: its fields and an empty text, or empty fields and the line if it is not plain."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """A fast path for all lines of a text at once, if they are plain, as most lines of a log are.

    A plain line is one whose fields need no escape in JSON. For such a line the scanner must give what the format's
    parser and a JSON encoder give; it leaves all other lines to these.

    Attributes:
        findall: A text of lines separated by ``\\n`` → one tuple per line; a plain line's first field is never empty.
        encode: These tuples → the lines' JSON, each with its ``\\n``. A line that is not plain is encoded by the second
            argument, from its index and text.
        positions: Field → its index in a tuple, in the row's order.
        integers: The fields that are integers.
        decimals: The fields that are decimal numbers. All others are text. ``-`` is None in all.
        columns: (field, its plain pattern) in their order, separated by single spaces; empty if lines are not so.
    """

    findall: Callable[[str], list[Plain]]
    encode: Callable[[list[Plain], Callable[[int, str], str]], list[str]]
    positions: Mapping[str, int]
    integers: frozenset[str]
    columns: tuple[tuple[str, str], ...] = ()
    decimals: frozenset[str] = frozenset()

    def value(self, field_name: str, text: str) -> Any:
        """The value of a plain field's text in a row."""
        if text == "-":
            return None
        if field_name in self.integers:
            return int(text)
        return float(text) if field_name in self.decimals else text

    def row(self, plain: Plain) -> Row:
        """The row of a plain line, the same as the parser's."""
        return {name: self.value(name, plain[index]) for name, index in self.positions.items()}


Names = str | tuple[str, ...]
"""A field's name, or several of which the first that a row has (and that is not null) counts; empty: no field."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What a format's fields mean, whatever they are called. Empty: the format has no such field.

    The columns of the combined log exist for a program under any format, by these roles (``roles.py``). The time has no
    entry here: ``Format.time_field`` names it. A role is declared, never concluded from a value.

    Attributes:
        status: The status code of the response to the client.
        client: The address of the client, or of the peer if there are proxies.
        ident: The answer of identd.
        user: The authenticated user.
        request: The request line: method, target, protocol.
        method: The method alone.
        path: The target of the request; without its query if ``query`` is a field of its own.
        query: The query, without ``?``.
        protocol: Such as HTTP/1.1.
        bytes: The size of the response in bytes.
        referer: The Referer header.
        agent: The User-Agent header.
        vhost: The name of the host that was asked for.
        duration: How long the request took, in the unit of its field.
        level: The severity of a message.
        forwarded: Further fields that hold addresses of clients or of the proxies between; all of them count.
        client_has_port: Whether the client's value ends in ``:port``.
        levels: The names of the levels where they are logged as numbers from 0.
    """

    status: Names = ""
    client: Names = ""
    ident: Names = ""
    user: Names = ""
    request: Names = ""
    method: Names = ""
    path: Names = ""
    query: Names = ""
    protocol: Names = ""
    bytes: Names = ""
    referer: Names = ""
    agent: Names = ""
    vhost: Names = ""
    duration: Names = ""
    level: Names = ""
    forwarded: Names = ""
    client_has_port: bool = False
    levels: tuple[str, ...] = ()


NO_ROLES = Roles()


@dataclass(frozen=True, slots=True)
class Format:
    """A log format.

    Attributes:
        name: The name that ``format =`` and ``--format`` take.
        summary: One sentence.
        source: Where the format is specified.
        fields: The fields of a row; empty if the options or the line decide.
        examples: Lines with their rows.
        compile: Makes a parser; raises SettingsError for options that it cannot use.
        aliases: Other names that ``format =`` and ``--format`` take.
        passes_text: Whether a line is JSON already and is passed on unmodified, without being serialized again.
        scanner: The fast path for plain lines, if the format has one.
        time_field: The field of a row's time, unless the pipeline names another. Several are joined by spaces.
        time_format: How that time is written. None if the format has no time.
        time_is_utc: Whether that time has no offset and is always in UTC, regardless of the pipeline's time zone.
        locate: A line that does not fit → the character, from 0, at which the match ended.
        roles: What its fields mean.
        to_columns: What ``fields`` names → the fields of a row, where the log's own names cannot be columns' names
            (``account-id``). None: they are as ``fields`` names them.
        begins_with_text: Whether a line's first value may hold spaces, and so what stands around a line of syslog.
    """

    name: str
    summary: str
    source: str
    fields: tuple[Field, ...]
    examples: tuple[Example, ...]
    compile: Callable[[FormatOptions], Parser]
    aliases: tuple[str, ...] = ()
    passes_text: bool = False
    scanner: Scanner | None = None
    time_field: str | tuple[str, ...] | None = None
    time_format: str | None = None
    time_is_utc: bool = False
    locate: Callable[[str], int] | None = None
    roles: Roles = NO_ROLES
    to_columns: Callable[[tuple[str, ...]], tuple[str, ...]] | None = None
    begins_with_text: bool = False
