"""Reference tables of applications, in the forms of both API versions, become ``[reference.NAME]``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamtally.definition import read_definition
from streamtally.migrate.application import Application, make_definition
from streamtally.migrate.reference_tables import read_reference_table
from tests.unit.cli.operator_runner import run

# The request of the developer guide's example, *Adding Reference Data to an Application*.
COMPANY = {
    "TableName": "CompanyName",
    "S3ReferenceDataSource": {"BucketARN": "arn:aws:s3:::amzn-s3-demo-bucket", "FileKey": "TickerReference.csv"},
    "ReferenceSchema": {
        "RecordFormat": {
            "RecordFormatType": "CSV",
            "MappingParameters": {"CSVMappingParameters": {"RecordRowDelimiter": "\n", "RecordColumnDelimiter": ","}},
        },
        "RecordEncoding": "UTF-8",
        "RecordColumns": [
            {"Name": "Ticker", "SqlType": "VARCHAR(64)"},
            {"Name": "Company", "SqlType": "VARCHAR(64)"},
        ],
    },
}
DESCRIBED = {**COMPANY, "S3ReferenceDataSourceDescription": COMPANY["S3ReferenceDataSource"]}
del DESCRIBED["S3ReferenceDataSource"]
SQL = """
CREATE STREAM "OUT" (ticker VARCHAR(4), company VARCHAR(64));
CREATE PUMP p AS INSERT INTO "OUT" SELECT STREAM s.ticker, "c"."Company" FROM "SOURCE_SQL_STREAM_001" AS s
LEFT JOIN "CompanyName" AS "c" ON s.ticker = "c"."Ticker";
"""
SCHEMA = {
    "RecordFormat": {"RecordFormatType": "JSON"},
    "RecordColumns": [{"Name": "TICKER", "SqlType": "VARCHAR(4)", "Mapping": "$.TICKER"}],
}


def version_1(table: dict[str, Any]) -> dict[str, Any]:
    detail = {
        "ApplicationName": "stocks",
        "ApplicationCode": SQL,
        "InputDescriptions": [{"NamePrefix": "SOURCE_SQL_STREAM", "InputSchema": SCHEMA}],
        "OutputDescriptions": [{"Name": "OUT", "DestinationSchema": {"RecordFormatType": "JSON"}}],
        "ReferenceDataSourceDescriptions": [table],
    }
    return {"ApplicationDetail": detail}


def version_2(table: dict[str, Any]) -> dict[str, Any]:
    sql = {key: value for key, value in version_1(table)["ApplicationDetail"].items() if key.endswith("Descriptions")}
    code = {"CodeContentDescription": {"TextContent": SQL}}
    configuration = {"ApplicationCodeConfigurationDescription": code, "SqlApplicationConfigurationDescription": sql}
    return {"ApplicationDetail": {"ApplicationName": "s", "ApplicationConfigurationDescription": configuration}}


def template(table: dict[str, Any]) -> dict[str, Any]:
    application = {"ApplicationCode": SQL, "Inputs": [{"NamePrefix": "SOURCE_SQL_STREAM", "InputSchema": SCHEMA}]}
    belongs = {"ApplicationName": {"Ref": "App"}}
    output = {"Name": "OUT", "DestinationSchema": {"RecordFormatType": "JSON"}}
    kind = "AWS::KinesisAnalytics::Application"
    resources = {
        "App": {"Type": kind, "Properties": application},
        "Out": {"Type": f"{kind}Output", "Properties": {**belongs, "Output": output}},
        "Table": {"Type": f"{kind}ReferenceDataSource", "Properties": {**belongs, "ReferenceDataSource": table}},
    }
    return {"Resources": resources}


@pytest.mark.parametrize("document", [version_1(DESCRIBED), version_2(DESCRIBED), template(COMPANY)])
def test_table_of_an_application_is_joined(tmp_path: Path, document: dict[str, Any]) -> None:
    path, out = tmp_path / "app.json", tmp_path / "made"
    path.write_text(json.dumps(document), encoding="utf-8")
    ran = run("migrate", str(path), "--out", str(out))
    assert ran.status == 0, ran.error
    definition = read_definition((out / "pipeline.toml").read_text(encoding="utf-8"))
    assert definition["reference"]["CompanyName"] == {
        "s3": "s3://amzn-s3-demo-bucket/TickerReference.csv",
        "format": "csv",
        "header": False,
        "columns": {"Ticker": "VARCHAR(64)", "Company": "VARCHAR(64)"},
    }
    parameters = json.loads((out / "parameters.json").read_text(encoding="utf-8"))
    assert parameters["ReferenceObjectArns"] == "arn:aws:s3:::amzn-s3-demo-bucket/TickerReference.csv"
    assert "if the first line names the columns, remove header = false" in ran.stdout
    (tmp_path / "rows.log").write_text('{"TICKER": "AMZN"}\n{"TICKER": "X"}\n', encoding="utf-8")
    (tmp_path / "c.csv").write_text("Ticker,Company\nAMZN,Amazon\nASD,SomeCompanyA\n", encoding="utf-8")
    given = f"CompanyName={tmp_path / 'c.csv'}"
    log, result = str(tmp_path / "rows.log"), str(tmp_path / "out")
    ran = run("run", log, "--pipeline", str(out), "--out", result, "--reference", given, "--json")
    rows = json.loads(ran.stdout)["outputs"]["OUT"]
    assert sorted((row["TICKER"], row["COMPANY"]) for row in rows if row["COMPANY"]) == [("AMZN", "Amazon")]


def test_json_paths_are_kept() -> None:
    rows = {"JSONMappingParameters": {"RecordRowPath": "$"}}
    schema = {
        "RecordFormat": {"RecordFormatType": "JSON", "MappingParameters": rows},
        "RecordColumns": [{"Name": "T", "SqlType": "VARCHAR(4)", "Mapping": "$.stock.t"}],
    }
    left: list[str] = []
    table = read_reference_table({**COMPANY, "ReferenceSchema": schema}, left)
    assert table is not None
    assert left == []
    made = read_definition(make_definition(Application("a", tables=[table])))
    assert made["reference"]["CompanyName"]["paths"] == {"T": "$.stock.t"}


@pytest.mark.parametrize(
    ("table", "note"),
    [
        ({"TableName": "X"}, 'the reference table "X": its columns are not in the document'),
        ({**COMPANY, "S3ReferenceDataSource": {"BucketARN": {"Ref": "B"}}}, "the document does not name its object"),
        ({**COMPANY, "S3ReferenceDataSource": None}, "the document does not name its object"),
        ("nothing", 'the reference table "": its columns'),
    ],
)
def test_what_is_not_known_is_said(table: Any, note: str) -> None:
    left: list[str] = []
    made = read_reference_table(table, left)
    assert any(note in line for line in left)
    if made is not None:
        read_definition(make_definition(Application("a", tables=[made])))
