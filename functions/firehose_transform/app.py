"""The transformation of log-ingestion-stream: lines to JSON, and partial aggregates to the second stream."""

from __future__ import annotations

import os
import time
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from streamtally.aws.clients import s3_client
from streamtally.aws.handlers.current_pipeline import CurrentPipeline
from streamtally.aws.handlers.delivery import make_delivery
from streamtally.aws.handlers.envelope_secret import make_seal
from streamtally.aws.handlers.invocation import answer_batch
from streamtally.aws.handlers.kernel import load_kernel
from streamtally.aws.handlers.metrics import add_ledger, publish
from streamtally.aws.handlers.raw_answer import load_raw_answer
from streamtally.aws.handlers.reingest import make_reingest
from streamtally.aws.handlers.settings import pipeline_from_environment
from streamtally.aws.reference_objects import read_from

# The metrics' dimension: the template gives each stack's function its own name, which alarms refer to.
SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "firehose-transform")
logger = Logger(service=SERVICE)
metrics = Metrics(namespace="Streamtally", service=SERVICE)

pipeline = pipeline_from_environment(os.environ)
current = CurrentPipeline(pipeline, read_from(s3_client), logger)
deliver = make_delivery(pipeline, os.environ, logger)
reingest = make_reingest(os.environ, logger)
seal = make_seal(os.environ)
kernel = load_kernel(os.environ, logger.warning)
raw_answer = load_raw_answer(os.environ, logger.info, logger.warning)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answer one batch. Partials are sent before the response is returned: if they cannot be, the invocation fails.

    Returns: the response as a dict, or as text that Lambda's runtime embeds, where ``STREAMTALLY_RAW_ANSWER`` is on.
    """
    now_ms = time.time_ns() // 1_000_000
    response, ledger = answer_batch(
        current(now_ms),
        deliver,
        event,
        lambda: context.get_remaining_time_in_millis() / 1000,
        now_ms,
        reingest,
        seal(),
        kernel=kernel,
    )
    if current.failed:
        metrics.add_metric("ReferenceTablesNotRefreshed", MetricUnit.Count, current.failed)
    # These names are for the log alone, and events of other tools leave them out.
    add_ledger(metrics, logger, event.get("deliveryStreamArn", ""), event.get("invocationId", ""), ledger)
    if raw_answer is None:
        return response
    answer = raw_answer(response)
    publish(metrics, "AnswersAsText", MetricUnit.Count, int(answer is not response))
    return answer
