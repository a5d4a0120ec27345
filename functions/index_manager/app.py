"""The scheduled index manager: everything inside OpenSearch, so that nobody needs its console.

Events: ``{"task": "manage"}`` (hourly, and at deployment as CloudFormation's custom resource), ``{"task": "settle"}``
(each minute). Runs of one task or of both may overlap.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from streamtally.aws.handlers import custom_resource
from streamtally.aws.handlers.index_report import report_managed, report_settled
from streamtally.aws.handlers.log_bucket import prepare_log_bucket
from streamtally.aws.handlers.settings import pipeline_from_environment
from streamtally.aws.opensearch.connect import connect_from_environment
from streamtally.aws.opensearch.manager import Manager, make_manager
from streamtally.aws.sinks.parking import put_parked
from streamtally.errors import SettingsError

# The metrics' dimension: the template gives each stack's function its own name, which alarms refer to.
SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "index-manager")
logger = Logger(service=SERVICE)
metrics = Metrics(namespace="Streamtally", service=SERVICE)


def _manager() -> Manager:
    return make_manager(connect_from_environment(os.environ), pipeline_from_environment(os.environ), os.environ)


def _run(task: str, context: LambdaContext) -> Mapping[str, str]:
    """Run one task and return its summary. Raises: IndexPlanError: names what failed, after the rest was done."""
    if task not in ("manage", "settle"):
        raise SettingsError(f"unknown task {task!r}: it is manage or settle")
    dry_run = os.environ.get("DRY_RUN", "").lower() in ("1", "true", "yes")
    now_ms = time.time_ns() // 1_000_000

    def time_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    manager = _manager()
    if task == "settle" and not dry_run:
        put_parked(os.environ, time_left, metrics, logger)
        return report_settled(manager.settle(now_ms, time_left), metrics, logger)
    return report_managed(manager.manage(now_ms, time_left, dry_run), metrics, logger, dry_run)


def _set_up(context: LambdaContext) -> Mapping[str, str]:
    """What a deployment waits for: the log bucket's table, which the stream needs from the start, then the indices."""
    logger.info(prepare_log_bucket(os.environ, pipeline_from_environment(os.environ)))
    return _run("manage", context)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Mapping[str, Any]:
    """Run the event's task. A request from CloudFormation runs ``manage`` and is answered whatever the result."""
    if custom_resource.is_request(event):
        return custom_resource.respond(event, context, lambda: _set_up(context))
    return _run(str(event.get("task")), context)
