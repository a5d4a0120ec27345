"""``pipeline.toml`` and a plan → ``pipeline.json``, which is what the functions read."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from streamtally.config.field_types import check_types
from streamtally.config.output_checks import check_horizons, check_index_name, check_output, check_overlaps
from streamtally.config.outputs import OutputTable, to_settings
from streamtally.config.program import ProgramTable
from streamtally.config.read import read_table, refuse_misplaced, unknown_name
from streamtally.config.reference import ReferenceTable, read_reference, reference_where, to_reference_settings
from streamtally.config.source import SourceSettings, check_source
from streamtally.errors import SettingsError
from streamtally.indices.spec import read_specs
from streamtally.plan.types import parse_type
from streamtally.text import visible
from streamtally.transform.known_columns import check_declared
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.reference_file import decode_reference
from streamtally.transform.source import Source, ZoneOf

_FILE = "pipeline.toml:"
_ANY_STREAM = "the-functions-own"
"""Stands for SUMMARY_STREAM, which the function's environment names, while the outputs are checked."""

_SOURCE, _OUTPUT, _REFERENCE = "[source]", "[outputs.<name>]", "[reference.<name>]"
_TABLES = ("source", "outputs", "program", "reference")


def define_pipeline(
    toml_text: str, plan: Mapping[str, Any], zone_of: ZoneOf, files: Mapping[str, bytes] | None = None
) -> dict[str, Any]:
    """The ``pipeline.json`` document of a pipeline folder, checked as the functions and the index manager read it.

    Args:
        toml_text: ``pipeline.toml``.
        plan: the compiled program, or ``plan.json``.
        zone_of: a time zone's name → the zone.
        files: the content of the folder's reference tables, by the names of their files.
    Raises: SettingsError: what is wrong, and where.
    """
    toml = read_definition(toml_text)
    open_source(toml, zone_of)
    outputs = {name: _define_output(name, table) for name, table in toml["outputs"].items()}
    document = {"source": toml["source"], "outputs": outputs, "plan": dict(plan)}
    if toml["reference"]:
        document["references"] = _define_references(toml["reference"], files or {})
    _check_outputs(document)
    _check_sliding(toml["outputs"], plan)
    load_pipeline(document, zone_of)
    with _prefixed(_FILE):
        read_specs(document, _ANY_STREAM)
    return document


def read_definition(toml_text: str) -> dict[str, dict[str, Any]]:
    """``pipeline.toml`` as its tables, each setting of the right type.

    Raises: SettingsError: what is wrong, and where.
    """
    toml = _parse(toml_text)
    rooms = {**dict.fromkeys(OutputTable.__struct_fields__, _OUTPUT), **_rooms_for_output()}
    refuse_misplaced(toml, _TABLES, f"{_FILE} ", {**rooms, **_fields(SourceSettings, _SOURCE)})
    for name in toml:
        if name not in _TABLES:
            raise SettingsError(f"{_FILE} {unknown_name('table', name, _TABLES)}")
    tables = {name: toml.get(name, {}) for name in _TABLES}
    _check_source_table(tables["source"])
    read_table(ProgramTable, tables["program"], f"{_FILE} [program]")
    if not isinstance(tables["reference"], dict):
        raise SettingsError(f"{_FILE} reference = {tables['reference']!r}: write a table per table, {_REFERENCE}")
    read_references_of(tables)
    if not isinstance(tables["outputs"], dict):
        raise SettingsError(f"{_FILE} outputs = {tables['outputs']!r}: write a table per output, {_OUTPUT}")
    for name, table in tables["outputs"].items():
        if not isinstance(table, Mapping) and name in rooms:
            raise SettingsError(f"{_FILE} [outputs] {name}: this setting belongs in {rooms[name]}")
        where = _where(name)
        refuse_misplaced(
            table,
            OutputTable.__struct_fields__,
            f"{where} ",
            {**_fields(SourceSettings, _SOURCE), **_rooms_for_output("of this output")},
        )
        read_table(OutputTable, table, where)
    return tables


def read_references_of(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, ReferenceTable]:
    """The reference tables of a definition, by name. Raises: SettingsError: what is wrong, and where."""
    references = {name: read_reference(name, value) for name, value in tables["reference"].items()}
    for name, table in references.items():
        for column, sql_type in table.columns.items():
            with _prefixed(f"{reference_where(name)} columns.{visible(column, 60)}:"):
                parse_type(sql_type)
    return references


def open_source(tables: Mapping[str, Mapping[str, Any]], zone_of: ZoneOf) -> Source:
    """The source of a definition, ready to read lines.

    Raises: SettingsError: an unknown format, type or time zone, or a pattern that does not compile.
    """
    settings = read_table(SourceSettings, tables["source"], f"{_FILE} {_SOURCE}")
    with _prefixed(f"{_FILE} {_SOURCE}"):
        check_source(settings, "format" in tables["source"])
        for name, sql_type in settings.types.items():
            with _prefixed(f"types.{visible(name, 60)}:"):
                parse_type(sql_type)
        source = Source(settings, zone_of)
        check_declared(source)
        return source


def _parse(toml_text: str) -> dict[str, Any]:
    if toml_text.startswith("\ufeff"):
        raise SettingsError("pipeline.toml begins with a byte order mark: save it as UTF-8 without one")
    try:
        return tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"pipeline.toml is not TOML: {error}") from None
    except RecursionError:
        raise SettingsError("pipeline.toml cannot be read: it is nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits, a date that no calendar has
        raise SettingsError(f"pipeline.toml cannot be read: {str(error).partition(';')[0]}") from None


def _check_source_table(table: Any) -> None:
    where = f"{_FILE} {_SOURCE}"
    rooms = {**_fields(OutputTable, _OUTPUT), **_rooms_for_output()}
    refuse_misplaced(table, SourceSettings.__struct_fields__, f"{where} ", rooms)
    read_table(SourceSettings, table, where)
    try:
        json.dumps(table)
    except TypeError:  # TOML has dates and times, pipeline.json does not
        raise SettingsError(f"{where} agent_options: a date or time must be text: write it in quotes") from None


def _fields(kind: type[msgspec.Struct], room: str) -> dict[str, str]:
    return dict.fromkeys(kind.__struct_fields__, room)


def _rooms_for_output(whose: str = f"under {_OUTPUT}") -> dict[str, str]:
    """Settings of an output's inner tables → where they belong."""
    return {
        **dict.fromkeys(("max_age", "max_count", "max_size", "min_free_disk"), f"retention = {{ … }} {whose}"),
        **dict.fromkeys(("rollover", "force_merge", "require_snapshot", "managed_by"), f"options = {{ … }} {whose}"),
    }


def _where(name: str) -> str:
    return f"{_FILE} [outputs.{visible(name, 80)}]"


def _define_output(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    where = _where(name)
    table = read_table(OutputTable, value, where)
    check_index_name(table.index, where)
    with _prefixed(where):
        settings = to_settings(table)
        check_output(settings)
    check_horizons(settings, where)
    # Tables that are not converted are copied as they were written, so that the file says no more than its author did.
    document = {**msgspec.to_builtins(settings), "types": table.types, "options": value.get("options", {})}
    optional = ("shards", "replicas", "auto_expand_replicas", "partials_shards", "partials_replicas")
    return {key: item for key, item in document.items() if item is not None or key not in optional}


def _define_references(tables: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
    references = {}
    for name, value in tables.items():
        table = read_reference(name, value)
        text = None
        if table.file is not None:
            where = f"{reference_where(name)} file = {visible(table.file, 120)!r}"
            if table.file not in files:
                raise SettingsError(f"{where}: there is no such file in the pipeline folder")
            with _prefixed(f"{where}:"):
                text = decode_reference(files[table.file])
        settings = to_reference_settings(name, table, text)
        references[name] = {key: item for key, item in msgspec.to_builtins(settings).items() if item is not None}
    return references


def _check_sliding(tables: Mapping[str, Mapping[str, Any]], plan: Mapping[str, Any]) -> None:
    """Whoever asks for minutes has sliding windows that are composed of them."""
    composed = {
        node.get("stream", node.get("name"))
        for node in plan.get("outputs", [])
        if "inner_ms" in node and "levels" not in node
    }
    for name, table in tables.items():
        if "sliding" in table and name not in composed:
            raise SettingsError(f"{_where(name)} sliding: the output has no sliding window (OVER … RANGE): remove it")


def _check_outputs(document: Mapping[str, Any]) -> None:
    """Outputs and plan name each other, and no index's pattern matches another output's indices."""
    columns: dict[str, set[str]] = {}
    for node in document["plan"].get("outputs", []):
        names = {column["name"] for column in node.get("columns", ()) if "name" in column}
        columns.setdefault(node.get("stream", node.get("name")), set()).update(names)
    if unbound := sorted(set(document["outputs"]) - set(columns)):
        known = ", ".join(sorted(filter(None, columns))) or "none"
        raise SettingsError(f"{_where(unbound[0])} is not an output of the program: its outputs are {known}")
    for name, settings in document["outputs"].items():
        check_types(settings["types"], columns[name], _where(name))
    with _prefixed(_FILE):
        check_overlaps({name: settings["index"] for name, settings in document["outputs"].items()})


@contextmanager
def _prefixed(where: str) -> Iterator[None]:
    """Puts the position in the file before the text of a SettingsError."""
    try:
        yield
    except SettingsError as error:
        raise SettingsError(f"{where} {error}") from None
