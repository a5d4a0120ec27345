"""``pipeline.toml`` and a plan → ``pipeline.json``, which is what the functions read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from streamtally.config.outputs import OutputTable, check_horizons, check_index_name, check_overlaps, to_settings
from streamtally.config.read import read_table, unknown_name
from streamtally.config.source import SourceSettings
from streamtally.errors import SettingsError
from streamtally.indices.spec import read_specs
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.source import ZoneOf

_FILE = "pipeline.toml:"
_ANY_STREAM = "the-functions-own"
"""Stands for SUMMARY_STREAM, which the function's environment names, where the outputs are checked."""


def define_pipeline(toml_text: str, plan: Mapping[str, Any], zone_of: ZoneOf) -> dict[str, Any]:
    """The ``pipeline.json`` document of a pipeline folder, checked as the functions and the index manager read it.

    Args: toml_text: ``pipeline.toml``; plan: the program compiled, or ``plan.json``.
    Raises: SettingsError: what is wrong, and where.
    """
    toml = read_definition(toml_text)
    outputs = {name: _define_output(name, table) for name, table in toml["outputs"].items()}
    document = {"source": toml["source"], "outputs": outputs, "plan": dict(plan)}
    _check_outputs(document)
    load_pipeline(document, zone_of)
    read_specs(document, _ANY_STREAM)
    return document


def read_definition(toml_text: str) -> dict[str, dict[str, Any]]:
    """``pipeline.toml`` as its two tables, ``source`` checked. Raises: SettingsError: what is wrong, and where."""
    try:
        toml = tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"pipeline.toml is not TOML: {error}") from None
    except RecursionError:
        raise SettingsError("pipeline.toml is not TOML that can be read: it is nested too deeply") from None
    for name in toml:
        if name not in ("source", "outputs"):
            raise SettingsError(f"{_FILE} {unknown_name('table', name, ('source', 'outputs'))}")
    tables = {"source": toml.get("source", {}), "outputs": toml.get("outputs", {})}
    read_table(SourceSettings, tables["source"], f"{_FILE} [source]")
    if not isinstance(tables["outputs"], dict):
        raise SettingsError(f"{_FILE} outputs = {tables['outputs']!r}: write a table per output, [outputs.<name>]")
    return tables


def _define_output(name: str, value: Any) -> dict[str, Any]:
    where = f"{_FILE} [outputs.{name}]"
    table = read_table(OutputTable, value, where)
    check_index_name(table.index, where)
    try:
        settings = to_settings(table)
    except ValueError as error:
        raise SettingsError(f"{where} {error}") from None
    check_horizons(settings, where)
    # Tables that are not converted go on as they were written, so that the file says no more than its author did.
    document = {**msgspec.to_builtins(settings), "types": table.types, "options": value.get("options", {})}
    optional = ("partials_shards", "partials_replicas")
    return {key: item for key, item in document.items() if item is not None or key not in optional}


def _check_outputs(document: Mapping[str, Any]) -> None:
    """Outputs and plan name each other, and no index's pattern takes another's indices."""
    names = {node.get("stream", node.get("name")) for node in document["plan"].get("outputs", [])}
    if unbound := sorted(set(document["outputs"]) - names):
        known = ", ".join(sorted(filter(None, names))) or "none"
        raise SettingsError(f"{_FILE} [outputs.{unbound[0]}] is no output of the program: its outputs are {known}")
    check_overlaps({name: settings["index"] for name, settings in document["outputs"].items()})
