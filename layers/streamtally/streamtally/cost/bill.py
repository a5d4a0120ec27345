"""A month's bill by part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streamtally.cost.prices import Prices
from streamtally.cost.steps import billed_bytes
from streamtally.cost.volumes import (
    DAYS_A_MONTH,
    GIB,
    HOURS_A_MONTH,
    SECONDS_A_MONTH,
    Assumptions,
    Sample,
    Stack,
    Traffic,
    batch_lines,
    batch_seconds,
)

NOT_IN_THE_BILL = (
    "free tiers, discounts and taxes", "traffic between zones and out of AWS", "KMS keys and Secrets Manager",
    "EventBridge Scheduler", "the agents' own metrics", "snapshots, extra IOPS of the domain", "queries",
)  # fmt: skip
"""What the bill leaves out."""


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the bill.

    Attributes:
        name: The part, stable, for machines.
        usd: US dollars a month.
        quantity: What is billed, in words.
    """

    name: str
    usd: float
    quantity: str

    def to_json(self) -> dict[str, Any]:
        """The part as a JSON object, in cents."""
        return {"name": self.name, "usd": round(self.usd, 2), "quantity": self.quantity}


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that one bill depends on, except the prices."""

    traffic: Traffic
    sample: Sample
    stack: Stack = field(default_factory=Stack)
    assumed: Assumptions = field(default_factory=Assumptions)

    @property
    def lines_a_month(self) -> float:
        """Lines."""
        return self.traffic.lines_a_day * DAYS_A_MONTH

    @property
    def batch_seconds(self) -> float:
        """For how long a batch is collected."""
        return batch_seconds(self.sample.line_bytes, self.traffic, self.stack)

    @property
    def batches_a_month(self) -> float:
        """Invocations of the transform; none without lines."""
        return SECONDS_A_MONTH / self.batch_seconds if self.traffic.lines_a_day else 0.0

    @property
    def batch_lines(self) -> float:
        """Lines of a batch."""
        return batch_lines(self.sample.line_bytes, self.traffic, self.stack)

    @property
    def keys(self) -> float:
        """Keys of all windowed outputs together."""
        return sum(output.keys for output in self.sample.outputs)


def make_bill(case: Case, prices: Prices) -> list[Part]:
    """The parts of a month's bill. Raises: SettingsError: something has no price."""
    return [make(case, prices) for make in _PARTS]


def total(parts: list[Part]) -> float:
    """US dollars a month."""
    return sum(part.usd for part in parts)


def _ingestion(case: Case, prices: Prices) -> Part:
    records = case.lines_a_month / case.traffic.lines_a_record
    gib = records * billed_bytes(case.sample.line_bytes * case.traffic.lines_a_record) / GIB
    quantity = f"{records:,.0f} records of {case.traffic.lines_a_record:,.4g} lines, billed as {gib:,.1f} GiB"
    return Part("firehose ingestion", gib * prices["firehose.ingested_gib"], quantity)


def _lambda_usd(case: Case, prices: Prices, runs: float, seconds: float, memory_mb: int) -> float:
    gb_seconds = runs * seconds * memory_mb / 1024
    return runs * prices["lambda.request"] + gb_seconds * prices[f"lambda.gb_second_{case.stack.architecture}"]


def _transform(case: Case, prices: Prices) -> Part:
    memory, assumed = case.stack.transform_memory_mb, case.assumed
    slower = max(1.0, assumed.full_processor_mb / memory)  # below one processor, the same work takes longer
    seconds = case.sample.cpu_seconds_a_line * case.batch_lines * slower + assumed.waiting_seconds
    runs = case.batches_a_month
    quantity = f"{runs:,.0f} invocations of {seconds:.2f} s at {memory} MB"
    return Part("lambda transform", _lambda_usd(case, prices, runs, seconds, memory), quantity)


def _summary(case: Case, prices: Prices) -> Part:
    documents = usd = 0.0
    for output in case.sample.outputs:
        number = output.documents_a_batch(case.batch_lines, case.batch_seconds) * case.batches_a_month
        documents += number
        usd += number * billed_bytes(output.document_bytes) / GIB * prices["firehose.ingested_gib"]
    return Part("firehose summary", usd, f"{documents:,.0f} documents, a record each")


def _storage(case: Case, prices: Prices) -> Part:
    gb = case.lines_a_month * case.sample.compressed_bytes_a_line / 1e9
    by_size = case.lines_a_month * case.sample.stored_bytes_a_line / case.stack.log_buffer_bytes
    by_time = SECONDS_A_MONTH / case.stack.log_buffer_seconds if case.traffic.lines_a_day else 0.0
    puts = max(by_size, by_time)
    quantity = f"{gb:,.1f} GB more each month (gzip), {puts:,.0f} objects"
    return Part("s3 log bucket", gb * prices["s3.gb_month"] + puts * prices["s3.put"], quantity)


def _settling(case: Case, prices: Prices) -> Part:
    assumed, memory = case.assumed, case.stack.manager_memory_mb
    runs = SECONDS_A_MONTH / case.stack.settle_seconds
    written = case.keys * assumed.writes_a_document * max(1.0, case.stack.settle_seconds / 60)
    seconds = assumed.settle_seconds_base + written * assumed.settle_seconds_a_document
    usd = _lambda_usd(case, prices, runs, seconds, memory)
    usd += _lambda_usd(case, prices, HOURS_A_MONTH, assumed.manage_seconds, memory)
    return Part("settling", usd, f"{runs:,.0f} runs of {seconds:.2f} s at {memory} MB, and one to manage each hour")


def _domain(case: Case, prices: Prices) -> Part:
    stack = case.stack
    hours = stack.domain_instances * HOURS_A_MONTH
    gib = stack.domain_instances * stack.domain_volume_gib
    usd = hours * prices[f"opensearch.{stack.domain_instance}"] + gib * prices["opensearch.gp3_gb_month"]
    return Part("opensearch domain", usd, f"{stack.domain_instances} × {stack.domain_instance}, {gib} GiB of gp3")


def _metrics(case: Case, prices: Prices) -> Part:
    number = case.assumed.custom_metrics
    return Part("custom metrics", number * prices["cloudwatch.metric_month"], f"{number} metrics")


def _alarms(case: Case, prices: Prices) -> Part:
    number = case.stack.alarms
    return Part("alarms", number * prices["cloudwatch.alarm_month"], f"{number} alarms")


def _dashboards(case: Case, prices: Prices) -> Part:
    number = case.stack.dashboards
    return Part("dashboard", number * prices["cloudwatch.dashboard_month"], f"{number} dashboard of CloudWatch")


def _logs(case: Case, prices: Prices) -> Part:
    runs = case.batches_a_month + SECONDS_A_MONTH / case.stack.settle_seconds + HOURS_A_MONTH
    gb = runs * case.assumed.log_bytes_a_run / 1e9
    usd = gb * (prices["cloudwatch.logs_gb"] + prices["cloudwatch.logs_gb_month"])
    return Part("functions' logs", usd, f"{gb:,.2f} GB, kept for a month")


_PARTS: tuple[Callable[[Case, Prices], Part], ...] = (
    _ingestion, _transform, _summary, _storage, _settling, _domain, _metrics, _alarms, _dashboards, _logs,
)  # fmt: skip
