"""migrate: an application in, a pipeline folder out; --parity against recorded rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamtally.migrate.parity import Columns, compare, normal
from tests.attach.test_destinations import StubbedAws
from tests.cli.operator_runner import run

APPLICATIONS = Path("tests/sql/applications")
PROGRAM = next(Path("layers/pipeline/pipeline").glob("*.sql"))
STAMPS = ["08:46:59", "08:47:01", "08:47:30", "08:48:02", "08:49:00"]


def _log(tmp_path: Path) -> Path:
    log = tmp_path / "access.log"
    line = '198.51.100.7 - - [08/Sep/2017:{} +0000] "GET / HTTP/1.1" 200 512\n'
    log.write_text("".join(line.format(stamp) for stamp in STAMPS))
    return log


def _recorded(tmp_path: Path, counts: dict[str, list[int]]) -> Path:
    path = tmp_path / "recorded.jsonl"
    rows = [
        {"DATETIME": f"2017-09-08 08:{minute}:00.000", "STATUS": 200, "STATUSCOUNT": count}
        for minute, each in counts.items()
        for count in each
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_description_becomes_a_folder_that_compiles(tmp_path: Path) -> None:
    """Definition, program, pipeline.json, parameters and the report; a second time nothing is written over."""
    out = tmp_path / "orders"
    ran = run("migrate", str(APPLICATIONS / "v2.json"), "--out", str(out))
    assert ran.status == 0, ran.error
    assert {each.name for each in out.iterdir()} == {
        "pipeline.toml", "program.sql", "pipeline.json", "MIGRATION.md", "parameters.json"
    }  # fmt: skip
    assert run("compile", str(out), "--check").status == 0
    assert json.loads((out / "parameters.json").read_text())["SourceStreamArn"].endswith("stream/orders")
    for part in ("## Equal", "## Differs", "## Not carried over", 'the reference table "COMPANIES"'):
        assert part in ran.stdout
    again = run("migrate", str(APPLICATIONS / "v2.json"), "--out", str(out))
    assert again.status == 2
    assert "is there already" in again.error


@pytest.mark.parametrize("path", sorted(APPLICATIONS.glob("*.*")), ids=lambda path: path.name)
def test_every_recorded_application_is_read(path: Path) -> None:
    """Descriptions of both API versions and templates."""
    ran = run("migrate", str(path), "--json")
    if "name one with --application" in ran.error:
        return
    assert ran.status == 0, ran.error
    assert json.loads(ran.stdout)["outputs"]


def test_an_application_is_read_by_its_name() -> None:
    """Through the service's model (Stubber): the request, and its answer's shape."""
    aws = StubbedAws()
    detail = json.loads((APPLICATIONS / "v2.json").read_text())
    configuration = detail["ApplicationDetail"]["ApplicationConfigurationDescription"]
    del configuration["SqlApplicationConfigurationDescription"]["ReferenceDataSourceDescriptions"]
    aws.stub("kinesisanalyticsv2").add_response("describe_application", detail, {"ApplicationName": "orders"})
    ran = run("migrate", "orders", "--json", aws=aws)
    assert ran.status == 0, ran.error
    assert json.loads(ran.stdout)["application"] == "orders"


def test_a_firehose_input_gives_the_attach_command(tmp_path: Path) -> None:
    """The stream's name is in the parameters and in the command to run."""
    detail = json.loads((APPLICATIONS / "v2.json").read_text())
    sql = detail["ApplicationDetail"]["ApplicationConfigurationDescription"]["SqlApplicationConfigurationDescription"]
    (source,) = sql["InputDescriptions"]
    del source["KinesisStreamsInputDescription"]
    arn = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/log-ingestion-stream"
    source["KinesisFirehoseInputDescription"] = {"ResourceARN": arn}
    path = tmp_path / "app.json"
    path.write_text(json.dumps(detail))
    ran = run("migrate", str(path))
    assert "`streamtally attach log-ingestion-stream --plan`" in ran.stdout
    assert "IngestionStream=existing IngestionStreamName=log-ingestion-stream" in ran.stdout


def test_parity_of_equal_recordings(tmp_path: Path) -> None:
    """Times and names written another way are the same; the cut-off first and last windows do not count."""
    recorded = _recorded(tmp_path, {"46": [7], "47": [2], "48": [1], "49": [1]})
    ran = run("migrate", str(PROGRAM), "--parity", str(_log(tmp_path)), str(recorded), "--json")
    assert ran.status == 0, ran.error
    (parity,) = json.loads(ran.stdout)["parity"].values()
    assert parity["is_equal"]
    assert (parity["equal"], parity["edge"]) == (3, 1)


def test_parity_of_different_recordings_is_exit_status_1(tmp_path: Path) -> None:
    """A wrong count and partial rows are told apart, with the window and key."""
    recorded = _recorded(tmp_path, {"46": [1], "47": [3], "48": [1, 1], "49": [1]})
    ran = run("migrate", str(PROGRAM), "--parity", str(_log(tmp_path)), str(recorded))
    assert ran.status == 1
    assert "2 equal, 1 different, 0 missing, 0 extra, 2 repeated, 0 edge" in ran.stdout
    assert "2017-09-08T08:47:00.000+00:00 200: recorded 3, here 2" in ran.stdout


def test_parity_of_json_lines_goes_by_whatever_time_they_have(tmp_path: Path) -> None:
    """The old application's input was JSON, with a time that its program may not read."""
    log = tmp_path / "in.jsonl"
    lines = [{"ts": f"2017-09-08T{stamp}Z", "status": 200} for stamp in STAMPS]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    detail = json.loads((APPLICATIONS / "v2.json").read_text())
    sql = detail["ApplicationDetail"]["ApplicationConfigurationDescription"]["SqlApplicationConfigurationDescription"]
    del sql["ReferenceDataSourceDescriptions"]
    sql["OutputDescriptions"][0]["Name"] = "OUT"
    del sql["OutputDescriptions"][1:]
    (source,) = sql["InputDescriptions"]
    columns = [
        {"Name": name, "SqlType": of, "Mapping": f"$.{name}"}
        for name, of in (("ts", "VARCHAR(32)"), ("status", "INTEGER"))
    ]
    source["InputSchema"] = {"RecordFormat": {"RecordFormatType": "JSON"}, "RecordColumns": columns}
    code = detail["ApplicationDetail"]["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"]
    name = source["InAppStreamNames"][0]
    code["CodeContentDescription"]["TextContent"] = f"""
        CREATE OR REPLACE STREAM OUT ("datetime" TIMESTAMP, "status" INTEGER, "statusCount" INTEGER);
        CREATE OR REPLACE PUMP P AS INSERT INTO OUT SELECT STREAM STEP(s.ROWTIME BY INTERVAL '60' SECOND), s."status",
        COUNT(*) FROM "{name}" s GROUP BY s."status", STEP(s.ROWTIME BY INTERVAL '60' SECOND);"""
    application = tmp_path / "app.json"
    application.write_text(json.dumps(detail))
    recorded = _recorded(tmp_path, {"46": [1], "47": [2], "48": [1], "49": [1]})
    ran = run("migrate", str(application), "--parity", str(log), str(recorded))
    assert "4 equal, 0 different" in ran.stdout, ran.stdout
    assert ran.status == 0


def test_parity_of_nothing_is_no_success(tmp_path: Path) -> None:
    """Lines that do not parse are said, and a comparison in which nothing was equal is exit status 1."""
    log = tmp_path / "in.log"
    log.write_text("no line\nof a log\n")
    ran = run("migrate", str(PROGRAM), "--parity", str(log), str(_recorded(tmp_path, {"46": [1], "47": [2]})))
    assert ran.status == 1
    assert "input: 2 lines, 2 of them do not parse" in ran.stdout
    assert "Nothing is equal" in ran.stdout


def test_a_recording_that_is_not_json_lines_is_named_with_its_line(tmp_path: Path) -> None:
    """Exit status 2."""
    recorded = tmp_path / "recorded.jsonl"
    recorded.write_text("{}\nno json\n")
    ran = run("migrate", str(PROGRAM), "--parity", str(_log(tmp_path)), str(recorded))
    assert ran.status == 2
    assert "recorded.jsonl:2: not a JSON object" in ran.error


def test_missing_and_extra_windows_inside_a_recording() -> None:
    """A window that one side lacks is no edge when others surround it."""
    columns = Columns(["t"], ["k"], ["n"])

    def rows(*minutes: int) -> list[dict[str, Any]]:
        return [{"t": f"2017-09-08T08:{minute:02}:00Z", "k": "a", "n": 1} for minute in minutes]

    parity = compare(rows(1, 2, 4, 5), rows(1, 3, 4, 5), columns)
    assert (parity.equal, parity.extra, parity.missing) == (3, 1, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, "1.0"), ("2017-09-08 08:47:00", "2017-09-08T08:47:00.000Z"), (None, None), (1.50, "1.5"), ("a ", "a")],
)
def test_the_same_value_written_two_ways(one: Any, other: Any) -> None:
    """Numbers and times compare by what they are."""
    assert normal(one) == normal(other)
