"""migrate: an application in, a pipeline folder out; --parity against recorded rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.cli.shared.applications import read_document
from streamtally.definition import read_definition
from streamtally.migrate.deployment import plan_deployment
from streamtally.migrate.parity import OutputColumns, compare, normal
from streamtally.migrate.templates import resolve, without_others
from tests.unit.attach.test_destinations import StubbedAws
from tests.unit.cli.operator_runner import run

APPLICATIONS = Path("tests/unit/sql/applications")
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
        for minute, minute_counts in counts.items()
        for count in minute_counts
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_description_becomes_a_folder_that_compiles(tmp_path: Path) -> None:
    """Definition, program, pipeline.json, parameters and the report; a second time nothing is written over."""
    out = tmp_path / "orders"
    ran = run("migrate", str(APPLICATIONS / "v2.json"), "--out", str(out))
    assert ran.status == 0, ran.error
    assert {path.name for path in out.iterdir()} == {
        "pipeline.toml", "program.sql", "pipeline.json", "MIGRATION.md", "parameters.json"
    }  # fmt: skip
    assert run("compile", str(out), "--check").status == 0
    assert json.loads((out / "parameters.json").read_text())["SourceStreamArn"].endswith("stream/orders")
    for part in ("## Equal", "## Differs", "## Not carried over", 'the reference table "COMPANIES"'):
        assert part in ran.stdout
    again = run("migrate", str(APPLICATIONS / "v2.json"), "--out", str(out))
    assert again.status == 2
    assert "already exists" in again.error


@pytest.mark.parametrize("path", sorted(APPLICATIONS.glob("*.*")), ids=lambda path: path.name)
def test_every_recorded_application_is_read(path: Path) -> None:
    """Descriptions of both API versions and templates."""
    ran = run("migrate", str(path), "--json")
    if "choose one with --application" in ran.error:
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
    parity = json.loads(ran.stdout)["parity"]["DESTINATION_SQL_STREAM"]
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
        {"Name": name, "SqlType": sql_type, "Mapping": f"$.{name}"}
        for name, sql_type in (("ts", "VARCHAR(32)"), ("status", "INTEGER"))
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


def test_parity_is_of_rows_in_any_order_and_any_writing(tmp_path: Path) -> None:
    """Out of order, on one line as Firehose leaves them, numbers as text, with an exponent or a fraction."""
    recorded = tmp_path / "recorded.jsonl"
    rows = [("2017-09-08T08:48Z", "200", 1.0), ("2017-09-08 08:47:00", 200, "2E0"), ("2017-09-08 08:49:00.000", 200, 1),
            ("2017-09-08 08:46:00.000", 2e2, "1.000")]  # fmt: skip
    objects = [json.dumps({"dateTime": time, "STATUS": status, "StatusCount": n}) for time, status, n in rows]
    recorded.write_text("".join(objects[:3]) + "\n\n" + objects[3] + "  \n")
    ran = run("migrate", str(PROGRAM), "--parity", str(_log(tmp_path)), str(recorded), "--json")
    assert ran.status == 0, ran
    parity = json.loads(ran.stdout)["parity"]["DESTINATION_SQL_STREAM"]
    assert {name: parity[name] for name in ("equal", "different", "missing", "extra", "repeated", "edge")} == {
        "equal": 4, "different": 0, "missing": 0, "extra": 0, "repeated": 0, "edge": 0
    }  # fmt: skip


def test_sums_in_another_order_are_the_same_and_whole_numbers_are_not_rounded() -> None:
    """The last digits of a DOUBLE depend on its rows' order; those of a count do not."""
    assert normal(0.1 + 0.2 + 0.3) == normal(0.3 + 0.2 + 0.1)
    assert normal(1.23456789012) != normal(1.23456789013)
    assert normal(12345678901234567) != normal(12345678901234568)


def test_a_recording_that_is_not_json_lines_is_named_with_its_line(tmp_path: Path) -> None:
    """Exit status 2."""
    recorded = tmp_path / "recorded.jsonl"
    recorded.write_text("{}\nno json\n")
    ran = run("migrate", str(PROGRAM), "--parity", str(_log(tmp_path)), str(recorded))
    assert ran.status == 2
    assert "recorded.jsonl:2: not a JSON object" in ran.error


def test_missing_and_extra_windows_inside_a_recording() -> None:
    """A window that one side lacks is no edge when others surround it."""
    columns = OutputColumns(["t"], ["k"], ["n"])

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


TEMPLATE = APPLICATIONS / "template.yaml"


def test_a_template_with_several_applications_asks_for_one() -> None:
    """Both are named; a name that neither has is refused the same way."""
    for more in ([], ["--application", "nope"]):
        ran = run("migrate", str(TEMPLATE), *more)
        assert ran.status == 2
        assert "the applications are counts, Alerts: choose one with --application" in ran.error


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    """With its place."""
    for name, says in (("a.yaml", "is not YAML: "), ("a.json", "is not JSON: ")):
        (tmp_path / name).write_text("a: [")
        ran = run("migrate", str(tmp_path / name))
        assert ran.error.startswith(f"{tmp_path / name}: {says}")


def test_a_templates_streams_and_parameters_are_put_in(tmp_path: Path) -> None:
    """Of the application that was named alone: its streams by their names, its parameters by their defaults."""
    text = TEMPLATE.read_text()
    text += """
  Stream:
    Type: AWS::KinesisFirehose::DeliveryStream
    Properties: {DeliveryStreamName: !Ref StreamName}
  Out: {Type: AWS::KinesisFirehose::DeliveryStream}
"""
    text = text.replace("\nParameters:\n", '\nParameters:\n  StreamName: {Type: String, Default: "web-logs"}\n')
    path = tmp_path / "template.yaml"
    path.write_text(text)
    counts = json.loads(run("migrate", str(path), "--application", "counts", "--json").stdout)
    assert counts["parameters"] == {
        "IngestionStream": "existing", "IngestionStreamName": "web-logs", "IngestionRoleArn": "ROLE_OF_THE_STREAM",
        "SummaryStream": "existing", "SummaryStreamName": "NAME_OF_Out", "SummaryRoleArn": "ROLE_OF_THE_STREAM",
        "Domain": "existing", "DomainName": "NAME_OF_THE_DOMAIN", "DomainEndpoint": "ENDPOINT_OF_THE_DOMAIN",
    }  # fmt: skip
    out = tmp_path / "alerts"
    alerts = run("migrate", str(path), "--application", "Alerts", "--out", str(out))
    assert alerts.status == 0, alerts.error
    assert '"millis" > 100' in (out / "program.sql").read_text()
    assert "the template's parameter Threshold: its default, 100, is written into the program" in alerts.stdout
    assert json.loads((out / "parameters.json").read_text()) == {}
    assert run("compile", str(out), "--check").status == 0


def test_a_template_as_json_is_the_same(tmp_path: Path) -> None:
    """CloudFormation's long forms."""
    path = tmp_path / "template.json"
    path.write_text(json.dumps(read_document(TEMPLATE)))
    for name in ("counts", "Alerts"):
        outputs = [run("migrate", str(source), "--application", name, "--json").stdout for source in (TEMPLATE, path)]
        assert outputs[0] == outputs[1]
        assert json.loads(outputs[0])["outputs"]


def test_a_sql_file_becomes_a_folder_that_runs(tmp_path: Path) -> None:
    """Its source is the default one, its outputs all that it fills; the log goes through it."""
    out = tmp_path / "mine"
    assert run("migrate", str(PROGRAM), "--out", str(out)).status == 0
    assert run("compile", str(out), "--check").status == 0
    ran = run("run", str(_log(tmp_path)), "--pipeline", str(out), "--out", str(tmp_path / "ran"), "--json")
    assert ran.status == 0
    assert json.loads(ran.stdout)


def test_a_name_that_is_not_there_brings_near_ones() -> None:
    """The service is gone for new applications: the line says what else can be given."""
    aws = StubbedAws()
    stub = aws.stub("kinesisanalyticsv2")
    stub.add_client_error("describe_application", "ResourceNotFoundException")
    summary = {"ApplicationName": "log-aggregation", "ApplicationARN": "arn:aws:kinesisanalytics:::a",
               "ApplicationStatus": "READY", "ApplicationVersionId": 1, "RuntimeEnvironment": "SQL-1_0"}  # fmt: skip
    stub.add_response("list_applications", {"ApplicationSummaries": [summary]})
    ran = run("migrate", "log-agregation", aws=aws)
    assert ran.status == 2
    assert "(did you mean log-aggregation?); pass its description as JSON" in ran.error
    aws.assert_all_asked()


def test_the_report_says_whether_there_is_a_stream_to_attach_to() -> None:
    """A new stream has the transform already; one that exists gets it by attach."""
    new, existing = (run("migrate", str(APPLICATIONS / name)).stdout for name in ("v2.json", "v1.json"))
    assert "The transform is attached to the stack's new delivery stream" in new
    assert "3. Attach: `streamtally attach log-ingestion-stream --plan`" in existing


KEYS = ["Ref", "Fn::Sub", "Fn::GetAtt", "Fn::Join", "Fn::FindInMap", "KinesisFirehoseOutput", "ResourceARN", "Type",
        "Properties", "ApplicationName", "a"]  # fmt: skip
ODD = st.recursive(
    st.none() | st.integers() | st.text("AB${}.", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=12,
)


@given(ODD)
def test_no_template_is_too_odd(resources: Any) -> None:
    """Whatever stands where a resource is expected, it is read or refused, never a traceback."""
    template = {"Parameters": {"A": {"Default": "x"}}, "Resources": {"A": resources, "B": {"Type": "x"}}}
    resolved, _ = resolve({**template, "Mappings": resources})
    plan_deployment(resolved)
    assert set(without_others(resolved, "B")["Resources"]) <= {"A", "B"}


def test_columns_of_a_lone_program_are_inferred(tmp_path: Path) -> None:
    """Those that no format has are in the folder's pipeline.toml, and the report says so; the stream's name as well."""
    path, out = tmp_path / "stocks.sql", tmp_path / "made"
    path.write_text(
        'CREATE STREAM "OUT" (t VARCHAR(4), p DOUBLE); CREATE PUMP p AS INSERT INTO "OUT" '
        'SELECT STREAM ticker_symbol, price FROM "INPUT_001" WHERE price > 10 AND "host" IS NULL'
    )
    ran = run("migrate", str(path), "--out", str(out))
    assert ran.status == 0, ran.error
    assert 'inferred from the program: check "TICKER_SYMBOL", "PRICE"' in ran.stdout
    definition = read_definition((out / "pipeline.toml").read_text())
    assert definition["source"]["stream_name"] == "INPUT_001"
    assert definition["source"]["types"] == {"TICKER_SYMBOL": "VARCHAR", "PRICE": "DOUBLE"}
    assert run("compile", str(out), "--check").status == 0
