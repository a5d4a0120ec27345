"""The ledger as CloudWatch metrics (EMF) and one log line a batch."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from streamtally.transform.ledger import Ledger

LINE_CLASSES = ("rows", "unparsed", "empty", "failed", "reingested")
ROW_FATES = ("emitted", "filtered", "eval_failed", "out_of_range")
MAX_REASONS = 20


def add_ledger(metrics: Metrics, logger: Logger, stream_arn: str, invocation_id: str, ledger: Ledger) -> None:
    """Publish a batch's account: counts as metrics, reasons in the log; an account out of balance is an error line."""
    metrics.add_metric("Lines", MetricUnit.Count, ledger.lines)
    for name in LINE_CLASSES:
        metrics.add_metric(_metric_name(name), MetricUnit.Count, getattr(ledger, name))
    for name in ("records", "dropped", "processing_failed"):
        metrics.add_metric(_metric_name(name), MetricUnit.Count, getattr(ledger, name))
    for name in ROW_FATES:
        metrics.add_metric(_metric_name(name), MetricUnit.Count, sum(getattr(o, name) for o in ledger.outputs.values()))
    wrong = ledger.imbalance()
    metrics.add_metric("LedgerOutOfBalance", MetricUnit.Count, len(wrong))
    extra = {"stream": stream_arn, "invocation": invocation_id, "ledger": ledger_json(ledger)}
    if wrong:
        logger.error("ledger out of balance: %s", "; ".join(wrong), extra=extra)
    else:
        logger.info("batch", extra=extra)


def ledger_json(ledger: Ledger) -> dict[str, object]:
    """An account as JSON: counts, the most frequent reasons, and each output's own."""
    counts: dict[str, object] = {"lines": ledger.lines, **{name: getattr(ledger, name) for name in LINE_CLASSES}}
    outputs = {
        name: {
            **{fate: getattr(output, fate) for fate in ROW_FATES},
            "reasons": dict(output.reasons.most_common(MAX_REASONS)),
        }
        for name, output in ledger.outputs.items()
    }
    return {**counts, "reasons": dict(ledger.reasons.most_common(MAX_REASONS)), "outputs": outputs}


def _metric_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
