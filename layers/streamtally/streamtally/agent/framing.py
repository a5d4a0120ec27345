"""How the agent's file parser splits a file into records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from streamtally.agent.java_text import decode
from streamtally.agent.options import AgentOptionsError, Options, choice, integer, text_of
from streamtally.errors import PatternLimitError
from streamtally.patterns.java_regex import JavaPattern

MAX_RECORD_BYTES = 1_024_000
"""Firehose's 1000 KiB, which the agent checks after conversion."""
MAX_LINE_BYTES = 4 * 1024 * 1024
"""The rest of a longer line is discarded."""
MAX_BUFFER_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Framed:
    """A record."""

    data: bytes
    held: bool = False
    """Whether the agent waits for the record's line end."""
    slow: bool = False
    """Whether a pattern of the flow gave up on one of its lines."""


@dataclass(frozen=True)
class Framing:
    """How a flow splits a file; the defaults are those of a flow without these keys."""

    start: JavaPattern | None = None
    footer: JavaPattern | None = None
    skip_lines: int = 0
    aggregated_bytes: int = 0
    terminator: bytes = b"\n"
    from_end: bool = False

    @classmethod
    def from_flow(cls, flow: Options) -> Framing:
        """The framing of a flow of agent.json; keys that do not affect the records are ignored.

        Raises: AgentOptionsError, JavaSyntaxError, UnsupportedPatternError.
        """
        integer(flow, "maxBufferSizeBytes", MAX_BUFFER_BYTES, 1, MAX_BUFFER_BYTES)
        position = flow.get("initialPosition", "START_OF_FILE")
        choice("initialPosition", position, ("START_OF_FILE", "END_OF_FILE"))
        return cls(
            start=_pattern(flow.get("multiLineStartPattern"), "looking_at"),
            footer=_pattern(flow.get("fileFooterPattern"), "matches"),
            skip_lines=integer(flow, "skipHeaderLines", 0, 0, 2**31 - 1),
            aggregated_bytes=integer(flow, "aggregatedRecordSizeBytes", 0, 0, MAX_RECORD_BYTES),
            terminator=text_of(flow.get("truncatedRecordTerminator", "\n")).encode(),
            from_end=position == "END_OF_FILE",
        )

    def cut(self, data: bytes) -> bytes:
        """A record's data cut to Firehose's limit; the terminator overwrites the last bytes."""
        if len(data) <= MAX_RECORD_BYTES:
            return data
        return data[: MAX_RECORD_BYTES - len(self.terminator)] + self.terminator

    def records(self, lines: Iterable[bytes]) -> Iterator[Framed]:
        """The records of a file's lines (each with its line end, except possibly the last), in order.

        A line on which a pattern takes too many steps counts as one that it does not match.
        """
        if self.from_end:
            return
        record, slow = b"", False
        for line in self._to_footer(islice(lines, self.skip_lines, None)):
            begins, gave_up = self._begins_new(record, line)
            if begins and record:
                yield Framed(record, False, slow)
                record, slow = b"", False
            record, slow = record + line, slow or gave_up
        if record:
            yield Framed(record, not record.endswith(b"\n"), slow)

    def _to_footer(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            if self.footer is not None and _matches(self.footer, line.rstrip(b"\r\n"))[0]:
                return
            yield line

    def _begins_new(self, record: bytes, line: bytes) -> tuple[bool, bool]:
        """Whether a record begins with the line, and whether the pattern gave up on it."""
        if not line.endswith(b"\n"):  # with a pattern, an unfinished line may continue the record before it
            return self.start is None, False
        if self.start is not None:
            return _matches(self.start, line)
        return len(record) + len(line) > self.aggregated_bytes, False


def _matches(pattern: JavaPattern, line: bytes) -> tuple[bool, bool]:
    try:
        return pattern.is_match(decode(line)), False
    except PatternLimitError:
        return False, True


def _pattern(value: Any, mode: str) -> JavaPattern | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise AgentOptionsError("agent options: a pattern must be a text")
    return JavaPattern(value, mode)
