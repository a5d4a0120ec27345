"""The ledger as CloudWatch metrics (EMF) and one log line per batch."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from streamtally.transform.ledger import KERNEL, Ledger

MAX_REASONS = 20
"""How many reasons a log line names."""


def add_ledger(metrics: Metrics, logger: Logger, stream_arn: str, invocation_id: str, ledger: Ledger) -> None:
    """Publish a batch's ledger: counts as metrics, reasons in the log; a ledger out of balance is an error line."""
    records = {"records": ledger.records, "dropped": ledger.dropped, "processing_failed": ledger.processing_failed}
    for name, count in {**ledger.line_classes(), **records, **ledger.row_fates()}.items():
        metrics.add_metric(_metric_name(name), MetricUnit.Count, count)
    if ledger.way:  # where a kernel is loaded
        metrics.add_metric("EventsByKernel", MetricUnit.Count, int(ledger.way == KERNEL))
    if ledger.kernel_error:
        logger.warning("the kernel failed, and Python read the event", error=ledger.kernel_error)
    wrong = ledger.imbalance()
    metrics.add_metric("LedgerOutOfBalance", MetricUnit.Count, len(wrong))
    extra = {"stream": stream_arn, "invocation": invocation_id, "ledger": ledger.to_json(MAX_REASONS)}
    if ledger.way:
        extra["way"] = ledger.way
    if wrong:
        logger.error("ledger out of balance: %s", "; ".join(wrong), extra=extra)
    else:
        logger.info("batch", extra=extra)


def _metric_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
