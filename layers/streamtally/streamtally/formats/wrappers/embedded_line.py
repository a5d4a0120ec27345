"""Log lines inside JSON lines: Fluent Bit's ``{"log": "<line>"}`` and its like."""

from __future__ import annotations

from collections.abc import Callable

from streamtally.errors import FormatError, SettingsError
from streamtally.formats.auto import is_json_text
from streamtally.formats.base import Parser, Row
from streamtally.formats.json_lines import parse_json


class LineFieldParser:
    """A parser of the log line that a JSON line holds; what else the JSON says stands behind the line's own fields.

    Lines that are no JSON, or have no text of one line there, are parsed as they are.

    Args: name: the member that holds the log line.
    Raises: SettingsError: the name is none.
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
        # Docker leaves the line its end. More than one line would be rows that nobody counted.
        inner = inner.removesuffix("\n").removesuffix("\r") if isinstance(inner, str) else ""
        if not inner or "\n" in inner:
            return self._parse(line)
        row = self._parse(inner)
        return row | {name: value for name, value in around.items() if name != self._name and name not in row}

    def fresh(self, arrival_ms: int | None = None) -> LineFieldParser:
        """The parser as if it had seen no line."""
        fresh: Callable[[int | None], Parser] | None = getattr(self._parse, "fresh", None)
        return self if fresh is None else LineFieldParser(fresh(arrival_ms), self._name)
