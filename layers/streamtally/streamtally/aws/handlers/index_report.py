"""What the index manager did, as CloudWatch metrics and log lines; failures end in one error that names each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from streamtally.aws.handlers.metrics import publish
from streamtally.aws.opensearch.apply_plan import describe_failures
from streamtally.aws.opensearch.manager import Managed
from streamtally.aws.opensearch.settling.settle_report import SettleReport
from streamtally.errors import IndexPlanError


def report_managed(managed: Managed, metrics: Metrics, logger: Logger, dry_run: bool) -> Mapping[str, str]:
    """Publish a manage run and return its summary. Raises: IndexPlanError: names each failure."""
    kinds = Counter(result.action.kind for result in managed.results if result.outcome == "done")
    for kind, count in kinds.items():
        publish(metrics, "Action" + "".join(part.capitalize() for part in kind.split("_")), MetricUnit.Count, count)
    publish(metrics, "Actions", MetricUnit.Count, sum(kinds.values()))
    publish(metrics, "Indices", MetricUnit.Count, len(managed.observed.indices))
    size_bytes = sum(index.size_bytes for index in managed.observed.indices.values())
    publish(metrics, "IndexBytes", MetricUnit.Bytes, size_bytes)
    publish(metrics, "Failures", MetricUnit.Count, len(managed.failed))
    for result in managed.results:
        text = (
            f"{result.outcome}: {result.action.kind} {result.action.target} ({result.action.reason}) {result.message}"
        )
        (logger.error if result.outcome == "failed" else logger.info)(text.strip())
    for action in managed.plan.actions if dry_run else ():
        logger.info("dry run: %s %s (%s)", action.kind, action.target, action.reason)
    for note in managed.plan.notes:
        logger.info("%s: %s: %s", note.kind, note.target, note.text)
    if managed.failed:
        raise IndexPlanError(f"{len(managed.failed)} actions failed: {describe_failures(managed.results)}")
    return {"task": "manage", "actions": str(sum(kinds.values())), "dry_run": str(dry_run).lower()}


def report_settled(reports: Sequence[SettleReport], metrics: Metrics, logger: Logger) -> Mapping[str, str]:
    """Publish a settling run and return its summary. Raises: IndexPlanError: names each output that failed."""
    ages = [report.unsettled_seconds for report in reports if report.unsettled_seconds is not None]
    if ages or not reports:  # without an answer nothing is known, and 0 would mean that all is well
        publish(metrics, "OldestUnsettledSeconds", MetricUnit.Seconds, max(ages, default=0.0))
    publish(metrics, "WindowsSettled", MetricUnit.Count, sum(report.windows for report in reports))
    publish(metrics, "PartialsSettled", MetricUnit.Count, sum(report.partials for report in reports))
    publish(metrics, "LatePartials", MetricUnit.Count, sum(report.late for report in reports))
    publish(metrics, "AuditDifferences", MetricUnit.Count, sum(report.audit_differences for report in reports))
    publish(metrics, "ActionDeleteIndex", MetricUnit.Count, sum(len(report.deleted) for report in reports))
    failed = [report for report in reports if report.problems]
    publish(metrics, "Failures", MetricUnit.Count, len(failed))
    for report in reports:
        (logger.error if report.problems else logger.info)("settled", extra={"settled": asdict(report)})
    if failed:
        problems = "; ".join(f"{report.output}: {', '.join(report.problems)}" for report in failed)
        raise IndexPlanError(f"{len(failed)} outputs failed: {problems}")
    finished = all(report.finished for report in reports)
    return {"task": "settle", "windows": str(sum(r.windows for r in reports)), "finished": str(finished).lower()}
