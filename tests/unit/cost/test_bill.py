"""Bills worked out by hand: a month has 730 hours, 30.41666… days; Firehose's GB are GiB."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streamtally.aws.handlers.metrics import ALWAYS
from streamtally.cost.alternatives import find_alternatives
from streamtally.cost.bill import Case, make_bill, total
from streamtally.cost.savings import find_savings
from streamtally.cost.volumes import Assumptions, Stack
from streamtally.errors import SettingsError
from tests.unit.cost.cases import counted, prices, rows

SLACK = 2
"""Alarms that may be added before the bill has to follow: less than a dollar a month."""
TEMPLATE = Path(__file__).resolve().parents[3] / "template.yaml"

# 10 million lines a day of 200 bytes: 23,148 bytes a second fill a batch of 1 MB in 43.2 s; 60,833 batches of 5,000
# lines. 304,166,667 records × 5,120 bytes = 1,450.4 GiB. A batch: 0.1 s of CPU × 1769/1024 + 0.1 s = 0.2728 s at 1 GB.
# Documents: 10 keys × (1 + 43.2/60) × 60,833 = 1,046,333 records of 5,120 bytes = 4.989 GiB. S3: 4.5625 GB and 8,760
# objects.
# Settling: 43,800 runs of 1 + 30 × 38/80,000 s and 730 of 3 s at 0.5 GB. Domain: 730 × 0.036 + 20 × 0.122.
# Logs: (60,833 + 43,800 + 730) × 3,000 bytes = 0.3161 GB × 0.53.
ONE_A_RECORD = {
    "firehose ingestion": 42.0610,
    "lambda transform": 0.2334,
    "firehose summary": 0.1447,
    "s3 log bucket": 0.1487,
    "settling": 0.3197,
    "opensearch domain": 28.72,
    "custom metrics": 7.50,
    "alarms": 2.10,
    "dashboard": 3.00,
    "functions' logs": 0.1675,
}
# 25 lines are 5,000 bytes, one step: a 25th of the ingestion, and the rest as before.
TWENTY_FIVE_A_RECORD = {**ONE_A_RECORD, "firehose ingestion": 1.6824}
# One line a second: 43,800 batches of 60 lines; 2,628,000 records and as many documents of a step, 12.531 GiB each.
# A batch: 0.0012 s × 1769/1024 + 0.1 s. S3: 0.0394 GB, 8,760 objects. No keys: runs of 1 s.
ROWS = {
    **ONE_A_RECORD,
    "firehose ingestion": 0.3634,
    "lambda transform": 0.0684,
    "firehose summary": 0.3634,
    "s3 log bucket": 0.0447,
    "settling": 0.3155,
    "functions' logs": 0.1404,
}


@pytest.mark.parametrize(
    ("case", "expected", "sum_usd"),
    [
        (counted(10_000_000, 1), ONE_A_RECORD, 84.395),
        (counted(10_000_000, 25), TWENTY_FIVE_A_RECORD, 44.0164),
        (rows(), ROWS, 42.6158),
    ],
)
def test_worked_out_by_hand(case: Case, expected: dict[str, float], sum_usd: float) -> None:
    parts = make_bill(case, prices())
    assert {part.name: pytest.approx(part.usd, abs=0.0001) for part in parts} == expected
    assert total(parts) == pytest.approx(sum_usd, abs=0.001)


def test_no_lines_cost_what_runs_anyway() -> None:
    usd = {part.name: part.usd for part in make_bill(counted(0, 1), prices())}
    assert [usd[name] for name in ("firehose ingestion", "lambda transform", "firehose summary", "s3 log bucket")] == [
        0, 0, 0, 0,
    ]  # fmt: skip
    assert usd["opensearch domain"] == pytest.approx(28.72)


def test_an_instance_without_a_price_is_refused_by_name() -> None:
    case = Case(rows().traffic, rows().sample, Stack(domain_instance="r9g.large.search"))
    with pytest.raises(
        SettingsError, match=r"no price of r9g.large.search in here: there are those of t3.small.search"
    ):
        make_bill(case, prices())


def test_the_two_changes_that_save_most() -> None:
    first, second = find_savings(counted(10_000_000, 1), prices())
    assert "aggregatedRecordSizeBytes 102400" in first.change
    assert first.usd == pytest.approx(42.0609 - 304_166_667 / 512 * 102_400 / 2**30 * 0.029, abs=0.001)  # 512 lines
    assert (second.change, round(second.usd, 2)) == ("DomainVolumeGiB=10", 1.22)
    assert all("aggregated" not in saving.change for saving in find_savings(counted(10_000_000, 512), prices()))


def test_alternatives() -> None:
    flink, ingestion, logs = find_alternatives(counted(10_000_000, 1), prices())
    assert flink.usd == pytest.approx(730 * (2 * 0.11 + 0.015))  # 116 lines a second, 23 kB a second: one shard
    assert ingestion.usd == pytest.approx(730 * 0.24)
    assert logs.usd == pytest.approx(60.8333 * 0.53, abs=0.001)  # GB
    more = find_alternatives(counted(1_000_000_000, 1), prices())
    assert [one.quantity.rpartition(" ")[2] for one in more[:2]] == ["shards", "units"]
    assert "12 shards" in more[0].quantity  # 11,574 records a second, 1,000 a shard
    assert "2 compute units" in more[1].quantity  # 2.3 MB a second, 2 MiB a unit


def test_the_number_of_metrics_is_that_of_the_functions() -> None:
    assert len(ALWAYS) == Assumptions().custom_metrics


def test_the_stack_is_as_the_template_sets_it() -> None:
    text = TEMPLATE.read_text()

    def default(name: str) -> str:
        found_default = re.search(rf"^  {name}:\n(?:    .*\n)*?    Default: (.*)$", text, re.MULTILINE)
        assert found_default is not None
        return found_default[1]

    stack = Stack()
    assert (default("Architecture"), default("DomainInstanceType")) == (stack.architecture, stack.domain_instance)
    assert int(default("TransformMemory")) == stack.transform_memory_mb
    assert int(default("ManagerMemory")) == stack.manager_memory_mb
    assert int(default("TransformBufferMBs")) * 1_000_000 == stack.transform_buffer_bytes
    assert int(default("TransformBufferSeconds")) == stack.transform_buffer_seconds
    assert int(default("LogBufferMBs")) * 2**20 == stack.log_buffer_bytes
    assert int(default("LogBufferSeconds")) == stack.log_buffer_seconds
    assert default("SettleSchedule") == "rate(1 minute)"
    assert int(default("DomainInstanceCount")) == stack.domain_instances
    assert int(default("DomainVolumeGiB")) == stack.domain_volume_gib
    assert text.count("Type: AWS::CloudWatch::Alarm\n") == pytest.approx(stack.alarms, abs=SLACK)
