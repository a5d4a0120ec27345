"""What the same lines would cost in other services of AWS, as far as a price list and documented rates tell.

Each is the least that its service bills for this volume, not a design: what is left out is said with it.
Sources: Managed Service for Apache Flink developer guide, "Per second billing"; Amazon OpenSearch Service developer
guide, "Scaling pipelines in Amazon OpenSearch Ingestion"; Kinesis Data Streams developer guide, "Quotas and limits".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from streamtally.cost.bill import Case
from streamtally.cost.prices import Prices
from streamtally.cost.volumes import HOURS_A_MONTH, SECONDS_A_DAY
from streamtally.text import counted

SHARD_BYTES, SHARD_RECORDS = 2**20, 1000
"""What one shard of a data stream takes in a second."""
OCU_BYTES = 2 * 2**20
"""What one compute unit of OpenSearch Ingestion reads in a second, of a log with one simple pattern."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another service.

    Attributes:
        name: The service.
        usd: US dollars a month, at least.
        quantity: What is billed.
        differs: What it leaves out or does differently.
    """

    name: str
    usd: float
    quantity: str
    differs: str

    def to_json(self) -> dict[str, Any]:
        """The alternative as a JSON object, in cents."""
        return {"name": self.name, "usd": round(self.usd, 2), "quantity": self.quantity, "differs": self.differs}


def find_alternatives(case: Case, prices: Prices) -> list[Alternative]:
    """Managed Flink, OpenSearch Ingestion and CloudWatch Logs for the same lines."""
    lines_a_second = case.traffic.lines_a_day / SECONDS_A_DAY
    bytes_a_second = lines_a_second * case.sample.line_bytes
    shards = max(
        1,
        math.ceil(bytes_a_second / SHARD_BYTES),
        math.ceil(lines_a_second / case.traffic.lines_a_record / SHARD_RECORDS),
    )
    units = max(1, math.ceil(bytes_a_second / OCU_BYTES))
    gb = case.lines_a_month * case.sample.line_bytes / 1e9
    flink = HOURS_A_MONTH * (2 * prices["flink.kpu_hour"] + shards * prices["kinesis.shard_hour"])
    return [
        Alternative(
            "Managed Service for Apache Flink", flink,
            f"two processing units (one orchestrates) and a data stream with {counted(shards, 'shard')}",
            "without the domain and without lines in S3; more units if one does not keep up",
        ),
        Alternative(
            "OpenSearch Ingestion", units * HOURS_A_MONTH * prices["opensearch.ocu_hour"],
            counted(units, "compute unit"),
            "without the domain, which would index every line and so must be larger",
        ),
        Alternative(
            "CloudWatch Logs", gb * (prices["cloudwatch.logs_gb"] + prices["cloudwatch.logs_gb_month"]),
            f"{gb:,.1f} GB ingested, kept for a month, taken as uncompressed",
            "without metric filters, each of whose metrics is billed, and without queries",
        ),
    ]  # fmt: skip
