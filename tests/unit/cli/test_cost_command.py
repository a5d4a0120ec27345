"""``streamtally cost`` on generated logs; what it measures differs between machines, what it counts does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streamtally.aws.clients import Aws
from streamtally.cost.volumes import DAYS_A_MONTH
from streamtally.local.sample import generate
from tests.unit.cli.operator_runner import run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cost") / "shop.log"
    path.write_text("\n".join([*generate(2000, 1, "apache_combined"), ""]))
    return path


@pytest.fixture(scope="module")
def printed(log: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(run("cost", str(log), "--lines-a-day", "10000000", "--json").stdout)
    return value


def test_parts_add_up(printed: dict[str, Any]) -> None:
    usd = {part["name"]: part["usd"] for part in printed["parts"]}
    assert usd["firehose ingestion"] == 42.06  # 10 million records a day of one step
    assert printed["usd_a_month"] == pytest.approx(sum(usd.values()), abs=0.05)
    assert (printed["region"], printed["old_prices"]) == ("us-east-1", [])


def test_measured_priced_and_assumed_are_apart(printed: dict[str, Any]) -> None:
    measured = printed["measured"]
    assert (measured["lines"], measured["rate_from"]) == (2000, "--lines-a-day")
    assert measured["cpu_seconds_a_line"] > 0
    assert 0 < measured["compressed_bytes_a_line"] < measured["stored_bytes_a_line"]
    counts = next(output for output in measured["outputs"] if output["name"] == "DESTINATION_SQL_STREAM")
    assert 3 <= counts["keys"] <= 20  # statuses
    assert counts["window_seconds"] == 60
    assert {"firehose.ingested_gib", "flink.kpu_hour"} <= {price["name"] for price in printed["priced"]}
    assert all(price["read"] and price["source"] for price in printed["priced"])
    assert printed["assumed"]["transform_memory_mb"] == 1024
    assert "compared with a bill of AWS" in printed["note"]


def test_savings_alternatives_and_the_limit_of_settling(printed: dict[str, Any]) -> None:
    first, second = printed["savings"]
    assert "aggregatedRecordSizeBytes" in first["change"]
    assert first["usd"] > 40 > second["usd"] > 0
    assert len(printed["alternatives"]) == 3
    assert printed["settling"]["lines_a_day"] > 1e9


def test_the_text_has_the_same_figures(log: Path) -> None:
    ran = run("cost", str(log), "--lines-a-day", "10000000", "--lines-a-record", "25")
    assert ran.status == 0
    assert "firehose ingestion" in ran.stdout
    assert " 1.68  12,166,667 records of 25 lines" in ran.stdout
    for heading in ("What saves most", "elsewhere", "Settling", "Measured on this machine", "Priced", "Assumed"):
        assert heading in ran.stdout
    assert "read 20" in ran.stdout


def test_the_rate_is_the_logs_own_without_options(log: Path) -> None:
    measured = json.loads(run("cost", str(log), "--json").stdout)["measured"]
    assert measured["rate_from"] == "the log's own times"
    assert 100_000 < measured["lines_a_day"] < 1_000_000  # the sample's rate is 4 to 5 lines a second


class _Stream(Aws):
    """A stream that got 200 bytes in each of 1,000 records on two of the last days."""

    def __init__(self, values: dict[str, list[float]]) -> None:
        super().__init__(None, "us-east-1", None)
        self._values = values

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        assert (service, operation) == ("cloudwatch", "get_metric_data")
        assert parameters["EndTime"] <= datetime.now(UTC)
        queries = parameters["MetricDataQueries"]
        assert {query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for query in queries} == {"s"}
        return {"MetricDataResults": [{"Id": query["Id"], "Values": self._values[query["Id"]]} for query in queries]}


def test_the_rate_of_a_stream(log: Path) -> None:
    size = len(log.read_bytes()) / 2000
    aws = _Stream({"bytes": [size * 50_000, size * 150_000, 0], "records": [5000, 15_000, 0]})
    value = json.loads(run("cost", str(log), "--stream", "s", "--json", aws=aws).stdout)
    measured = value["measured"]
    assert measured["lines_a_record"] == pytest.approx(10)
    assert measured["lines_a_day"] == pytest.approx(100_000)
    assert value["parts"][0]["quantity"].startswith(f"{10_000 * DAYS_A_MONTH:,.0f} records of 10 lines")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--region", "eu-west-9"], "no prices of the region 'eu-west-9': there are those of us-east-1; --prices FILE"),
        (["--region", "us-esat-1"], "no region 'us-esat-1': did you mean 'us-east-1'?"),
        (["--prices", "/nowhere"], "/nowhere: cannot be read: No such file or directory"),
        (["--lines-a-day", "5", "--stream", "s"], "--stream and --lines-a-day exclude each other"),
        (["--lines-a-day", "nan"], "--lines-a-day"),
        (["--lines-a-day", "0"], "not in the range"),
        (["--lines-a-record", "many"], "not a valid float"),
        (["--lines-a-record", "100000"], "--lines-a-record 100,000: Firehose takes records of up to 1,024,000 bytes"),
        (["--pipeline", "/nowhere"], "no such folder"),
        (["--format", "nginxx"], "unknown format"),
    ],
)
def test_what_cannot_be_estimated_is_one_line(log: Path, more: list[str], says: str) -> None:
    ran = run("cost", str(log), *more)
    assert (ran.status, ran.stdout) == (2, "")
    assert says in ran.error
    assert "\n" not in ran.error


def test_prices_of_ones_own(log: Path, tmp_path: Path) -> None:
    bundled = (ROOT / "layers/streamtally/streamtally/cost/prices.toml").read_text("utf-8")
    own = tmp_path / "prices.toml"
    own.write_text(bundled.replace("us-east-1", "ap-northeast-1").replace("usd = 0.029", "usd = 0.058"))
    options = ("--lines-a-day", "10000000", "--json", "--prices", str(own))
    there, here = (json.loads(run("cost", str(log), *options, *region).stdout) for region in ((
        "--region", "ap-northeast-1"), ()))  # fmt: skip
    assert (there["region"], here["region"]) == ("ap-northeast-1", "us-east-1")
    assert (there["parts"][0]["usd"], here["parts"][0]["usd"]) == (84.12, 42.06)  # 1450.38 GiB
    own.write_text(bundled.replace("usd = 0.029", "usd = 0.058"))
    assert json.loads(run("cost", str(log), *options).stdout)["parts"][0]["usd"] == 84.12


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[price", "is not TOML: "),
        ("x = 1", "has no [[price]]"),
        ("price = [1]", "[[price]] number 1 is not a table"),
        ("[[price]]\nnmae = 'x'", "[[price]] number 1: unknown key 'nmae': did you mean 'name'?"),
        ("[[price]]\nname = 'x'\nusd = '1'", "[[price]] number 1: usd is missing, or is not a number"),
        ("[[price]]\nname='x'\nusd=-1\nunit='x'\nregion='x'\nread=2026-01-01\nsource='x'", "must be a number from 0"),
        ("[[price]]\nname='x'\nusd=1\nunit='x'\nregion='x'\nread='x'\nsource='x'", "read is missing, or is not a date"),
    ],
)
def test_a_price_file_that_is_none(text: str, says: str, log: Path, tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(text)
    ran = run("cost", str(log), "--prices", str(tmp_path / "prices.toml"))
    assert (ran.status, ran.stdout) == (2, "")
    assert ran.error.startswith(f"--prices {tmp_path}/prices.toml: ")
    assert says in ran.error


def test_a_log_that_gives_no_rate(tmp_path: Path) -> None:
    short = tmp_path / "short.log"
    short.write_text('192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "x"\n' * 3)
    assert "less than a minute" in run("cost", str(short)).error
    (tmp_path / "prose.log").write_text("the quick brown fox\n" * 9)
    for more in ([], ["--lines-a-day", "5"]):
        ran = run("cost", str(tmp_path / "prose.log"), *more)
        assert (ran.status, ran.stdout) == (2, "")
        assert "none of 9 lines parses: of no known format; streamtally detect " in ran.error
    (tmp_path / "empty.log").write_text("")
    assert run("cost", str(tmp_path / "empty.log"), "--lines-a-day", "5").status == 2


def test_a_stream_that_got_nothing(log: Path) -> None:
    ran = run("cost", str(log), "--stream", "s", aws=_Stream({"bytes": [], "records": []}))
    assert ran.status == 2
    assert "nothing arrived in the last 7 days" in ran.error
