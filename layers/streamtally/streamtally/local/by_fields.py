"""What ``run --by FIELD,FIELD`` counts by: each name as a column of the source, whatever the format calls it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from streamtally.config.source import AUTO
from streamtally.errors import SettingsError
from streamtally.formats import REGISTRY, find_format
from streamtally.formats.base import Format
from streamtally.formats.role_names import ROLE_TO_COLUMN
from streamtally.formats.roles import fields_of, is_open
from streamtally.formats.wrappers.request_parts import PARTS, has_parts
from streamtally.text import visible
from streamtally.transform.known_columns import known_columns, unknown_field
from streamtally.transform.source import Source

MAX_FIELDS = 20
_NAME = re.compile(
    r'"((?:[^"]|"")*)"(?=,|\Z)'  # in quotes, which are doubled inside: a name may hold a comma
    r"|([^,]*)"
)
_UNUSABLE = re.compile("[\0\r\ud800-\udfff]")
"""What an SQL program cannot hold: NUL, a carriage return (it is a line end there), bytes that are not UTF-8."""


@dataclass(frozen=True, slots=True)
class Key:
    """A field to count by: its name in documents, and the columns of which the first that is not null counts."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ByFields:
    """The fields to count by, and what the source must have for them.

    Attributes:
        keys: The fields, in order.
        split_request: Whether the request must be split.
        declared: Columns that only the lines themselves can have.
    """

    keys: tuple[Key, ...] = ()
    split_request: bool = False
    declared: tuple[str, ...] = field(default=())


def split_names(texts: Iterable[str]) -> list[str]:
    """The names in ``--by A,B``, given once or several times; a name that holds a comma is written in quotes.

    Raises: SettingsError: no name, too many, or one twice.
    """
    names = []
    for text in texts:
        position = 0
        while position <= len(text):
            match = _NAME.match(text, position)
            quoted, plain = match.groups() if match else (None, "")
            names.append(plain.strip() if quoted is None else quoted.replace('""', '"'))
            position = (match.end() if match else position) + 1
    names = [name for name in names if name]
    if not names:
        raise SettingsError("--by: give the field to count by, such as --by status")
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"--by: {visible(name, 60)} occurs twice: give each field once")
        if _UNUSABLE.search(name):
            raise SettingsError(f"--by: {visible(name, 60)} holds a byte or character that no column can have")
    if len(names) > MAX_FIELDS:
        raise SettingsError(f"--by: {len(names)} fields; at most {MAX_FIELDS} can be counted by")
    return names


def resolve_fields(names: Sequence[str], source: Source) -> ByFields:
    """The columns of these names. Raises: SettingsError: the format has no such field; says which is near."""
    constant = None if source.settings.format == AUTO else find_format(source.settings.format)
    if source.settings.agent_options is not None:
        constant = REGISTRY["json"]
    result = ByFields()
    for name in names:
        result = _with_field(result, name, source, constant)
    return result


def _with_field(result: ByFields, name: str, source: Source, constant: Format | None) -> ByFields:
    own = set(source.column_names())
    if name in own or name in source.role_column_names():
        return _with_key(result, name, name)
    if name in PARTS:
        found_parts = _request_part(result, name, constant)
        if found_parts is not None:
            return found_parts
    column = _role_column(name, constant)
    if column is not None:
        return _with_key(result, name, column)
    known = known_columns(source)
    if known is None or name in known:  # a wrapper's field is known, but is no column until it is declared
        return replace(_with_key(result, name, name), declared=(*result.declared, name))
    roles = fields_of(constant) if constant else ()
    raise SettingsError(f"--by: {unknown_field(name, source.settings.format, [*known, *roles])}")


def _with_key(result: ByFields, name: str, *columns: str) -> ByFields:
    return replace(result, keys=(*result.keys, Key(name, columns)))


def _request_part(result: ByFields, name: str, constant: Format | None) -> ByFields | None:
    """A part of the request: a field of the format's own, or what splitting the request gives."""
    if constant is None or is_open(constant):
        return replace(_with_key(result, name, name), split_request=True)  # which goes by each line's roles
    if own := _own_part(constant, name):
        return _with_key(result, name, own)
    if has_parts(constant):
        return replace(_with_key(result, name, name), split_request=True)
    return None


def _own_part(log_format: Format, part: str) -> str:
    """The field that holds a part of the request by itself; empty if there is none."""
    names = getattr(log_format.roles, part)
    return names if isinstance(names, str) and not is_open(log_format) else ""


def _role_column(name: str, constant: Format | None) -> str | None:
    """The column of a role that is asked for by the role's name: the format's own field, else the role's column."""
    if constant is None:
        return ROLE_TO_COLUMN.get(name)
    return None if is_open(constant) else next(iter(fields_of(constant).get(name, ())), None)


def by_settings(source: Mapping[str, Any], by_fields: ByFields, time_types: Mapping[str, str]) -> dict[str, Any]:
    """The source's settings with what the fields need. Args: time_types: the type of the event time's column."""
    changed = dict(source)
    if by_fields.split_request:
        changed["split_request"] = True
    types = {**source.get("types", {}), **dict.fromkeys(by_fields.declared, "VARCHAR"), **time_types}
    if types:
        changed["types"] = types
    return changed
