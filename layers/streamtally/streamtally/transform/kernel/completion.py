"""Completing rows that were counted by some of their fields: which fields the columns of roles are made of."""

from __future__ import annotations

from collections.abc import Collection

from streamtally.formats.base import Format, Row
from streamtally.formats.field_readers import alternatives
from streamtally.formats.role_names import COLUMN_ROLES
from streamtally.transform.source import Source

_PARTS_OF_REQUEST = ("method", "path", "query", "protocol")


class RoleCompletion:
    """What ``Source.complete`` does to a line's row, for a row that has only the fields that it needs."""

    def __init__(self, source: Source, log_format: Format | None) -> None:
        self._source = source
        self._format = log_format

    def fields_for(self, columns: Collection[str]) -> set[str]:
        """The columns themselves, the fields of their roles, and those of the event time."""
        return self.fields_of_columns(columns) | self.time_fields

    @property
    def time_fields(self) -> frozenset[str]:
        """The fields of the event time."""
        own = alternatives(self._format.time_field or ()) if self._format is not None else ()
        return frozenset({*self._source.event_time_fields, *own})

    def fields_of_columns(self, columns: Collection[str]) -> set[str]:
        """The columns themselves, and the fields of their roles."""
        fields = set(columns)
        if self._format is None:
            return fields
        for column in columns:
            role = COLUMN_ROLES.get(column, "")
            for name in (role, *_PARTS_OF_REQUEST) if column == "request" else (role,):
                fields.update(alternatives(getattr(self._format.roles, name)) if name else ())
        return fields

    def complete(self, row: Row, arrival: int) -> None:
        """Complete a row, in place."""
        self._source.complete(self._source.parse, row, arrival)
