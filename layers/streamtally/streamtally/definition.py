"""``pipeline.toml`` and a plan → ``pipeline.json``, which is what the functions read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from streamtally.errors import SettingsError
from streamtally.outputs import REPLICAS, ROTATIONS, SHARDS
from streamtally.pipeline import load_pipeline
from streamtally.source import ZoneOf, source_settings

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)")
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,199}")
_PARTIALS_MARGIN_DAYS = 2

_OUTPUT_KEYS = {
    "stream",
    "index",
    "rotation",
    "retention",
    "grace",
    "max_past",
    "max_ahead",
    "partials",
    "partials_shards",
    "partials_replicas",
    "types",
    "options",
}
_RETENTION_KEYS = {"max_age", "max_count", "max_size", "min_free_disk"}


def define_pipeline(toml_text: str, plan: Mapping[str, Any], zone_of: ZoneOf) -> dict[str, Any]:
    """The ``pipeline.json`` document of a pipeline folder, checked by loading it.

    Args: toml_text: ``pipeline.toml``; plan: the program compiled, or ``plan.json``.
    Raises: SettingsError: what is wrong, and where.
    """
    toml = read_definition(toml_text)
    source = toml["source"]
    source_settings(source)
    outputs = {name: _define_output(name, table) for name, table in toml["outputs"].items()}
    document = {"source": source, "outputs": outputs, "plan": dict(plan)}
    _check_outputs(document)
    load_pipeline(document, zone_of)
    return document


def read_definition(toml_text: str) -> dict[str, dict[str, Any]]:
    """``pipeline.toml`` as its two tables, not yet checked. Raises: SettingsError: not TOML, or not these tables."""
    try:
        toml = tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"pipeline.toml is not TOML: {error}") from None
    if unknown := sorted(set(toml) - {"source", "outputs"}):
        raise SettingsError(f"pipeline.toml: unknown table [{unknown[0]}]: there are [source] and [outputs.<name>]")
    tables = {"source": toml.get("source") or {}, "outputs": toml.get("outputs") or {}}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(f"pipeline.toml: {name} is a table: write [{name}]")
    return tables


def _define_output(name: str, table: Any) -> dict[str, Any]:
    where = f"pipeline.toml: [outputs.{name}]"
    if not isinstance(table, dict):
        raise SettingsError(f"{where} is a table")
    _refuse_unknown(table, _OUTPUT_KEYS, where)
    retention = table.get("retention") or {}
    _refuse_unknown(retention, _RETENTION_KEYS, f"{where} retention")
    output = {
        "stream": table.get("stream") or None,
        "index": _index_name(table.get("index"), where),
        "rotation": table.get("rotation", "day"),
        "retention": {
            "max_age_days": _days(retention, "max_age", None, where),
            "max_count": retention.get("max_count"),
            "max_size_bytes": _size_bytes(retention.get("max_size"), where),
            "min_free_disk_share": retention.get("min_free_disk"),
        },
        "grace_seconds": _seconds(table, "grace", "20m", where),
        "max_past_seconds": _seconds(table, "max_past", "7d", where),
        "max_ahead_seconds": _seconds(table, "max_ahead", "1h", where),
        "partials_days": _days(table, "partials", "10d", where),
        **_count(table, "partials_shards", SHARDS, where),
        **_count(table, "partials_replicas", REPLICAS, where),
        "types": table.get("types") or {},
        "options": table.get("options") or {},
    }
    if output["rotation"] not in ROTATIONS:
        raise SettingsError(f"{where} unknown rotation {output['rotation']!r}: it is one of {', '.join(ROTATIONS)}")
    _check_horizons(output, where)
    return output


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise SettingsError(f"{where} unknown setting {unknown[0]!r}: the settings are {', '.join(sorted(known))}")


def _index_name(name: Any, where: str) -> str:
    if not isinstance(name, str) or not _INDEX_NAME.fullmatch(name):
        raise SettingsError(f"{where} index {name!r}: an index name is lower case letters, digits, '_' and '-'")
    if name.startswith(("inbox-", "partials-", "late-")):
        raise SettingsError(
            f"{where} index {name!r}: inbox-, partials- and late- are kept for Streamtally's own indices"
        )
    return name


def _seconds(table: Mapping[str, Any], key: str, default: str, where: str) -> int:
    value = table.get(key, default)
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise SettingsError(f"{where} {key} = {value!r}: a duration is a number and s, m, h or d, such as '20m'")
    return int(float(found[1]) * _SECONDS[found[2]])


def _days(table: Mapping[str, Any], key: str, default: str | None, where: str) -> float | None:
    if table.get(key, default) is None:
        return None
    days = _seconds(table, key, default or "", where) / 86_400
    return int(days) if days.is_integer() else days


def _count(table: Mapping[str, Any], key: str, allowed: range, where: str) -> dict[str, int]:
    """A setting that is a number of things, under its name; without it nothing, so that it changes no pipeline.json."""
    if key not in table:
        return {}
    value = table[key]
    if type(value) is not int or value not in allowed:
        raise SettingsError(f"{where} {key} = {value!r}: it is a number from {allowed.start} to {allowed.stop - 1}")
    return {key: value}


def _size_bytes(value: Any, where: str) -> int | None:
    if value is None:
        return None
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise SettingsError(f"{where} max_size = {value!r}: a size is a number and B, KB, MB, GB or TB, such as '20GB'")
    return int(float(found[1]) * _BYTES[found[2]])


def _check_horizons(output: Mapping[str, Any], where: str) -> None:
    """Partials must outlive every window that can still change, and an output its partials."""
    needed = (output["max_past_seconds"] + output["grace_seconds"]) / 86_400 + _PARTIALS_MARGIN_DAYS
    if output["partials_days"] < needed:
        raise SettingsError(
            f"{where} partials = {output['partials_days']}d: partials are kept at least max_past + grace + "
            f"{_PARTIALS_MARGIN_DAYS} days, {needed:.2f} days here"
        )
    kept = output["retention"]["max_age_days"]
    if kept is not None and kept < output["partials_days"]:
        raise SettingsError(
            f"{where} retention max_age is {kept} days: an output is kept at least as long as its partials"
        )


def _check_outputs(document: Mapping[str, Any]) -> None:
    """Outputs and plan name each other, and no index's pattern takes another's indices."""
    names = {node.get("stream", node.get("name")) for node in document["plan"].get("outputs", [])}
    if unbound := sorted(set(document["outputs"]) - names):
        known = ", ".join(sorted(filter(None, names))) or "none"
        raise SettingsError(
            f"pipeline.toml: [outputs.{unbound[0]}] is no output of the program: its outputs are {known}"
        )
    indices = sorted((settings["index"], name) for name, settings in document["outputs"].items())
    for (index, name), (other, other_name) in pairwise(indices):
        if other == index or re.match(rf"{re.escape(index)}-2", other):
            raise SettingsError(f"outputs {name!r} and {other_name!r}: the pattern of {index!r} also takes {other!r}")
