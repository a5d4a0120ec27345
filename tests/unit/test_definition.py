"""``pipeline.toml`` and a plan: what is taken, and what is refused, with a sentence."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.definition import define_pipeline
from streamtally.errors import SettingsError

OUTPUT = '[outputs.OUT]\nindex = "requests"\n'


def plan(*names: str) -> dict[str, Any]:
    """A plan of row outputs of these names."""
    column = {"name": "host", "type": "VARCHAR(16)", "expr": {"column": "host"}}
    return {"version": 1, "outputs": [{"name": name, "kind": "row", "columns": [column]} for name in names or ("OUT",)]}


def test_durations_and_sizes_become_numbers() -> None:
    """The functions read seconds, days and bytes."""
    text = (
        OUTPUT
        + 'grace = "90s"\nmax_past = "2d"\npartials = "5d"\nretention = { max_age = "30d", max_size = "1.5GB" }\n'
    )
    output = define_pipeline(text, plan(), ZoneInfo)["outputs"]["OUT"]
    assert (output["grace_seconds"], output["max_past_seconds"], output["partials_days"]) == (90, 172_800, 5)
    assert output["retention"] == {
        "max_age_days": 30, "max_count": None, "max_size_bytes": 1_500_000_000, "min_free_disk_share": None,
    }  # fmt: skip


def test_shards_and_replicas_of_partials() -> None:
    """They stand in pipeline.json as they were given, and not at all where they were not."""
    plain = define_pipeline(OUTPUT, plan(), ZoneInfo)["outputs"]["OUT"]
    output = define_pipeline(OUTPUT + "partials_shards = 6\npartials_replicas = 0\n", plan(), ZoneInfo)["outputs"][
        "OUT"
    ]

    assert output == {**plain, "partials_shards": 6, "partials_replicas": 0}
    assert not {"partials_shards", "partials_replicas"} & plain.keys()


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[outputs.OUT", "not TOML"),
        ("[output.OUT]", "unknown table 'output': did you mean 'outputs'"),
        ("[source]\nformats = 1\n" + OUTPUT, ".source. unknown setting 'formats': did you mean 'format'"),
        ('[source]\nformat = "nope"\n' + OUTPUT, "unknown format 'nope': the formats are"),
        ('[source]\nformat = "regex"\n' + OUTPUT, "needs a pattern"),
        ('[source]\ntime_zone = "Mars/North"\n' + OUTPUT, "unknown time zone 'Mars/North'"),
        ('[source]\ntime_format = "yyyy-QQ"\n' + OUTPUT, "unknown letter 'Q'"),
        ('[source.types]\nhost = "STRUCT"\n' + OUTPUT, "unknown type 'STRUCT'"),
        ("", "has no settings: add .outputs.OUT"),
        ('[outputs.OUT]\nindex = "Requests"', "lower case"),
        ('[outputs.OUT]\nindex = "inbox-x"', "reserved for Streamtally"),
        (OUTPUT + 'grace = "20"', "expected a duration: a number and s, m, h or d"),
        (OUTPUT + 'rotation = "year"', 'rotation = "year": expected one of hour, day, week, month, rollover'),
        (OUTPUT + 'indx = "x"', "unknown setting 'indx'"),
        (OUTPUT + 'partials = "8d"', "at least max_past"),
        (OUTPUT + 'retention = { max_age = "3d" }', "at least as long as its partials"),
        (OUTPUT + "partials_shards = 0", r"partials_shards = 0: expected a whole number .at least 1, at most 1024."),
        (
            OUTPUT + "partials_shards = 1025",
            r"partials_shards = 1025: expected a whole number .at least 1, at most 1024.",
        ),
        (
            OUTPUT + 'partials_shards = "3"',
            r"partials_shards = .3.: expected a whole number .at least 1, at most 1024.",
        ),
        (
            OUTPUT + "partials_shards = true",
            r"partials_shards = true: expected a whole number .at least 1, at most 1024.",
        ),
        (
            OUTPUT + "partials_shards = 2.0",
            r"partials_shards = 2.0: expected a whole number .at least 1, at most 1024.",
        ),
        (
            OUTPUT + "partials_replicas = -1",
            r"partials_replicas = -1: expected a whole number .at least 0, at most 10.",
        ),
        (
            OUTPUT + "partials_replicas = 11",
            r"partials_replicas = 11: expected a whole number .at least 0, at most 10.",
        ),
        (OUTPUT + "[outputs.OTHER]\nindex = 'o'", "OTHER. is not an output of the program: its outputs are OUT"),
    ],
)
def test_what_cannot_be_used_is_refused(toml: str, says: str) -> None:
    """One line that says what, where and what to do."""
    with pytest.raises(SettingsError, match=says) as raised:
        define_pipeline(toml, plan(), ZoneInfo)
    assert "\n" not in str(raised.value)


def test_an_index_whose_pattern_takes_another_is_refused() -> None:
    """``web-2*`` would take the indices of ``web-2nd``."""
    toml = '[outputs.A]\nindex = "web"\n[outputs.B]\nindex = "web-2nd"\n'
    with pytest.raises(SettingsError, match="also takes 'web-2nd'"):
        define_pipeline(toml, plan("A", "B"), ZoneInfo)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "cube"}, "unknown kind 'cube'"),
        ({"columns": []}, "needs at least one column"),
        ({"columns": [{"name": "tally", "type": "INTEGER", "expr": {"column": "x"}}]}, "cannot be named 'tally'"),
        *(
            ({"columns": [{"name": name, "type": "INTEGER", "expr": {"column": "x"}}]}, f"cannot be named '{name}'")
            for name in ("_id", "_source", "_routing", "_index", "_seq_no", "_doc_count", "tally.partial_id", "_id.x")
        ),
        ({"columns": [{"name": "a", "type": "INTEGER"}]}, "'expr' is missing"),
        (
            {"columns": [{"name": "a", "type": "INTEGER", "expr": {"call": "nope", "args": []}}]},
            "unknown function 'nope'",
        ),
        ({"columns": [{"name": "a", "type": "INTEGER", "expr": {"nope": 1}}]}, "unknown expression with 'nope'"),
        ({"where": {"column": "host"}}, "WHERE must be a condition, not VARCHAR"),
        ({"time": {"column": "host"}}, "a TIMESTAMP, not VARCHAR"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused(change: dict[str, Any], says: str) -> None:
    """The text names the output and what in it is wrong."""
    broken = json.loads(json.dumps(plan()))
    broken["outputs"][0] |= change
    with pytest.raises(SettingsError, match=says) as raised:
        define_pipeline(OUTPUT, broken, ZoneInfo)
    assert "'OUT'" in str(raised.value)
