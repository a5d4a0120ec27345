"""Applications as people have them: what becomes of each, and that the deployment it asks for is one that is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamtally.migrate.deployment import plan_deployment
from tests.unit.cli.operator_runner import Ran, run
from tests.unit.template.cfn import Deployment, load_template

FOLDER = Path("tests/unit/migrate/applications")
DESCRIBED = Path("tests/unit/sql/applications")
TEMPLATE = load_template()
PUT_IN = {
    "ROLE_OF_THE_STREAM": "arn:aws:iam::123456789012:role/firehose",
    "ARN_OF_THE_DATA_STREAM": "arn:aws:kinesis:eu-west-1:123456789012:stream/lines",
    "ENDPOINT_OF_THE_DOMAIN": "https://search-logs.eu-west-1.es.amazonaws.com",
    "NAME_OF_THE_DOMAIN": "logs",
    "NAME_OF_IngestStream": "clicks-prod",
    "NAME_OF_OutStream": "clicks-summary",
    "NAME_OF_THE_STREAM": "lines",
}
"""What an operator puts in where the report has capitals."""


def _migrated(path: Path, *more: str) -> Any:
    ran = run("migrate", str(path), "--json", *more)
    assert ran.status == 0, ran
    return json.loads(ran.stdout)


def _refused(parameters: dict[str, str]) -> list[str]:
    deployment = Deployment(TEMPLATE, **{name: PUT_IN.get(value, value) for name, value in parameters.items()})
    return [*deployment.broken_rules(), *deployment.refused_values()]


APPLICATIONS = [
    *((path, []) for path in sorted([*FOLDER.iterdir(), *DESCRIBED.glob("*.json")])),
    *((DESCRIBED / "template.yaml", ["--application", name]) for name in ("counts", "Alerts")),
]


@pytest.mark.parametrize(("path", "more"), APPLICATIONS, ids=[f"{path.name} {more[1:]}" for path, more in APPLICATIONS])
def test_what_is_made_compiles_and_deploys(path: Path, more: list[str], tmp_path: Path) -> None:
    """The folder compiles to what was written; the parameters break no rule and no pattern of template.yaml."""
    out = tmp_path / "made"
    assert run("migrate", str(path), "--out", str(out), *more).status == 0
    written = (out / "pipeline.json").read_bytes()
    assert run("compile", str(out)).status == 0
    assert (out / "pipeline.json").read_bytes() == written
    assert _refused(json.loads((out / "parameters.json").read_text())) == []


def _run(path: Path, lines: list[str], tmp_path: Path) -> Ran:
    out, log = tmp_path / "made", tmp_path / "in.log"
    assert run("migrate", str(path), "--out", str(out)).status == 0
    log.write_text("".join(f"{line}\n" for line in lines))
    return run("run", str(log), "--pipeline", str(out), "--out", str(tmp_path / "ran"), "--json")


def test_a_template_of_the_first_version_with_all_it_may_have(tmp_path: Path) -> None:
    """CSV, joined program text, a parameter in it, parallelism, a pre-processor, a table, an output to a function."""
    path = FOLDER / "clicks-v1.json"
    migrated = _migrated(path)
    assert migrated["outputs"] == ["DESTINATION_SQL_STREAM", "SLOW_STREAM"]
    assert migrated["parameters"]["IngestionStreamName"] == "NAME_OF_IngestStream"
    left = "\n".join(migrated["not_carried_over"])
    for part in ("InputParallelism", "pre-processing function", 'reference table "Customers"', "was CSV",
                 "StatusFrom: its default, 400"):  # fmt: skip
        assert part in left
    ran = _run(path, ["192.0.2.1,/a,404,7", "192.0.2.2,/b,200,1500", "192.0.2.3,/a,404,9"], tmp_path)
    outputs = json.loads(ran.stdout)["outputs"]
    assert [(row["status"], row["hits"]) for row in outputs["DESTINATION_SQL_STREAM"]] == [(404, 2)]
    assert outputs["SLOW_STREAM"] == [{"path": "/b", "ms": 1500}]


def test_a_template_of_the_second_version_with_a_substituted_program(tmp_path: Path) -> None:
    """``!Sub`` with names of its own, JSON paths, a data stream that is a parameter."""
    path = FOLDER / "orders-v2.yaml"
    migrated = _migrated(path)
    assert migrated["parameters"]["SourceStreamArn"] == "ARN_OF_THE_DATA_STREAM"
    assert migrated["mind"][0] == "Replace the words in capitals: the migrated document does not contain these values."
    lines = [json.dumps({"TICKER": "AB", "PRICE": price, "SECTOR": sector})
             for price, sector in ((1.5, "ENERGY"), (2.5, "ENERGY"), (9.0, "TECHNOLOGY"))]  # fmt: skip
    outputs = json.loads(_run(path, lines, tmp_path).stdout)["outputs"]
    assert outputs["DESTINATION_SQL_STREAM"] == [{"ticker": "AB", "avg_price": 2.0, "n": 2}]
    # The mean of DOUBLEs is no whole number: nothing is said of truncation.
    assert "truncated" not in run("migrate", str(path)).stdout


def test_a_description_without_its_envelope_and_a_request_are_read(tmp_path: Path) -> None:
    """What people keep of an application that is gone: the detail alone, or what create-application was given."""
    detail = json.loads((DESCRIBED / "v1.json").read_text())["ApplicationDetail"]
    (tmp_path / "detail.json").write_text(json.dumps(detail))
    assert _migrated(tmp_path / "detail.json") == _migrated(DESCRIBED / "v1.json")
    properties = json.loads((FOLDER / "clicks-v1.json").read_text())["Resources"]["ClickApp"]["Properties"]
    arn = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/clicks"
    request = {**properties, "ApplicationName": "clicks"}
    request["ApplicationCode"] = 'CREATE STREAM "OUT" ("n" BIGINT); CREATE PUMP "P" AS INSERT INTO "OUT" ' + (
        'SELECT STREAM COUNT(*) FROM "SOURCE_SQL_STREAM_001" GROUP BY FLOOR("SOURCE_SQL_STREAM_001".ROWTIME TO MINUTE);'
    )
    request["Inputs"][0]["KinesisFirehoseInput"]["ResourceARN"] = arn
    request["Outputs"] = [{"Name": "OUT", "KinesisFirehoseOutput": {"ResourceARN": arn + "-out"}}]
    (tmp_path / "request.json").write_text(json.dumps(request))
    migrated = _migrated(tmp_path / "request.json")
    assert (migrated["application"], migrated["outputs"]) == ("clicks", ["OUT"])
    assert migrated["parameters"]["IngestionStreamName"] == "clicks"
    assert migrated["parameters"]["SummaryStreamName"] == "clicks-out"


def test_a_program_that_lies_elsewhere_is_said(tmp_path: Path) -> None:
    """In S3: its .sql file is asked for."""
    template = json.loads((FOLDER / "clicks-v1.json").read_text())
    template["Resources"]["ClickApp"]["Type"] = "AWS::KinesisAnalyticsV2::Application"
    code = {"CodeContent": {"S3ContentLocation": {"BucketARN": "arn:aws:s3:::code", "FileKey": "program.sql"}}}
    template["Resources"]["ClickApp"]["Properties"] = {
        "ApplicationConfiguration": {"ApplicationCodeConfiguration": code}
    }
    (tmp_path / "t.json").write_text(json.dumps(template))
    ran = run("migrate", str(tmp_path / "t.json"))
    assert ran.status == 2
    assert "has no SQL program: if the program is in S3, pass its .sql file" in ran.error


def _outputs(*arns: Any, **resources: Any) -> Any:
    targets = [{"KinesisFirehoseOutputDescription": {"ResourceARN": arn}} for arn in arns]
    return {"OutputDescriptions": targets, "Resources": resources}


ARN = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/"


@pytest.mark.parametrize(
    ("document", "stream", "says"),
    [
        (_outputs(ARN + "counts"), "counts", "`counts` must deliver to OpenSearch, with the index name `inbox-counts`"),
        (_outputs(ARN + "Counts"), None, "`Counts` is not reused: its name would become an index name"),
        (_outputs(ARN + "a", ARN + "b"), "a", "used several delivery streams"),
        (_outputs({"Ref": "Arn"}), None, "the output's stream` is not reused"),
        (_outputs(ARN + "a", A={"Properties": {"DeliveryStreamName": "a", "ExtendedS3DestinationConfiguration": {}}}),
         None, "`a` delivers to ExtendedS3: the stack creates a stream to OpenSearch"),
        (_outputs(ARN + "a", A={"Properties": {"DeliveryStreamName": "a",
                                               "ElasticsearchDestinationConfiguration": {}}}),
         "a", "`a` must deliver to OpenSearch"),
        (_outputs(), None, ""),
    ],
)  # fmt: skip
def test_the_streams_of_the_results_are_taken_over_where_they_can_be(document: Any, stream: Any, says: str) -> None:
    """One stream to OpenSearch, of a name that can be an index's; else the stack makes one, and that is said."""
    planned = plan_deployment(document)
    assert planned.parameters.get("SummaryStreamName") == stream
    assert says in "\n".join(planned.mind)
    assert _refused(planned.parameters) == []
