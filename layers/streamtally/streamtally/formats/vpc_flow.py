r"""Flow logs of Amazon VPC and of transit gateways, with the default fields or selected ones.

A header line names the fields of the lines after it, within its record. Lines without one have the fields of the
pipeline's ``fields``, else the default ones; what follows these is not named.
Source: Amazon VPC user guide, "Flow log records".
"""

from __future__ import annotations

from functools import partial

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Format, FormatOptions, Parser, RecordParser, Roles, Row
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.generate import compile_layout
from streamtally.formats.engine.layout import Layout, first_that_fits, furthest
from streamtally.formats.engine.lazy import Lazy
from streamtally.formats.vpc_flow_fields import CONVERTERS, FIELDS, TELLING, TRANSIT, VERSION_2, is_header, to_names
from streamtally.formats.w3c_header import HEADER
from streamtally.formats.w3c_rows import RowReader, Rows

NAME = "vpc_flow"
_REASON = "not the default fields of a flow log: fields names selected ones"
OTHER_FIELDS = "not the fields that the header or the pipeline names"
_EXTRA = Column("extra", "VARCHAR", "what follows the default fields, unmodified", r"[^ ].*+", optional=True)
_END = r"\x20*+\Z"  # some lines end in a space

LAYOUT = Layout(NAME, _REASON, (*VERSION_2, _EXTRA), _END)
_TRANSIT_LAYOUT = Layout(NAME, _REASON, (*TRANSIT, _EXTRA), _END)

_rows = Rows(CONVERTERS)


class FlowLogParser(RecordParser):
    """A parser that follows the header lines of a record.

    Args:
        names: Of the fields of lines before the first header; empty: the default ones.
        parse_default: Reads the default fields.
    """

    def __init__(self, names: tuple[str, ...], parse_default: Parser) -> None:
        self._usual = self._names = names
        self._parse_default = parse_default
        self._reader = RowReader(_rows, names)
        self.has_header = False
        """Whether a header is in force."""

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """A parser for another record; the same where no header was seen."""
        return FlowLogParser(self._usual, self._parse_default) if self.has_header else self

    def __call__(self, line: str) -> Row:
        if line[:1].islower() and is_header(line):
            self._names, self.has_header = to_names(tuple(line.split())), True
            self._reader = RowReader(_rows, self._names)
            raise FormatError(NAME, HEADER)
        return self._read(line) if self._names else self._parse_default(line)

    def read_declared(self, line: str) -> Row:
        """The row of a line that could be of another format, if it is as the header in force declares it.

        Raises: FormatError; also if the header has only fields that any word fits.
        """
        if TELLING.isdisjoint(self._names):
            raise FormatError(NAME, OTHER_FIELDS)
        return self(line)

    def _read(self, line: str) -> Row:
        cells = line.split(" ")
        if not cells[-1]:
            cells.pop()
        try:
            return self._reader.read(cells)
        except ValueError:
            raise FormatError(NAME, OTHER_FIELDS) from None


def compile_vpc_flow(options: FormatOptions) -> Parser:
    """A parser of flow logs; ``fields`` names the fields where no header does."""
    layouts = (LAYOUT, _TRANSIT_LAYOUT)
    parse_default = first_that_fits([Lazy(partial(compile_layout, layout, options)) for layout in layouts])
    return FlowLogParser(to_names(options.fields), parse_default)


FORMAT = Format(
    name=NAME,
    aliases=("vpcflow",),
    summary="Flow log of Amazon VPC or of a transit gateway; a header line or fields names selected fields.",
    source="Amazon VPC user guide: Flow log records; Amazon VPC Transit Gateways: Transit Gateway Flow Log records",
    fields=(*FIELDS, _EXTRA.field),
    examples=(
        Example(
            "2 123456789012 eni-1235b8ca123456789 192.0.2.139 198.51.100.21 20641 22 6 20 4249 1418530010 1418530070 "
            "ACCEPT OK",
            {
                "version": 2,
                "account_id": "123456789012",
                "interface_id": "eni-1235b8ca123456789",
                "srcaddr": "192.0.2.139",
                "dstaddr": "198.51.100.21",
                "srcport": 20641,
                "dstport": 22,
                "protocol": 6,
                "packets": 20,
                "bytes": 4249,
                "start": 1418530010,
                "end": 1418530070,
                "action": "ACCEPT",
                "log_status": "OK",
                "extra": None,
            },
        ),
        Example(
            "2 123456789012 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA",
            {
                "version": 2,
                "account_id": "123456789012",
                "interface_id": "eni-1235b8ca123456789",
                "srcaddr": None,
                "dstaddr": None,
                "srcport": None,
                "dstport": None,
                "protocol": None,
                "packets": None,
                "bytes": None,
                "start": 1431280876,
                "end": 1431280934,
                "action": None,
                "log_status": "NODATA",
                "extra": None,
            },
        ),
    ),
    compile=compile_vpc_flow,
    time_field="start",
    time_format="unix",
    locate=furthest((LAYOUT, _TRANSIT_LAYOUT)),
    roles=Roles(client="srcaddr", bytes="bytes"),
    to_columns=to_names,
)
"""The examples have the default fields; a header line or ``fields`` names any others."""
