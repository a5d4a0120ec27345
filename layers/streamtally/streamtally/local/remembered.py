"""A pipeline that remembers what it has just read: a line is parsed once, for its arrival and to be counted."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import NamedTuple

from streamtally.formats.base import (
    Format,
    Parser,
    Plain,
    RecordParser,
    Row,
    Scanner,
    for_record,
    last_format,
    last_wrappers,
)
from streamtally.transform.lines import CHUNK_BYTES
from streamtally.transform.payload_lines import join_lines
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.record_lines import begins_as_json

_LINE_END = 0x0A


class _Read(NamedTuple):
    """What a parser made of a line: a row, or why there is none."""

    row: Row
    error: Exception | None
    log_format: Format | None
    wrappers: tuple[str, ...]


class _RememberingParser(RecordParser):
    """A parser that takes what is remembered of a line."""

    def __init__(self, parse: Parser, memory: dict[str, _Read]) -> None:
        self._parse = parse
        self._memory = memory
        self._last: _Read | None = None

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """The same around the parser for another record."""
        parse = for_record(self._parse, arrival_ms)
        return self if parse is self._parse else _RememberingParser(parse, self._memory)

    @property
    def log_format(self) -> Format | None:
        """The format of the line read last."""
        return last_format(self._parse) if self._last is None else self._last.log_format

    @property
    def wrappers(self) -> tuple[str, ...]:
        """What came off around that line."""
        return last_wrappers(self._parse) if self._last is None else self._last.wrappers

    def __call__(self, line: str) -> Row:
        read = self._last = self._memory.get(line)
        if read is None:
            return self._parse(line)
        if read.error is not None:
            raise read.error.with_traceback(None)  # it is raised for each such line, and must not grow
        return dict(read.row)  # the caller adds columns to it


class Remembering:
    """A pipeline's copy that parses no line a second time.

    Args: pipeline: stays as it is.
    Attributes:
        pipeline: the copy.
        source: the pipeline's own source, which reads lines first.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.source = pipeline.source
        self._rows: dict[str, _Read] = {}
        self._scans: dict[str, list[Plain]] = {}
        source = copy(pipeline.source)
        # What the agent stamps with a record's arrival reads another way when that is known.
        self._keeps_rows = source.settings.agent_options is None
        if self._keeps_rows:
            source.parse = _RememberingParser(source.parse, self._rows)
        if source.scanner is not None:
            source.scanner = replace(source.scanner, findall=self._find)
        self.pipeline = replace(pipeline, source=source)

    def scan(self, payloads: Sequence[bytes], sizes: Sequence[int]) -> list[Plain | None]:
        """The plain lines of records, as the scanner reads them; None for every other line.

        Args:
            payloads: the records' data.
            sizes: how many lines each has.
        """
        scanner = self.source.scanner
        scanned: list[Plain | None] = []
        chunk: list[bytes] = []
        size_bytes = lines = 0
        for payload, size in zip(payloads, sizes, strict=True):  # in the chunks that the transform will ask for
            if scanner is None or begins_as_json(payload):
                scanned += self._scan(scanner, chunk, lines)
                chunk, size_bytes, lines = [], 0, 0
                scanned += [None] * size
                continue
            chunk.append(payload[:-1] if payload[-1] == _LINE_END else payload)
            size_bytes += len(payload)
            lines += size
            if size_bytes >= CHUNK_BYTES:
                scanned += self._scan(scanner, chunk, lines)
                chunk, size_bytes, lines = [], 0, 0
        return scanned + self._scan(scanner, chunk, lines)

    def _scan(self, scanner: Scanner | None, chunk: list[bytes], lines: int) -> list[Plain | None]:
        if scanner is None or not chunk:
            return []
        text = join_lines(chunk)
        matches = self._scans[text] = scanner.findall(text)
        if len(matches) != lines:
            return [None] * lines
        return [fields if fields[0] else None for fields in matches]

    def _find(self, text: str) -> list[Plain]:
        matches = self._scans.pop(text, None)
        if matches is None and self.source.scanner is not None:
            matches = self.source.scanner.findall(text)
        return matches or []

    def keep(self, parser: Parser, text: str, row: Row | None, error: Exception | None) -> None:
        """Remember what a parser has just made of a line, on which no header before it has a bearing."""
        if self._keeps_rows:
            self._rows[text] = _Read(dict(row or {}), error, last_format(parser), last_wrappers(parser))

    def forget(self) -> None:
        """Forget what nobody asked for."""
        self._rows.clear()
        self._scans.clear()
