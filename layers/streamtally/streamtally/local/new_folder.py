"""What ``streamtally init`` writes: a pipeline folder for a log, with comments for the person who changes it next."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.config.schema import pipeline_schema
from streamtally.definition import define_pipeline
from streamtally.errors import SettingsError
from streamtally.formats.detect import detect
from streamtally.formats.roles import DEFAULT_BY
from streamtally.local.arrival import arrive_when_logged, read_lines
from streamtally.local.by_program import STREAM, program_by
from streamtally.local.folder import COMPILED, DEFINITION, encode_document
from streamtally.local.likely_format import read_texts
from streamtally.local.log_meaning import LogMeaning, find_converted_meaning, find_meaning, quote_field
from streamtally.local.logs import read_log, shown_name
from streamtally.local.programs import compile_source
from streamtally.local.run import LOCAL_STREAM_ARN
from streamtally.local.simulator.parts import StoredRecord
from streamtally.local.simulator.transformation import make_event
from streamtally.local.wrapped_lines import find_wrapped
from streamtally.text import visible
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.source import Source

PROGRAM, SCHEMA, EVENT = "counts.sql", "pipeline.schema.json", "event.json"
MAX_LINES = 10_000
"""Lines that the format is detected from."""
EVENT_LINES = 20
_MAX_FIELDS = 12
INDEX = "log_counts"
_UNSAFE = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class NewFolder:
    """A pipeline folder that is not written yet.

    Attributes:
        files: name → text.
        read_as: what was detected, for people.
        roles: role → the field that has it.
        counted: what is counted, for people.
    """

    files: Mapping[str, str]
    read_as: str
    roles: Mapping[str, str]
    counted: str


def folder_name(log: str) -> str:
    """A folder's name for a log: lower case letters, digits and hyphens, whatever the log is called."""
    stem = Path(log).name.lower().partition(".")[0] if log != "-" else ""
    return "-".join(filter(None, [_UNSAFE.sub("-", stem).strip("-")[:40], "pipeline"]))


def describe_log(log: str, now_ms: int, agent_options: Sequence[Any] | None = None) -> NewFolder:
    """The folder for a log.

    Args:
        now_ms: when the log was read, which gives a year to times without one.
        agent_options: the Kinesis Agent's ``dataProcessingOptions`` for this log, if it converts the lines.
    Raises: SettingsError: no known format fits.
    """
    texts = read_texts(log, MAX_LINES)
    if agent_options:
        return _converted(texts, list(agent_options), log, now_ms)
    detection, wrapped = detect(texts), find_wrapped(texts)
    log_format = wrapped.format if wrapped else detection.best.format if detection.best else None
    if log_format is None:
        raise SettingsError(
            f"{visible(shown_name(log), 60)}: no known format fits: streamtally detect shows how far each got; "
            "describe it with --pattern or a log_format (docs/formats.md)"
        )
    taken = wrapped.taken if wrapped else detection.best.taken if detection.best else 0
    around = f" in {' in '.join(reversed(wrapped.wrappers))}" if wrapped else ""
    meaning = find_meaning(texts, log_format, log, {}, now_ms)
    settings = {"format": log_format.name}
    read_as = f"{log_format.name}{around}, {taken:,} of {detection.lines - detection.empty:,} lines"
    return _folder(settings, meaning, read_as, log, now_ms)


def _converted(texts: Sequence[str], options: list[Any], log: str, now_ms: int) -> NewFolder:
    """The folder for lines that the agent's options describe, whatever format they have. Raises: SettingsError."""
    settings = {"agent_options": options}
    meaning = find_converted_meaning(texts, settings, now_ms)
    if not meaning.by_values:
        raise SettingsError(
            f"{visible(shown_name(log), 60)}: dataProcessingOptions fit none of its first {len(texts):,} lines: "
            "name a log of this flow before --from, or correct the options"
        )
    names = " and ".join(str(option.get("optionName")) for option in options if isinstance(option, dict))
    return _folder(settings, meaning, f"as the agent's {names} converts its lines", log, now_ms)


def _folder(settings: Mapping[str, Any], meaning: LogMeaning, read_as: str, log: str, now_ms: int) -> NewFolder:
    by = [meaning.counted_by] if meaning.counted_by else []
    program = program_by(by or _first_role(meaning), settings)
    names = ", ".join(program.fields)
    counted = f"rows per minute and {names}" + ("" if by else " (no row has a status or a level)")
    definition = _definition(program.definition, read_as, log)
    sql = (
        f"-- {counted[0].upper()}{counted[1:]}. Kinesis Analytics' SQL: docs/sql.md.\n"
        f"-- After a change: streamtally compile in this folder.\n\n{program.sql}"
    )
    document = define_pipeline(definition, compile_source(PROGRAM, sql, definition, bind=True).plan, ZoneInfo)
    files = {
        DEFINITION: definition,
        PROGRAM: sql,
        COMPILED: encode_document(document),
        SCHEMA: json.dumps(pipeline_schema(), indent=2, ensure_ascii=False) + "\n",
        EVENT: json.dumps(_event(log, load_pipeline(document, ZoneInfo).source, now_ms), indent=2) + "\n",
    }
    return NewFolder(files, read_as, meaning.roles, counted)


def _first_role(meaning: LogMeaning) -> list[str]:
    """A field to count by for a log without status and level: a role of few values, or a field that has few."""
    for role in ("method", "vhost", "client", "path"):
        if field := meaning.roles.get(role):
            return [field]
    others = [field for role, field in meaning.roles.items() if role not in ("time", *DEFAULT_BY)]
    if not others and meaning.has_time:
        others = [quote_field(name) for name in meaning.by_values]
    if not others:
        fields = ", ".join(visible(name, 40) for name in meaning.by_values[:_MAX_FIELDS])
        raise SettingsError(
            "no time and no field to count by are known in this log: start with streamtally run LOG --time-field FIELD "
            f"--by FIELD (fields: {fields}; --fields names those of csv)"
        )
    return others[:1]


def _definition(compiled: str, read_as: str, log: str) -> str:
    """The definition that was compiled, with comments, its index and retention."""
    source = compiled.partition("\n[outputs.")[0].rstrip()
    return f"""#:schema ./{SCHEMA}
# Made by streamtally init for {visible(shown_name(log), 60)}: {read_as}.
# After a change: streamtally compile in this folder. Every setting: docs/pipeline.md, and the schema, for editors.

# How a line is read. time_field and time_format choose another time, rename names columns, drop removes fields.
{source}
# time_zone = "Europe/Berlin"             # of times without an offset

# Where the program's stream of this name goes: an alias of OpenSearch, with an index for each day.
[outputs.{STREAM}]
index = "{INDEX}"
rotation = "day"
retention = {{ max_age = "90d" }}
grace = "20m"                             # how long after its end a minute counts as still filling
max_past = "7d"                           # event times further away than this go by their arrival
max_ahead = "1h"
"""


def _event(log: str, source: Source, now_ms: int) -> dict[str, Any]:
    """The first lines as Firehose sends them to the function, each when it was logged."""
    lines = islice(arrive_when_logged(read_lines(read_log(log), source, now_ms), now_ms), EVENT_LINES)
    records = [StoredRecord(f"record-{number}", line.arrival, line.line.data) for number, line in enumerate(lines, 1)]
    return make_event("init", LOCAL_STREAM_ARN, records)
