"""A file's bytes to records, as the agent's file parser cuts them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from streamtally.agent.java_regex import JavaPattern
from streamtally.agent.java_text import decode
from streamtally.agent.options import AgentOptionsError, Options, choice, integer, text_of

MAX_RECORD_BYTES = 1_024_000  # Firehose's 1000 KiB, measured by the agent after conversion
MAX_LINE_BYTES = 4 * 1024 * 1024  # what is behind it, up to the line's end, is discarded
MAX_BUFFER_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Framing:
    """How a flow cuts a file; the defaults are those of a flow without these keys."""

    start: JavaPattern | None = None
    footer: JavaPattern | None = None
    skip_lines: int = 0
    aggregated_bytes: int = 0
    terminator: bytes = b"\n"
    from_end: bool = False

    @classmethod
    def of(cls, flow: Options) -> Framing:
        """From a flow of agent.json; keys that do not bear on the records are not looked at.

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
        """A record's data cut to Firehose's limit, its last bytes overwritten by the terminator."""
        if len(data) <= MAX_RECORD_BYTES:
            return data
        return data[: MAX_RECORD_BYTES - len(self.terminator)] + self.terminator

    def records(self, data: bytes) -> tuple[list[bytes], bytes]:
        """The records of a file's whole content, and what is held back until its line end is written."""
        if self.from_end:
            return [], b""
        lines = data.split(b"\n")
        tail = lines.pop()
        whole = [line + b"\n" for line in lines[self.skip_lines :]]
        records = list(self._joined(self._to_footer(whole)))
        if tail and self.start is not None and records:
            return records[:-1], records[-1] + tail  # the last record may go on in the unfinished line
        return records, tail

    def _to_footer(self, lines: list[bytes]) -> Iterator[bytes]:
        for line in lines:
            if self.footer is not None and self.footer.is_match(decode(line.rstrip(b"\r\n"))):
                return
            yield line

    def _joined(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        record = b""
        for line in lines:
            if record and self._begins_new(record, line):
                yield record[:MAX_LINE_BYTES]
                record = b""
            record += line
        if record:
            yield record[:MAX_LINE_BYTES]

    def _begins_new(self, record: bytes, line: bytes) -> bool:
        if self.start is not None:
            return self.start.is_match(decode(line))
        return len(record) + len(line) > self.aggregated_bytes


def _pattern(value: Any, mode: str) -> JavaPattern | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise AgentOptionsError("agent options: a pattern must be a text")
    return JavaPattern(value, mode)
