"""A flow of agent.json: records in, out comes what the agent sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from streamtally.agent.converters import ConversionError, Converter, LineSkippedError, converter_of
from streamtally.agent.framing import MAX_LINE_BYTES, Framing
from streamtally.agent.java_stack import ROUNDS, WARNING, crash_test
from streamtally.agent.java_text import decode
from streamtally.agent.options import AgentOptionsError

HELD_BACK = "no line end yet: the agent waits for it"
CrashTest = Callable[[str], bool]
SLOW_START = "multiLineStartPattern takes too many steps on a line: taken as one that begins no record"


@dataclass(frozen=True)
class Converted:
    """The result for one record."""

    source: bytes
    """The record as it was read."""
    data: bytes | None
    """The bytes that are sent; None: the agent skips the record."""
    reason: str | None = None
    """Why the record was skipped or sent unmodified; None: it was converted."""
    warning: str | None = None
    """A warning about a record that is sent nevertheless."""


class AgentFlow:
    """The converter chain and the framing of one flow.

    Args:
        options: ``dataProcessingOptions``, a list.
        flow: the flow's other keys, if the input is a file.
    Raises: AgentOptionsError (the agent would not start, or needs what is out of reach), JavaSyntaxError,
        UnsupportedPatternError (a pattern that cannot be run with Java's semantics).
    """

    def __init__(self, options: Sequence[Any], flow: Mapping[str, Any] | None = None) -> None:
        if not isinstance(options, list | tuple):
            raise AgentOptionsError("agent options: dataProcessingOptions must be a list")
        self.framing = Framing.from_flow(flow or {})
        self._chain: list[tuple[Converter, CrashTest]] = [
            (converter_of(entry), crash_test(entry) or _never) for entry in options
        ]

    def convert(self, record: bytes, now: datetime | None = None) -> Converted:
        """One record, its line end included. ``now``: aware, for ADDMETADATA with a timestamp."""
        source = record[:MAX_LINE_BYTES]
        if not self._chain:
            return Converted(record, self.framing.cut(source))
        text, crashes = decode(source), False
        try:
            for converter, would_crash in self._chain:
                crashes = crashes or (len(text) > ROUNDS and would_crash(text.removesuffix("\n")))
                text = converter(text, now)
        except LineSkippedError as error:
            return Converted(record, None, str(error))
        except ConversionError as error:
            return Converted(record, self.framing.cut(source), str(error))
        return Converted(record, self.framing.cut(text.encode()), None, WARNING if crashes else None)

    def convert_file(self, lines: Iterable[bytes], now: datetime | None = None) -> Iterator[Converted]:
        """Convert a file's lines, which have their line ends, by records; a record without line end is HELD_BACK."""
        for framed in self.framing.records(lines):
            if framed.held:
                yield Converted(framed.data, None, HELD_BACK)
                continue
            converted = self.convert(framed.data, now)
            yield replace(converted, warning=SLOW_START) if framed.slow else converted


def _never(line: str) -> bool:
    return False


def flow_of(document: Any) -> AgentFlow:
    """The flow of ``dataProcessingOptions`` alone (a list), of a flow of agent.json, or of an agent.json with one flow.

    Raises: AgentOptionsError, JavaSyntaxError, UnsupportedPatternError.
    """
    if isinstance(document, Mapping) and "flows" in document:
        flows = document["flows"]
        if not isinstance(flows, list) or len(flows) != 1 or not isinstance(flows[0], Mapping):
            count = f"{len(flows)} flows" if isinstance(flows, list) else "no list of flows"
            raise AgentOptionsError(
                f"agent options: an agent.json with {count}: give one flow, or its dataProcessingOptions"
            )
        document = flows[0]
    if isinstance(document, Mapping):
        return AgentFlow(document.get("dataProcessingOptions") or [], document)
    return AgentFlow(document)
