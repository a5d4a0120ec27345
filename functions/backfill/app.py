"""Old logs by Step Functions: one step of the state machine that template.yaml makes with ``Backfill`` true.

Deployed twice: one function reads objects and does not reach the domain, the other one loads and reads no logs.
"""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from streamtally.aws.handlers.settings import pipeline_from_environment
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.sinks.objects import open_objects
from streamtally.backfill.steps import run_step

logger = Logger(service=os.environ.get("POWERTOOLS_SERVICE_NAME", "backfill"))
pipeline = pipeline_from_environment(os.environ)


def _connect() -> Cluster:
    from streamtally.aws.opensearch.connect import connect_from_environment  # its libraries are not for reading

    return connect_from_environment(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run one step. What it could not do as a whole is raised, so that Step Functions tries it again."""
    result = run_step(
        event, pipeline, os.environ, lambda: context.get_remaining_time_in_millis() / 1000, open_objects, _connect
    )
    logger.info({"step": event["step"], "key": event.get("key"), **result})
    return result
