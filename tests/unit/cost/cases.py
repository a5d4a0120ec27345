"""Prices and cases of which the bills are worked out by hand in test_bill.py."""

from __future__ import annotations

from datetime import date

from streamtally.cost.bill import Case
from streamtally.cost.prices import Price, Prices
from streamtally.cost.volumes import Assumptions, OutputSample, Sample, Stack, Traffic

USD = {
    "firehose.ingested_gib": 0.029,
    "lambda.request": 0.0000002,
    "lambda.gb_second_arm64": 0.0000133334,
    "lambda.gb_second_x86_64": 0.0000166667,
    "s3.gb_month": 0.023,
    "s3.put": 0.000005,
    "opensearch.t3.small.search": 0.036,
    "opensearch.gp3_gb_month": 0.122,
    "opensearch.ocu_hour": 0.24,
    "cloudwatch.metric_month": 0.30,
    "cloudwatch.alarm_month": 0.10,
    "cloudwatch.dashboard_month": 3.00,
    "cloudwatch.logs_gb": 0.50,
    "cloudwatch.logs_gb_month": 0.03,
    "flink.kpu_hour": 0.11,
    "kinesis.shard_hour": 0.015,
}
STACK, ASSUMED = Stack(alarms=21), Assumptions(custom_metrics=25)
"""As worked out; the numbers of the product may grow."""


def prices() -> Prices:
    """Those figures, which stay when the package's price file is renewed."""
    listed = {name: Price(name, usd, "unit", "here", date(2026, 1, 1), "a page") for name, usd in USD.items()}
    return Prices("here", listed)


def counted(lines_a_day: float, lines_a_record: float, keys: float = 10.0) -> Case:
    """Lines of 200 bytes, counted by so many keys a minute."""
    output = OutputSample("COUNTS", keys, 0.0, 600.0, 60.0)
    return Case(
        Traffic(lines_a_day, lines_a_record), Sample(5000, 1, 200.0, 20e-6, 300.0, 15.0, (output,)), STACK, ASSUMED
    )


def rows() -> Case:
    """One line a second of 100 bytes, each of which becomes a document."""
    output = OutputSample("ROWS", 0.0, 1.0, 400.0, 0.0)
    return Case(Traffic(86_400, 1.0), Sample(60, 1, 100.0, 20e-6, 300.0, 15.0, (output,)), STACK, ASSUMED)
