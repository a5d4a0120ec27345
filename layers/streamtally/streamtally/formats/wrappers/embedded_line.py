"""Log lines inside JSON lines, such as Fluent Bit's ``{"log": "<line>"}``."""

from __future__ import annotations

from streamtally.errors import FormatError, SettingsError
from streamtally.formats.auto import is_json_text
from streamtally.formats.base import Format, Parser, RecordParser, Row, for_record, last_format, last_wrappers
from streamtally.formats.json_lines import parse_json


class LineFieldParser(RecordParser):
    """A parser of the log line in a JSON line. The JSON's other members follow the log line's own fields.

    A line that is not JSON, or whose member is not the text of a single line, is parsed itself.

    Args:
        parse: The parser of the log line.
        name: The member that holds the log line.

    Raises: SettingsError: the name is not a text, or empty.
    """

    def __init__(self, parse: Parser, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise SettingsError(f"line_field = {name!r} under [source]: it is the name of a JSON line's member")
        self._parse = parse
        self._name = name

    def __call__(self, line: str) -> Row:
        if not is_json_text(line):
            return self._parse(line)
        try:
            around = parse_json(line)
        except FormatError:
            return self._parse(line)
        inner = around.get(self._name)
        # Docker keeps the line end. Several lines would be rows that are not counted as lines.
        inner = inner.removesuffix("\n").removesuffix("\r") if isinstance(inner, str) else ""
        if not inner or "\n" in inner:
            return self._parse(line)
        row = self._parse(inner)
        return row | {name: value for name, value in around.items() if name != self._name and name not in row}

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """The parser around the inner parser for another record."""
        parse = for_record(self._parse, arrival_ms)
        return self if parse is self._parse else LineFieldParser(parse, self._name)

    @property
    def log_format(self) -> Format | None:
        """The inner parser's."""
        return last_format(self._parse)

    @property
    def wrappers(self) -> tuple[str, ...]:
        """The inner parser's."""
        return last_wrappers(self._parse)
