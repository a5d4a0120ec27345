"""The source's in-application stream, as a program sees it: its name, its columns, and the column of the event time."""

from __future__ import annotations

import re
from datetime import UTC

from streamtally.formats.role_names import CLF_TIME_FORMAT, TIME_COLUMN
from streamtally.plan.types import SqlType
from streamtally.sql.planning.program_streams import SourceStream
from streamtally.transform.source import Source


def source_stream(source: Source) -> SourceStream:
    """The in-application stream of a pipeline's source."""
    settings = source.settings
    columns: dict[str, SqlType] = {name: source.column(name)[1] for name in source.column_names()}
    by_role: dict[str, SqlType] = {name: source.column(name)[1] for name in source.role_column_names()}
    by_role |= {name: source.column(name)[1] for name in source.stated_column_names()}
    column = source.time_field if isinstance(source.time_field, str) else None
    if column is not None:
        column = settings.rename.get(column, column)
    # CHAR_TO_TIMESTAMP reads a pattern in UTC. A named format, or a zone that matters, would give another time.
    has_offset = re.search("[ZzX]", re.sub("'[^']*'", "", source.time_format)) is not None
    comparable = (source.zone is UTC or has_offset) and "yy" in source.time_format
    times = {(column, source.time_format)} if column is not None and comparable else set()
    if source.time_by_role and TIME_COLUMN in by_role:
        times.add((TIME_COLUMN, CLF_TIME_FORMAT))
    return SourceStream(columns, settings.stream_name, column, frozenset(times), by_role)
