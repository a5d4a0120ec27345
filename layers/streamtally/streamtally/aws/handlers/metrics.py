"""The functions' CloudWatch metrics (EMF), and the ledger as metrics and one log line per batch."""

from __future__ import annotations

import os

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from streamtally.aws.handlers.kernel import KERNEL_FAILED
from streamtally.transform.ledger import KERNEL, Ledger

MAX_REASONS = 20
"""How many reasons a log line names."""

ALWAYS = frozenset(
    (
        "Lines", "Rows", "Unparsed", "Empty", "Failed", "Reingested",
        "Emitted", "Filtered", "EvalFailed", "OutOfRange", "LedgerOutOfBalance", "ProcessingFailed",
        "OldestUnsettledSeconds", "WindowsSettled", "PartialsSettled", "LatePartials", "AuditDifferences",
        "UndeliveredObjects", "Failures",
    )
)  # fmt: skip
"""The metrics that an alarm, the dashboard or ``streamtally status`` uses. CloudWatch bills each by the month, so the
others are published only if ``ALL_METRICS`` is true."""


def publish(metrics: Metrics, name: str, unit: MetricUnit, value: float) -> None:
    """Publish a metric, unless nothing uses it and it was not asked for."""
    if name in ALWAYS or os.environ.get("ALL_METRICS", "").lower() == "true":
        metrics.add_metric(name, unit, value)


def add_ledger(metrics: Metrics, logger: Logger, stream_arn: str, invocation_id: str, ledger: Ledger) -> None:
    """Publish a batch's ledger: counts as metrics, reasons in the log; a ledger out of balance is an error line."""
    records = {"records": ledger.records, "dropped": ledger.dropped, "processing_failed": ledger.processing_failed}
    for name, count in {**ledger.line_classes(), **records, **ledger.row_fates()}.items():
        publish(metrics, _metric_name(name), MetricUnit.Count, count)
    if ledger.way:  # where a kernel is loaded
        publish(metrics, "EventsByKernel", MetricUnit.Count, int(ledger.way == KERNEL))
    if ledger.kernel_error:
        logger.warning(KERNEL_FAILED, error=ledger.kernel_error)
    wrong = ledger.imbalance()
    publish(metrics, "LedgerOutOfBalance", MetricUnit.Count, len(wrong))
    extra = {"stream": stream_arn, "invocation": invocation_id, "ledger": ledger.to_json(MAX_REASONS)}
    if ledger.way:
        extra["way"] = ledger.way
    if wrong:
        logger.error("ledger out of balance: %s", "; ".join(wrong), extra=extra)
    else:
        logger.info("batch", extra=extra)


def _metric_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
