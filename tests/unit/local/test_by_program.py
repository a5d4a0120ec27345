"""``run --by``: names → columns → SQL that compiles, whatever a field is called."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.errors import SettingsError
from streamtally.local.by_fields import split_names
from streamtally.local.by_program import STREAM, ByProgram, program_by


def columns(program: ByProgram) -> list[tuple[str, str]]:
    (output,) = program.document["plan"]["outputs"]
    return [(column["name"], column["type"]) for column in output["columns"]]


# Names are divided at commas, also over several options; a name that holds a comma or quotes is written in quotes.
@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["status"], ["status"]),
        (["status, path", "host"], ["status", "path", "host"]),
        (['"a,b",c'], ["a,b", "c"]),
        (['"a""b"'], ['a"b']),
        (['a"b'], ['a"b']),
        (["cs(User-Agent),@timestamp,a b"], ["cs(User-Agent)", "@timestamp", "a b"]),
        (["a,,b,"], ["a", "b"]),
    ],
)
def test_names(texts: list[str], names: list[str]) -> None:
    assert split_names(texts) == names


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([""], "give the field to count by"),
        ([","], "give the field to count by"),
        (["a,b,a"], "a occurs twice"),
        (["a\rb"], "no column can have"),
        (["\udcff"], "no column can have"),
        ([",".join(map(str, range(21)))], "at most 20"),
    ],
)
def test_refused_names(texts: list[str], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        split_names(texts)


# A document is the minute, the fields under the names that were asked for, and the count.
def test_columns() -> None:
    program = program_by(["elb_status_code", "host"], {"format": "alb", "time_field": "format"})
    assert columns(program) == [
        ("datetime", "VARCHAR(23)"),
        ("elb_status_code", "INTEGER"),
        ("host", "VARCHAR"),
        ("count", "BIGINT"),
    ]
    (output,) = program.document["plan"]["outputs"]
    assert (output["name"], output["window_ms"], output["time"]) == (STREAM, 60_000, {"time": "event"})
    assert program.fields == {"elb_status_code": ("elb_status_code",), "host": ("host",)}


# A role's name stands for the format's own field; parts of the request are split off where they are no fields.
@pytest.mark.parametrize(
    ("log_format", "name", "column", "split"),
    [
        ("alb", "status", "elb_status_code", False),
        ("alb", "client", "client", False),
        ("alb", "path", "path", True),
        ("apache_combined", "method", "method", True),
        ("apache_combined", "status", "response", False),
        ("w3c", "path", "cs_uri_stem", False),
        ("nginx_error", "level", "level", False),
        ("rfc5424", "level", "level", False),
        ("nginx:$remote_addr [$time_local] $status", "status", "status", False),
        ("auto", "status", "response", False),
        ("auto", "client", "host", False),
        ("json", "status", "status", False),
        ("ltsv", "anything", "anything", False),
    ],
)
def test_roles(log_format: str, name: str, column: str, split: bool) -> None:
    program = program_by([name], {"format": log_format})
    assert program.fields == {name: (column,)}
    assert program.document["source"].get("split_request", False) is split


# A field that no line of the format can have is refused, with the near name.
@pytest.mark.parametrize(
    ("source", "name", "near"),
    [
        ({"format": "alb"}, "statsu", 'did you mean "status"'),
        ({"format": "alb"}, "elb_statuscode", 'did you mean "elb_status_code"'),
        ({"format": "apache_combined"}, "respons", 'did you mean "response"'),
        ({"format": "nginx:$status [$time_local]"}, "statuss", 'did you mean "status"'),
        ({"format": "regex", "pattern": r"(\S+) (\d+)", "fields": ["verb", "code"]}, "cod", 'did you mean "code"'),
        ({"format": "csv", "fields": ["verb", "code"]}, "zzz", "its fields are verb, code"),
        ({"format": "nginx_error"}, "path_", "its fields are"),
    ],
)
def test_unknown_field(source: dict[str, object], name: str, near: str) -> None:
    with pytest.raises(SettingsError) as caught:
        program_by([name], source)
    assert str(caught.value).startswith(f'--by: "{name}" is not a field of ')
    assert near in str(caught.value)


# Two columns of a document never have the same name, and none has one that OpenSearch keeps for itself.
def test_labels() -> None:
    program = program_by(["datetime", "count", "count_2", "_id", "tally.x"], {"format": "json"})
    assert [name for name, _ in columns(program)] == [
        "datetime_2", "datetime", "count", "count_2", "field__id", "field_tally.x", "count_3",
    ]  # fmt: skip


# A time field of the user's own is read as the source reads it.
def test_time_field() -> None:
    program = program_by(["a"], {"format": "json", "time_field": "at", "time_format": "auto"})
    assert 'FLOOR(s."at" TO MINUTE)' in program.sql
    (output,) = program.document["plan"]["outputs"]
    assert output["time"] == {"time": "event"}


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=8)


# What is shown compiles by itself: the definition is TOML that gives the same source, whatever a field is called.
@settings(deadline=None, max_examples=60)
@given(names=st.lists(NAMES, min_size=1, max_size=3))
def test_any_name_compiles(names: list[str]) -> None:
    unique = list(dict.fromkeys(names))
    program = program_by(unique, {"format": "json"})
    assert tomllib.loads(program.definition)["source"] == program.document["source"]
    labels = [name for name, _ in columns(program)]
    assert len(set(labels)) == len(labels) == len(unique) + 2
    (output,) = program.document["plan"]["outputs"]
    keys = [key["expr"] for key in output["keys"]]
    for name in unique:
        assert {"column": name} in keys or name in ("status", "response")
