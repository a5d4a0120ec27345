"""Which columns the lines of a source can have, where its format fixes them; and what names others is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streamtally.config.source import AUTO, EVENT_KEYS, SourceSettings
from streamtally.errors import SettingsError
from streamtally.formats import find_format
from streamtally.formats.roles import is_open
from streamtally.formats.unwrapping.headers import FIELDS
from streamtally.plan.conditions import columns_in
from streamtally.text import near_names, visible
from streamtally.transform.role_columns import format_columns
from streamtally.transform.source import Source

NAMED_BY_HEADER = frozenset(("w3c", "cloudfront", "vpc_flow"))
"""Formats in which a header line names the fields of the lines after it."""
_NAMED_BY_SETTINGS = ("regex", "csv", "tsv")
_MAX_LISTED = 40


def known_columns(source: Source) -> list[str] | None:
    """Every column that a line of the source can have; None if lines name their own fields.

    The pipeline's ``types`` are not among them: they convert columns, they do not make any.
    """
    settings = source.settings
    if settings.agent_options is not None or settings.line_field is not None or settings.format == AUTO:
        return None
    log_format = find_format(settings.format)
    if log_format.name in NAMED_BY_HEADER and not settings.fields:
        return None
    if is_open(log_format) and log_format.name not in _NAMED_BY_SETTINGS:
        return None
    own = source.own_names()
    if not own:  # the columns of csv and tsv without fields are numbered
        return None
    own += _wrapper_fields(settings)
    columns = [*(settings.rename.get(name, name) for name in own), *settings.paths, *format_columns(log_format)]
    return list(dict.fromkeys(columns))


def _wrapper_fields(settings: SourceSettings) -> list[str]:
    """The fields that wrappers give; csv, tsv and regex take a wrapper for a part of their own lines."""
    return [] if find_format(settings.format).name in _NAMED_BY_SETTINGS else sorted(FIELDS)


def check_declared(source: Source) -> None:
    """Refuse ``types`` and ``rename`` of fields that no line can have: such a column would always be NULL.

    Raises: SettingsError: which field, and what it may be called.
    """
    known = known_columns(source)
    if known is None:
        return
    settings = source.settings
    own = source.own_names()
    for setting, names, allowed in (
        ("types", settings.types, [*own, *_wrapper_fields(settings), *known]),
        ("partition_keys", settings.partition_keys, [*known, *own, *source.stated_column_names(), *EVENT_KEYS]),
        ("rename", settings.rename, [*own, *_wrapper_fields(settings)]),
    ):
        for name in names:
            if name not in allowed:
                raise SettingsError(f"{setting}: {unknown_field(name, settings.format, allowed)}")


def unknown_field(name: str, format_name: str, known: Sequence[str]) -> str:
    """That a format has no such field, and which is near. Args: known: the names that it could be."""
    names = list(dict.fromkeys(known))
    near = near_names(name, names, 1)
    advice = f'did you mean "{near[0]}"?' if near else f"its fields are {', '.join(names[:_MAX_LISTED])}"
    return f'"{visible(name, 60)}" is not a field of {visible(format_name, 60)}; {advice}'


def check_plan(plan: Mapping[str, Any], source: Source) -> None:
    """Refuse a compiled program that reads a column which no line of the source can have.

    Raises: SettingsError: which column, and which there are.
    """
    known = known_columns(source)
    if known is None:
        return
    allowed = {*known, *source.own_names(), *source.stated_column_names()}
    for name in sorted(set(columns_in(plan.get("outputs")))):
        if name not in allowed:
            shown = unknown_field(name, source.settings.format, known)
            raise SettingsError(f"the program reads a column that no line has: {shown}")
