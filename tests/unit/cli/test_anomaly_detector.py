"""``compile --anomaly-detector``: the form of the files, and what the program's shape must be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from tests.unit.cli.in_process import call_main

TOML = """[source]
format = "json"
[source.types]
heartRate = "INTEGER"
rateType = "VARCHAR(20)"
[outputs.DESTINATION_SQL_STREAM]
index = "heart"
"""
PROGRAM = """CREATE STREAM temp_stream ("heartRate" INTEGER, "rateType" VARCHAR(20), anomaly_score DOUBLE);
CREATE PUMP stream_pump AS INSERT INTO temp_stream SELECT STREAM "heartRate", "rateType", ANOMALY_SCORE
  FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"){arguments}));
CREATE STREAM destination_sql_stream ("heartRate" INTEGER, "rateType" VARCHAR(20), anomaly_score DOUBLE);
CREATE PUMP output_pump AS INSERT INTO destination_sql_stream
  SELECT STREAM * FROM temp_stream {where} ORDER BY FLOOR(temp_stream.ROWTIME TO SECOND), anomaly_score DESC;
"""


# The documented members of a detector, in our words; anything else is refused when the file is read.
class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Span(Strict):
    interval: Annotated[int, Meta(ge=1)]
    unit: Literal["Minutes", "MINUTES"]


class Period(Strict):
    period: Span


FeatureName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Feature(Strict):
    feature_name: FeatureName
    feature_enabled: bool
    aggregation_query: dict[FeatureName, dict[Literal["avg", "sum", "min", "max", "value_count"], dict[str, str]]]


class Detector(Strict):
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    description: str
    time_field: str
    indices: Annotated[list[str], Meta(min_length=1)]
    feature_attributes: Annotated[list[Feature], Meta(min_length=1)]
    filter_query: dict[str, Any]
    detection_interval: Period
    window_delay: Period
    shingle_size: Annotated[int, Meta(ge=1, le=60)]


class Search(Strict):
    indices: list[str]
    query: dict[str, Any]


class Input(Strict):
    search: Search


class Script(Strict):
    lang: Literal["painless"]
    source: str


class Condition(Strict):
    script: Script


class Trigger(Strict):
    name: str
    severity: Literal["1", "2", "3", "4", "5"]
    condition: Condition
    actions: list[Any]


class QueryTrigger(Strict):
    query_level_trigger: Trigger


class Monitor(Strict):
    type: Literal["monitor"]
    monitor_type: Literal["query_level_monitor"]
    name: str
    enabled: bool
    schedule: Period
    inputs: list[Input]
    triggers: list[QueryTrigger]


def folder(path: Path, program: str, toml: str = TOML) -> Path:
    path.mkdir()
    (path / "pipeline.toml").write_text(toml)
    (path / "program.sql").write_text(program)
    return path


def filled(arguments: str = "", where: str = "") -> str:
    return PROGRAM.replace("{arguments}", arguments).replace("{where}", where)


# AWS's example: the rows stay an output, and its numeric column is the feature of a detector over them.
def test_detector_of_a_row_output(tmp_path: Path) -> None:
    path = folder(tmp_path / "p", filled())
    result = call_main("compile", path, "--anomaly-detector")
    assert result.returncode == 0, result.stderr
    assert "the plugins were not at hand" in result.stderr.decode()
    detector = msgspec.json.decode((path / "anomaly-detector-heart.json").read_bytes(), type=Detector)
    assert [feature.aggregation_query for feature in detector.feature_attributes] == [
        {"heartRate": {"avg": {"field": "heartRate"}}}
    ]
    assert (detector.indices, detector.time_field, detector.shingle_size) == (["heart"], "tally.time", 1)
    assert detector.detection_interval.period == Span(1, "Minutes")
    assert not (path / "anomaly-monitor-heart.json").exists()
    (output,) = json.loads((path / "pipeline.json").read_text())["plan"]["outputs"]
    assert output["kind"] == "row"
    assert output["where"] is None
    assert output["columns"][2]["expr"] == {"literal": None, "type": "DOUBLE"}


# A threshold filters no rows: it becomes a monitor, whose grade is of another scale, and is named in the description.
def test_threshold_becomes_a_monitor(tmp_path: Path) -> None:
    path = folder(tmp_path / "p", filled(", 100, 256, 100000, 8", "WHERE anomaly_score > 3.5 AND \"rateType\" <> 'x'"))
    result = call_main("compile", path, "--anomaly-detector")
    assert result.returncode == 0, result.stderr
    detector = msgspec.json.decode((path / "anomaly-detector-heart.json").read_bytes(), type=Detector)
    assert detector.shingle_size == 8
    assert "ANOMALY_SCORE > 3.5" in detector.description
    monitor = msgspec.json.decode((path / "anomaly-monitor-heart.json").read_bytes(), type=Monitor)
    assert "max_anomaly_grade" in monitor.inputs[0].search.query["aggregations"]
    assert "> 0.7" in monitor.triggers[0].query_level_trigger.condition.script.source
    (output,) = json.loads((path / "pipeline.json").read_text())["plan"]["outputs"]
    assert output["where"]["op"] == "<>"


# Counts of a window are features by window: the detector's interval is the window's length.
def test_detector_of_windows(tmp_path: Path) -> None:
    program = """CREATE STREAM destination_sql_stream (t TIMESTAMP, n BIGINT, score DOUBLE);
    CREATE PUMP p AS INSERT INTO destination_sql_stream SELECT STREAM t, n, ANOMALY_SCORE
      FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM STEP(s.ROWTIME BY INTERVAL '5' MINUTE) AS t, COUNT(*) AS n
        FROM "SOURCE_SQL_STREAM_001" AS s GROUP BY STEP(s.ROWTIME BY INTERVAL '5' MINUTE))))
      WHERE ANOMALY_SCORE >= 2;"""
    path = folder(tmp_path / "p", program)
    result = call_main("compile", path, "--anomaly-detector")
    assert result.returncode == 0, result.stderr
    detector = msgspec.json.decode((path / "anomaly-detector-heart.json").read_bytes(), type=Detector)
    assert detector.detection_interval.period.interval == 5
    assert detector.time_field == "T"
    assert [feature.feature_name for feature in detector.feature_attributes] == ["N"]


# The setting does the same for every command; without both the function is refused, and the option is named.
def test_setting_and_refusal(tmp_path: Path) -> None:
    refused = call_main("compile", folder(tmp_path / "a", filled()))
    assert refused.returncode == 2
    assert "RANDOM_CUT_FOREST cannot be compiled" in refused.stderr.decode()
    assert "--anomaly-detector" in refused.stderr.decode()
    path = folder(tmp_path / "b", filled(), TOML + "[program]\nanomaly_detector = true\n")
    log = b'{"heartRate": 60, "rateType": "NORMAL"}\n'
    result = call_main("run", "-", "--pipeline", path, "--out", path / "out", "--json", stdin=log)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (filled("", "WHERE anomaly_score > 3 OR \"heartRate\" > 9"), "an anomaly score in anything but columns"),
        (filled().replace("SELECT STREAM * FROM temp_stream",
                          'SELECT STREAM "heartRate", "rateType", anomaly_score * 2 FROM temp_stream'),
         "an anomaly score in anything but columns"),
        (filled().replace("SELECT STREAM * FROM temp_stream",
                          'SELECT STREAM 1, "rateType", anomaly_score FROM temp_stream'), "are not in the output"),
        (filled(", 100, 256, 100000, 99"), "the shingle size must be a whole number from 1 to 30"),
        (filled().replace("RANDOM_CUT_FOREST", "HOTSPOTS"), "HOTSPOTS cannot be compiled"),
    ],
)  # fmt: skip
def test_shapes_that_are_refused(tmp_path: Path, program: str, message: str) -> None:
    result = call_main("compile", folder(tmp_path / "p", program), "--anomaly-detector")
    assert result.returncode == 2
    assert message in result.stderr.decode()


def test_option_without_a_forest(tmp_path: Path) -> None:
    program = """CREATE STREAM destination_sql_stream ("heartRate" INTEGER);
    CREATE PUMP p AS INSERT INTO destination_sql_stream SELECT STREAM "heartRate" FROM "SOURCE_SQL_STREAM_001";"""
    result = call_main("compile", folder(tmp_path / "p", program), "--anomaly-detector")
    assert result.returncode == 2
    assert "the program has no RANDOM_CUT_FOREST" in result.stderr.decode()
