"""Columns from within a row's JSON values, by JSONPath: ``$.a.b``, ``$.a[0]``, ``$['a b']``. A missing one is NULL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamtally.errors import SettingsError
from streamtally.formats.base import Format, Parser, RecordParser, Row, for_record, last_format, last_wrappers
from streamtally.lazy_patterns import pattern_when_used

_PATH = pattern_when_used(r"\$(?:\.[\w-]+|\[\d{1,6}\]|\['[^']+'\])+")
_STEP = pattern_when_used(r"\.([\w-]+)|\[(\d+)\]|\['([^']+)'\]")


class PathParser(RecordParser):
    """A parser that adds columns to the rows of another, each read by a path.

    Args:
        parse: The parser of the line.
        paths: Column → JSONPath.

    Raises: SettingsError: a path is not supported.
    """

    def __init__(self, parse: Parser, paths: Mapping[str, str]) -> None:
        self._parse = parse
        self._paths = paths
        self._steps = {column: path_steps(path) for column, path in paths.items()}

    def __call__(self, line: str) -> Row:
        row = self._parse(line)
        return {**row, **{column: dig(row, steps) for column, steps in self._steps.items()}}

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """The parser around the inner parser for another record."""
        parse = for_record(self._parse, arrival_ms)
        return self if parse is self._parse else PathParser(parse, self._paths)

    @property
    def log_format(self) -> Format | None:
        """The inner parser's."""
        return last_format(self._parse)

    @property
    def wrappers(self) -> tuple[str, ...]:
        """The inner parser's."""
        return last_wrappers(self._parse)


def path_steps(path: str) -> list[str | int]:
    """A JSONPath's steps. Raises: SettingsError."""
    if not _PATH.fullmatch(path):
        raise SettingsError(f"path {path!r}: write it as $.name.name, $.name[0] or $['name']")
    return [int(index) if index else name or quoted for name, index, quoted in _STEP.findall(path)]


def dig(value: Any, steps: list[str | int]) -> Any:
    """The value at a path; None if there is none."""
    for step in steps:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
