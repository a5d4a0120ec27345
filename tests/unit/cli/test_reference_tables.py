"""Pipeline folders with reference tables: ``compile`` and ``run``, and the line that says what is wrong."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from streamtally.cli import main as command_line
from streamtally.cli.main import cli
from streamtally.config.reference import MAX_FILE_BYTES
from streamtally.errors import SettingsError

# The example of Kinesis Analytics' Developer Guide, *Adding Reference Data to an Application*.
TABLE = 'file = "companies.csv"\ncolumns = { Ticker = "VARCHAR(4)", Company = "VARCHAR(60)" }'
OBJECT = 's3 = "s3://amzn-s3-demo-bucket/x.csv"\ncolumns = { a = "INTEGER" }'
COMPANIES = b"Ticker,Company\nAMZN,Amazon\nASD,SomeCompanyA\nBAC,SomeCompanyB\nCRM,SomeCompanyC\n"
DEFINITION = """
[source]
format = "json"
[source.types]
TICKER_SYMBOL = "VARCHAR(4)"
SECTOR = "VARCHAR(16)"
PRICE = "REAL"
[outputs.DESTINATION_SQL_STREAM]
index = "stocks"
[reference.CompanyName]
"""
PROGRAM = """
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (ticker_symbol VARCHAR(4), "Company" VARCHAR(60), price DOUBLE);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
   SELECT STREAM ticker_symbol, "c"."Company", price
   FROM "SOURCE_SQL_STREAM_001" LEFT JOIN "CompanyName" as "c"
   ON "SOURCE_SQL_STREAM_001".ticker_symbol = "c"."Ticker";
"""


def make_folder(path: Path, table: str = TABLE, companies: bytes | None = COMPANIES) -> Path:
    (path / "pipeline.toml").write_text(DEFINITION + table, encoding="utf-8")
    (path / "program.sql").write_text(PROGRAM, encoding="utf-8")
    if companies is not None:
        (path / "companies.csv").write_bytes(companies)
    return path


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False)


# The developer guide's tickers get their companies, and one that the table does not have gets NULL.
def test_tickers_get_their_companies(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    assert run("compile", folder).return_value == 0
    document = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))
    assert document["references"]["CompanyName"]["text"] == COMPANIES.decode()
    assert run("compile", folder, "--check").return_value == 0
    assert 'LEFT JOIN reference table "CompanyName"' in run("compile", folder, "--explain").stdout
    rows = [{"TICKER_SYMBOL": ticker, "SECTOR": "x", "PRICE": 1.5} for ticker in ("AMZN", "CRM", "QXZ")]
    (tmp_path / "rows.log").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shown = run("run", tmp_path / "rows.log", "--pipeline", folder, "--out", tmp_path / "out", "--json")
    documents = json.loads(shown.stdout)["outputs"]["DESTINATION_SQL_STREAM"]
    assert sorted((row["TICKER_SYMBOL"], row["Company"] or "") for row in documents) == [
        ("AMZN", "Amazon"), ("CRM", "SomeCompanyC"), ("QXZ", ""),
    ]  # fmt: skip
    (folder / "companies.csv").write_bytes(COMPANIES.replace(b"Amazon", b"Amazon.com"))
    assert run("compile", folder, "--check").return_value == 1


@pytest.mark.parametrize(
    ("table", "companies", "message"),
    [
        (TABLE, None, "file = 'companies.csv': there is no such file in the pipeline folder"),
        (TABLE, b"ticker,Company\nA,B\n", "lacks the column Ticker: did you mean ticker?"),
        (TABLE, b"Ticker,Company\nAMAZON,x\n", "line 2, column Ticker: 'AMAZON' is too long for VARCHAR(4)"),
        (TABLE, COMPANIES + b"x" * MAX_FILE_BYTES, "more than 2,097,152 bytes: remove rows or columns, or"),
        (TABLE, b"Ticker,Company\nA,\xe9\n", "is not UTF-8 (byte 17)"),
        (TABLE + '\ns3 = "s3://amzn-s3-demo-bucket/x.csv"', COMPANIES, "write either file"),
        ('columns = { a = "INTEGER" }', COMPANIES, "write either file"),
        ('file = "companies.csv"', COMPANIES, "columns is missing: write columns ="),
        ('file = "companies.csv"\ncolumns = {}', COMPANIES, "a table has 1 to 1000 columns"),
        ('file = "companies.csv"\ncolumns = { a = "TEXTUAL" }', COMPANIES, "columns.a: "),
        ('file = "../companies.csv"\ncolumns = { a = "INTEGER" }', COMPANIES, "name a file in the pipeline folder"),
        ('file = "companies.txt"\ncolumns = { a = "INTEGER" }', COMPANIES, 'write format = "csv" or "json"'),
        ('s3 = "bucket/key.csv"\ncolumns = { a = "INTEGER" }', COMPANIES, "an object in S3, written s3://BUCKET/KEY"),
        (TABLE + '\nrefresh = "1h"', COMPANIES, "only an object in S3 is read again"),
        (f'{OBJECT}\nrefresh = "5s"', COMPANIES, "write at least 1m"),
        (TABLE + '\npaths = { Ticker = "$.a" }', COMPANIES, "only JSON has paths"),
        (TABLE + "\ndelimiter = '\"'", COMPANIES, "delimiter: write a character other than quotes"),
        (TABLE + '\nrefesh = "1h"', COMPANIES, "unknown setting 'refesh': did you mean 'refresh'?"),
    ],
)  # fmt: skip
def test_bad_table_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    table: str,
    companies: bytes | None,
    message: str,
) -> None:
    folder = make_folder(tmp_path, table, companies)
    monkeypatch.setattr("sys.argv", ["streamtally", "compile", str(folder)])
    with pytest.raises(SystemExit) as caught:
        command_line.main()
    text = capsys.readouterr().err.strip()
    assert caught.value.code == 2
    assert message in text
    assert "\n" not in text
    assert not (folder / "pipeline.json").exists()


ROW = '{"TICKER_SYMBOL": "AMZN", "SECTOR": "x", "PRICE": 1.5}\n'
IN_S3 = 's3 = "s3://amzn-s3-demo-bucket/companies.csv"\ncolumns = { Ticker = "VARCHAR(4)", Company = "VARCHAR(60)" }'


# A table in S3 can be given as a file; compiling needs neither.
def test_file_stands_in_for_an_object(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, IN_S3)
    assert run("compile", folder).return_value == 0
    assert "text" not in json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))["references"]["CompanyName"]
    (tmp_path / "rows.log").write_text(ROW, encoding="utf-8")
    given = f"CompanyName={tmp_path / 'companies.csv'}"
    command = ["run", tmp_path / "rows.log", "--pipeline", folder, "--out", tmp_path / "out", "--json"]
    shown = run(*command, "--reference", given)
    assert json.loads(shown.stdout)["outputs"]["DESTINATION_SQL_STREAM"][0]["Company"] == "Amazon"
    event = tmp_path / "event.json"
    record = {"recordId": "1", "approximateArrivalTimestamp": 1, "data": base64.b64encode(ROW.encode()).decode()}
    event.write_text(json.dumps({"records": [record]}), encoding="utf-8")
    shown = run("invoke", event, "--pipeline", folder, "--reference", given)
    assert '"Company":"Amazon"' in shown.stderr


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("CompanyName", "write NAME=FILE"),
        ("Company=x", "unknown table 'Company': did you mean 'CompanyName'?"),
        ("CompanyName=/nonexistent/file", "cannot be read: No such file or directory"),
    ],
)
def test_bad_reference_option_is_one_line(tmp_path: Path, value: str, message: str) -> None:
    folder = make_folder(tmp_path, IN_S3)
    (tmp_path / "rows.log").write_text(ROW, encoding="utf-8")
    result = run("run", tmp_path / "rows.log", "--pipeline", folder, "--reference", value)
    assert isinstance(result.exception, SettingsError)
    assert message in str(result.exception)
