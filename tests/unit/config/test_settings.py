"""Each setting with each wrong type: one line with its path in the file and what to write instead."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from scripts.make_pipeline_schema import PATH, schema_text
from streamtally.config.output_checks import check_index_name, check_overlaps
from streamtally.config.outputs import (
    IndexOptions,
    Limits,
    OutputSettings,
    OutputTable,
    RetentionTable,
    Rollover,
    output_settings,
    to_settings,
)
from streamtally.config.read import read_table, to_toml
from streamtally.config.source import SourceSettings, TrueClient
from streamtally.config.units import format_duration, parse_duration, parse_size
from streamtally.errors import SettingsError

ROOT = Path(__file__).resolve().parents[3]
WHERE = "pipeline.toml: [x]"

# A table class, and what else must stand in a table of it.
TABLES: list[tuple[type[msgspec.Struct], dict[str, Any]]] = [
    (SourceSettings, {}),
    (TrueClient, {"forwarded": "x_forwarded_for"}),
    (OutputTable, {"index": "requests"}),
    (RetentionTable, {}),
    (Limits, {}),
    (IndexOptions, {}),
    (Rollover, {}),
    (OutputSettings, {"index": "requests"}),
]
WRONG: dict[str, Any] = {
    "text": "certainly not",
    "empty text": "",
    "integer": 5,
    "negative": -1,
    "zero": 0,
    "huge": 2**70,
    "float": 0.5,
    "not a number": float("nan"),
    "boolean": True,
    "list": [1],
    "list of lists": [[]],
    "table": {"nonsense": 1},
    "null": None,
}


def settings() -> Iterator[Any]:
    """Every setting of every table, with every value."""
    for kind, required in TABLES:
        for name in kind.__struct_fields__:
            for label, value in WRONG.items():
                yield pytest.param(kind, required, name, value, id=f"{kind.__name__}.{name}-{label}")


@pytest.mark.parametrize(("kind", "required", "name", "value"), list(settings()))
def test_each_setting_with_each_wrong_value(
    kind: type[msgspec.Struct], required: dict[str, Any], name: str, value: Any
) -> None:
    """A value is of the setting's type, or refused in one line that names the setting; nothing else is raised."""
    try:
        table = read_table(kind, {**required, name: value}, WHERE)
    except SettingsError as error:
        text = str(error)
        assert text.startswith(f"{WHERE} {name}"), text
        assert "\n" not in text
        assert "expected" in text or "unknown setting" in text or "is missing" in text
        assert len(text) < 900
    else:
        assert type(getattr(table, name)) in ACCEPTED[type(value)], (name, value)


ACCEPTED: dict[type, tuple[type, ...]] = {
    str: (str,),
    int: (int, float),
    float: (float,),
    bool: (bool,),
    list: (list, tuple),
    dict: (dict, Rollover),
    type(None): (type(None),),
}


@pytest.mark.parametrize(
    ("kind", "table", "says"),
    [
        (SourceSettings, {"format": 5}, '[x] format = 5: expected text that is not empty, such as format = "auto"'),
        (SourceSettings, {"line_id": "false"}, '[x] line_id = "false": expected true or false'),
        (SourceSettings, {"types": {"bytes": 5}}, "[x] types.bytes = 5: expected text, such as types = {"),
        (SourceSettings, {"fields": ["a", 5]}, "[x] fields[1] = 5: expected text"),
        (SourceSettings, {"formta": "x"}, "[x] unknown setting 'formta': did you mean 'format'? There are agent_opt"),
        (SourceSettings, {"true_client": {"client": "c"}}, "[x] true_client: forwarded is missing: write forwarded = "),
        (SourceSettings, {"true_client": {"trustd": []}}, "[x] true_client: unknown setting 'trustd': did you mean"),
        (OutputTable, {}, '[x] index is missing: write index = "request_data"'),
        (OutputTable, {"index": "x", "grace": 20}, "[x] grace = 20: expected a duration: a number and s, m, h or d"),
        (OutputTable, {"index": "x", "retention": {"max_size": "1 PB"}}, 'max_size = "1 PB": expected a size'),
        (OutputTable, {"index": "x", "retention": {"min_free_disk": 12}}, "expected a number (above 0, below 1)"),
        (OutputTable, {"index": "x", "options": {"managed_by": "cron"}}, "expected one of function, ism"),
        (OutputTable, {"index": "x", "options": {"nonsense": 1}}, "[x] options: unknown setting 'nonsense'"),
        (OutputTable, {"index": "x", "rotation": "dayly"}, "expected one of hour, day, week, month, rollover"),
        (OutputTable, {"index": "a\x1b[31m\n", "rotation": "\x1b[31m\n"}, r'rotation = "\u001b[31m\n": expected'),
        (OutputTable, [], "pipeline.toml: [x] = []: expected a table of settings"),
    ],
)  # fmt: skip
def test_messages(kind: type[msgspec.Struct], table: Any, says: str) -> None:
    """What is wrong, where, and what to write."""
    with pytest.raises(SettingsError) as raised:
        read_table(kind, table, WHERE)
    assert says in str(raised.value)


@pytest.mark.parametrize("kind", [kind for kind, _ in TABLES if kind not in (Limits, OutputSettings, Rollover)])
def test_examples_and_descriptions(kind: type[msgspec.Struct]) -> None:
    """Every setting that a user writes has a description and an example, and each example is of its type."""
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        meta = [part for part in typing.get_args(hint) if isinstance(part, msgspec.Meta)][-1]
        assert meta.description, name
        for example in meta.examples or ():
            msgspec.convert(example, hint, strict=True)
        assert meta.examples, name


def test_the_schema_is_up_to_date() -> None:
    """``docs/pipeline.schema.json`` is what the classes say (make pipeline-schema)."""
    assert PATH.read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("name", ["layers/pipeline/pipeline", "pipelines/rows"])
def test_the_pipelines_of_the_checkout_read_the_same(name: str) -> None:
    """The compiled settings are those that the index manager reads."""
    document = json.loads((ROOT / name / "pipeline.json").read_text(encoding="utf-8"))
    for output, table in document["outputs"].items():
        settings = msgspec.to_builtins(output_settings(output, table)) | {"options": {}}
        optional = ("partials_", "shards", "replicas", "auto_expand_replicas")  # written only if they are set
        assert {name: value for name, value in settings.items() if not name.startswith(optional)} == {
            name: value for name, value in table.items() if not name.startswith(optional)
        }
        assert settings["partials_days"] == table["partials_days"]


def test_defaults_stand_once() -> None:
    """A table that says nothing but the index has the defaults of ``pipeline.json``."""
    assert to_settings(OutputTable(index="x")) == OutputSettings(index="x")


@drawn(st.integers(0, 999_999_999))
def test_durations_survive(seconds: int) -> None:
    """What is written is read as the same seconds."""
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1.5m", 90), (" 2 h ", 7_200), ("7d", 604_800), ("0s", 0), ("0.25d", 21_600)]
)
def test_durations(text: str, seconds: int) -> None:
    """A number and s, m, h or d."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "20", "20 min", "-1m", "1e3s", "٣m", "1h30m", "20m\n5s", "∞d", "1_0s"])
def test_what_is_no_duration(text: str) -> None:
    """Refused, at the pattern and by the parser alike."""
    with pytest.raises(ValueError):
        parse_duration(text)
    with pytest.raises(SettingsError, match="grace"):
        read_table(OutputTable, {"index": "x", "grace": text}, WHERE)


@pytest.mark.parametrize(("text", "size"), [("1B", 1), ("1.5GB", 1_500_000_000), ("2 TB", 2 * 10**12), ("1KB", 1000)])
def test_sizes(text: str, size: int) -> None:
    """Powers of ten."""
    assert parse_size(text) == size


@pytest.mark.parametrize("index", ["Requests", "_x", "-x", "a b", "a/b", "x" * 201, "", "é", "inbox-x", "partials-a",
                                   "late-a", "streamtally-x", "a,b", "a*", ".x"])  # fmt: skip
def test_refused_index_names(index: str) -> None:
    """OpenSearch's rules, and the prefixes of our own indices."""
    with pytest.raises(SettingsError, match="index"):
        check_index_name(index, WHERE)


@pytest.mark.parametrize("indices", [{"A": "web", "B": "web"}, {"A": "web", "B": "web-2nd"}, {"A": "b-01", "B": "b"}])
def test_overlapping_indices(indices: dict[str, str]) -> None:
    """In whichever order they stand."""
    with pytest.raises(SettingsError, match="also takes"):
        check_overlaps(indices)


def test_toml_of_values() -> None:
    """Examples are written as TOML writes them."""
    assert to_toml({"a": [1, "x"], "b": True}) == '{ a = [1, "x"], b = true }'
