"""Rows of lines as the Kinesis Agent's ``dataProcessingOptions`` convert them: ``agent_options`` of a pipeline.

The row is the JSON object that the agent would send, of texts and nulls. A line that the agent would skip, send
unmodified, or convert to anything but one JSON object fails to parse, and is handled like any such line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from streamtally.agent import AgentFlow
from streamtally.agent.converters import ConversionError, LineSkippedError, adds_time, log_fields
from streamtally.errors import FormatError, SettingsError
from streamtally.formats.base import Parser, RecordParser, Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def compile_agent(agent_options: Sequence[Any] | str) -> Parser:
    """A parser for the agent's options.

    Args:
        agent_options: A list of options, or its JSON as in agent.json.

    Raises: SettingsError: the agent would not start with these options, or they are not supported.
    """
    options: Any = agent_options
    if isinstance(agent_options, str):
        try:
            options = json.loads(agent_options)
        except ValueError as error:
            raise SettingsError(f"agent_options is not JSON: {error}") from None
    flow = AgentFlow(options)
    if len(options) == 1 and options[0].get("optionName") == "LOGTOJSON":
        return _by_fields(log_fields(options[0]))

    return _Converting(flow, adds_time(options))


class _Converting(RecordParser):
    """The whole chain of options. For the current time, which an option may add, it uses the record's arrival, so that
    a retry gives the same row."""

    def __init__(self, flow: AgentFlow, is_stamped: bool, now: datetime | None = None) -> None:
        self._flow = flow
        self._is_stamped = is_stamped
        self._now = now

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """The parser for a record that arrived at that time."""
        if not self._is_stamped or arrival_ms is None:
            return self
        return _Converting(self._flow, True, _EPOCH + timedelta(milliseconds=arrival_ms))

    def __call__(self, line: str) -> Row:
        if self._is_stamped and self._now is None:
            raise FormatError("agent", "ADDMETADATA's timestamp is the record's arrival, which is not known here")
        converted = self._flow.convert(line.encode() + b"\n", self._now)
        if converted.data is None or converted.reason is not None:
            raise FormatError("agent", converted.reason or "skipped")
        try:
            row = orjson.loads(converted.data)
        except ValueError:
            raise FormatError("agent", "the agent's options make no JSON of the line") from None
        if not isinstance(row, dict):
            raise FormatError("agent", "the agent's options make no JSON object of the line")
        return row


def _by_fields(fields_of: Callable[[str], Row]) -> Parser:
    """The same for LOGTOJSON alone, without encoding JSON and decoding it again."""

    def parse(line: str) -> Row:
        try:
            return fields_of(line)
        except (LineSkippedError, ConversionError) as error:
            raise FormatError("agent", str(error)) from None

    return parse
