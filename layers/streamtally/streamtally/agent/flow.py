"""A flow of agent.json: records in, what the agent sends out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streamtally.agent.converters import ConversionError, Converter, SkippedError, converter_of
from streamtally.agent.framing import MAX_LINE_BYTES, Framing
from streamtally.agent.java_regex import PatternLimitError
from streamtally.agent.java_text import decode
from streamtally.agent.options import AgentOptionsError

HELD_BACK = "no line end yet: the agent waits for it"


@dataclass(frozen=True)
class Converted:
    """What becomes of one record.

    ``data``: the bytes sent, None where the agent skips the record. ``reason``: why it was skipped, or sent as it was
    read; None where it was converted.
    """

    source: bytes
    data: bytes | None
    reason: str | None = None


class AgentFlow:
    """The converter chain and the framing of one flow.

    Args:
        options: ``dataProcessingOptions``, a list.
        flow: the flow's other keys, where the input is a file.
    Raises: AgentOptionsError (the agent would not start, or needs what is out of reach), JavaSyntaxError,
        UnsupportedPatternError (a pattern of which only something else than Java's meaning could be given).
    """

    def __init__(self, options: Sequence[Any], flow: Mapping[str, Any] | None = None) -> None:
        if not isinstance(options, list | tuple):
            raise AgentOptionsError("agent options: dataProcessingOptions must be a list")
        self.framing = Framing.of(flow or {})
        self._chain: list[Converter] = [converter_of(entry) for entry in options]

    def convert(self, record: bytes, now: datetime | None = None) -> Converted:
        """One record, its line end included. ``now``: aware, for ADDMETADATA with a timestamp."""
        source = record[:MAX_LINE_BYTES]
        if not self._chain:
            return Converted(record, self.framing.cut(source))
        text = decode(source)
        try:
            for converter in self._chain:
                text = converter(text, now)
        except SkippedError as error:
            return Converted(record, None, str(error))
        except ConversionError as error:
            return Converted(record, self.framing.cut(source), str(error))
        return Converted(record, self.framing.cut(text.encode()))

    def convert_file(self, lines: Iterable[bytes], now: datetime | None = None) -> Iterator[Converted]:
        """A file's lines with their line ends, record by record; what is held back for its line end says so."""
        try:
            for record, held in self.framing.records(lines):
                yield Converted(record, None, HELD_BACK) if held else self.convert(record, now)
        except PatternLimitError:
            raise AgentOptionsError("agent options: a pattern of the flow takes too many steps on a line") from None


def flow_of(document: Any) -> AgentFlow:
    """A flow from ``dataProcessingOptions`` alone (a list), or from a whole flow of agent.json (an object).

    Raises: AgentOptionsError, JavaSyntaxError, UnsupportedPatternError.
    """
    if isinstance(document, Mapping):
        return AgentFlow(document.get("dataProcessingOptions") or [], document)
    return AgentFlow(document)
