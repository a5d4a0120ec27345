"""The plain lines of formats whose columns the log itself names: LTSV by labels, W3C by ``#Fields`` lines.

The columns are those of the event's first lines. Lines with other ones return to Python, as do the entries of a record
under another ``#Fields`` line, or under none if the first one is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import pybase64

from streamtally.errors import FormatError
from streamtally.formats import ltsv, w3c
from streamtally.formats.base import RecordParser
from streamtally.formats.role_names import COLUMN_TYPES
from streamtally.formats.unwrapping.inside import InsideParser
from streamtally.plan.types import parse_type
from streamtally.transform.event import DATA
from streamtally.transform.kernel.layouts import PlainLines, unscanned
from streamtally.transform.kernel.protocol import ALWAYS, DescribedColumn
from streamtally.transform.payload_lines import BYTE_ORDER_MARK, split_lines, to_text
from streamtally.transform.source import Source

SAMPLE_RECORDS, SAMPLE_CHARS = 3, 16_384
"""How many records are looked at for the columns, and how many characters of base64 of each."""

_SHAPES = {"VARCHAR": "cell", "INTEGER": "integer:9", "BIGINT": "integer:18", "DOUBLE": "decimal"}
_USUAL_SHAPES = {"date": "form:0000-00-00", "s_ip": "address"}
"""Of IIS's default columns, by which an entry is told from lines of other formats."""


def named_columns(source: Source, records: Sequence[Mapping[str, Any]]) -> PlainLines | None:
    """The plain lines of an event's records; None: the format does not name its columns, or Python reads the event.

    Args: records: the event's.
    """
    log_format = source.constant_format
    if log_format not in (ltsv.FORMAT, w3c.FORMAT) or type(source.parse) is not InsideParser:
        return None
    if source.event_time_needs_arrival:
        return None
    lines = _sample(records)
    if log_format is w3c.FORMAT:
        return _w3c(source, next((line for line in lines if line.startswith(w3c.FIELDS_LINE)), ""))
    labels = next((labels for labels in map(ltsv.labels_of, lines) if labels is not None), None)
    return None if labels is None else _ltsv(source, labels)


def _sample(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The first lines of the first records that are whole."""
    lines: list[str] = []
    for record in records[:SAMPLE_RECORDS]:
        data = record.get(DATA)
        if not isinstance(data, str):
            continue
        with suppress(ValueError):
            text = to_text(pybase64.b64decode(data[:SAMPLE_CHARS], validate=True))
            whole = text if len(data) <= SAMPLE_CHARS else text[: text.rfind("\n") + 1]
            lines += split_lines(whole.replace(BYTE_ORDER_MARK, ""))
    return lines


@lru_cache(maxsize=16)
def _ltsv(source: Source, labels: tuple[str, ...]) -> PlainLines | None:
    natural = {field.name: field.type for field in ltsv.FIELDS}
    declared = {**COLUMN_TYPES, **source.settings.types}
    types = {label: parse_type(declared.get(label) or natural.get(label, "VARCHAR")).name for label in labels}
    if any(types[label] not in ("VARCHAR", "INTEGER", "BIGINT") for label in labels if label in declared):
        return None
    columns: list[DescribedColumn] = [
        (label, _SHAPES[types[label]], ("\t" if index else "") + f"{label}:", True, ALWAYS)
        for index, label in enumerate(labels)
    ]
    return PlainLines(
        tuple(columns), "", unscanned(types), has_escapes=not source.settings.unescape, log_format=ltsv.FORMAT
    )


@lru_cache(maxsize=16)
def _w3c(source: Source, fields_line: str) -> PlainLines | None:
    parse = source.parse.inner if isinstance(source.parse, InsideParser) else source.parse
    parse = parse.for_record() if isinstance(parse, RecordParser) else parse
    if not isinstance(parse, w3c.W3cParser):
        return None
    if fields_line:
        with suppress(FormatError):  # a header line is no event
            parse(fields_line)
    types = parse.plain_columns
    if not types:
        return None
    usual = _USUAL_SHAPES if parse.has_usual_columns else {}
    columns: list[DescribedColumn] = [
        (
            name,
            usual.get(name) or ("word" if type_name == "VARCHAR" else _SHAPES[type_name]),
            " " if index else "",
            True,
            ALWAYS,
        )
        for index, (name, type_name) in enumerate(types.items())
    ]
    return PlainLines(
        tuple(columns),
        "",
        unscanned(types),
        has_escapes=not source.settings.unescape,
        log_format=w3c.FORMAT,
        directive=fields_line,
        has_directives=True,
    )
