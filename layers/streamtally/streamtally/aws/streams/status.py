"""The function of a delivery stream, its metrics of the last hour, and whether its counts are exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from streamtally.attach.destinations import find_destination
from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.streams.describe import attached_function, read_function, read_stream
from streamtally.cost.steps import billed_multiple
from streamtally.errors import SettingsError, StreamtallyError
from streamtally.findings import Finding
from streamtally.indices.names import inbox_name

if TYPE_CHECKING:
    from streamtally.aws.opensearch.cluster import Cluster

HOUR_SECONDS = 3600
METRICS = {
    "incoming_records": ("AWS/Firehose", "IncomingRecords", "Sum"),
    "incoming_bytes": ("AWS/Firehose", "IncomingBytes", "Sum"),
    "throttled_records": ("AWS/Firehose", "ThrottledRecords", "Sum"),
    "transformed_records": ("AWS/Firehose", "SucceedProcessing.Records", "Sum"),
    "failed_records": ("Streamtally", "ProcessingFailed", "Sum"),
    "transform_success_share": ("AWS/Firehose", "ExecuteProcessing.Success", "Average"),
    "freshness_seconds": ("AWS/Firehose", "{delivery}.DataFreshness", "Maximum"),
    "function_errors": ("AWS/Lambda", "Errors", "Sum"),
    "function_throttles": ("AWS/Lambda", "Throttles", "Sum"),
}
"""Name → namespace, metric, statistic. The transform itself publishes those of Streamtally.

Source: Firehose developer guide, "Monitor with CloudWatch metrics"."""
_DELIVERY = {
    "OpenSearch": "DeliveryToAmazonOpenSearchService",
    "OpenSearch Serverless": "DeliveryToAmazonOpenSearchServerless",
    "Elasticsearch": "DeliveryToElasticsearch",
    "HTTP endpoint": "DeliveryToHttpEndpoint",
    "Splunk": "DeliveryToSplunk",
    "Snowflake": "DeliveryToSnowflake",
    "Iceberg": "DeliveryToIceberg",
}
EXACT, AT_LEAST_ONCE, UNKNOWN = "exact", "at least once", "unknown"


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """The status of one stream.

    Attributes:
        stream: the stream's name.
        state: Firehose's status of it.
        destination: the kind of its destination.
        function: the ARN of its function; "": there is none.
        metrics: the metrics of the last hour by name; None: there is no data.
        counts: ``exact``, ``at least once`` or ``unknown``.
        reason: why.
        unread: why the metrics could not be read; "": they were read.
        problems: what keeps documents out of the cluster that the stream's counts go to.
    """

    stream: str
    state: str
    destination: str
    function: str
    metrics: Mapping[str, float | None]
    counts: str
    reason: str
    unread: str = ""
    problems: Sequence[Finding] = ()

    @property
    def billed_multiple(self) -> float | None:
        """Bytes billed / bytes sent in the last hour, at least; None: nothing was sent, or it is unknown."""
        return billed_multiple(self.metrics.get("incoming_bytes") or 0, self.metrics.get("incoming_records") or 0)

    def to_json(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "state": self.state,
            "destination": self.destination,
            "function": self.function or None,
            "last_hour": dict(self.metrics),
            "billed_multiple": self.billed_multiple,
            "unread": self.unread or None,
            "counts": self.counts,
            "reason": self.reason,
            "problems": [finding.to_json() for finding in self.problems],
        }


def read_status(aws: Aws, stream: str, now: datetime, cluster: Cluster | None = None) -> StreamStatus:
    """A stream's status, including what could not be read.

    Args: cluster: the stream's domain at another address; None: at its own.
    Raises: AwsError: the stream cannot be read at all.
    """
    description = read_stream(aws, stream)
    kind = find_destination(description).kind.name
    function = attached_function(description)
    counts, reason, problems = _counts(aws, description, kind, function, cluster, now)
    metrics: Mapping[str, float | None] = {}
    unread = ""
    try:
        metrics = read_metrics(aws, stream, kind, function, now, _service(aws, function))
    except AwsError as error:
        unread = str(error)
    state = str(description["DeliveryStreamStatus"])
    return StreamStatus(stream, state, kind, function, metrics, counts, reason, unread, problems)


def read_metrics(
    aws: Aws, stream: str, kind: str, function: str, now: datetime, service: str = ""
) -> dict[str, float | None]:
    """The metrics of the last hour: sums, the mean success share, and the maximum freshness.

    Args: service: the dimension under which the transform publishes its metrics; "": they are left out.
    """
    queries, function_name = [], function.split(":")[6] if function.count(":") >= 6 else ""
    dimensions = {
        "AWS/Firehose": ("DeliveryStreamName", stream),
        "AWS/Lambda": ("FunctionName", function_name),
        "Streamtally": ("service", service),
    }
    for name, (namespace, metric, statistic) in METRICS.items():
        key, value = dimensions[namespace]
        if not value:
            continue
        dimension = {"Name": key, "Value": value}
        metric_name = metric.format(delivery=_DELIVERY.get(kind, "DeliveryToS3"))
        source = {"Namespace": namespace, "MetricName": metric_name, "Dimensions": [dimension]}
        stat = {"Metric": source, "Period": HOUR_SECONDS, "Stat": statistic}
        queries.append({"Id": name, "MetricStat": stat, "ReturnData": True})
    start = now - timedelta(seconds=HOUR_SECONDS)
    response = aws.call("cloudwatch", "get_metric_data", MetricDataQueries=queries, StartTime=start, EndTime=now)
    values = {result["Id"]: result.get("Values") or [] for result in response["MetricDataResults"]}
    merge: dict[str, Callable[[list[float]], float]] = {"Sum": sum, "Average": _mean, "Maximum": max}
    return {name: float(merge[METRICS[name][2]](values[name])) if values.get(name) else None for name in METRICS}


def _service(aws: Aws, function: str) -> str:
    """The dimension of the transform's own metrics, from its settings; "": unknown."""
    parts = function.removesuffix(":$LATEST").split(":")
    try:
        configuration = read_function(aws, ":".join(parts[:7]), ":".join(parts[7:])) if function else None
    except AwsError:
        return ""
    variables = ((configuration or {}).get("Environment") or {}).get("Variables") or {}
    return str(variables.get("POWERTOOLS_SERVICE_NAME") or "firehose-transform") if configuration else ""


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _counts(
    aws: Aws, description: Mapping[str, Any], kind: str, function: str, cluster: Cluster | None, now: datetime
) -> tuple[str, str, Sequence[Finding]]:
    """Counts are exact if the inbox's ingest pipeline gives each document its derived id, also when it is repeated.

    Returns: ``exact`` and the like, why, and what keeps documents out of the cluster.
    """
    from streamtally.aws.opensearch.observe_surroundings import read_obstacles

    try:
        summary, config = _summary(aws, description, kind, function)
        if not summary:
            return UNKNOWN, "no function is attached, so there is no summary stream", ()
        cluster = cluster or connect_domain(aws, config)
        counts, reason = inbox_counts(cluster, summary, str(config.get("IndexName", "")))
        now_ms = int(now.timestamp() * 1000)
        return counts, reason, read_obstacles(cluster, (), now_ms, inbox=inbox_name(summary))
    except StreamtallyError as error:
        return UNKNOWN, str(error), ()


def find_summary(aws: Aws, stream: str) -> tuple[str, Mapping[str, Any]]:
    """The summary stream that receives a stream's documents, and its destination; ("", {}): there is none.

    Raises: AwsError, SettingsError.
    """
    description = read_stream(aws, stream)
    return _summary(aws, description, find_destination(description).kind.name, attached_function(description))


def _summary(aws: Aws, description: Mapping[str, Any], kind: str, function: str) -> tuple[str, Mapping[str, Any]]:
    """The summary stream's name and destination: this stream, or the one that its function sends to."""
    if kind in ("OpenSearch", "Elasticsearch"):
        return str(description["DeliveryStreamName"]), find_destination(description).config
    if not function:
        return "", {}
    parts = function.removesuffix(":$LATEST").split(":")
    configuration = read_function(aws, ":".join(parts[:7]), ":".join(parts[7:])) or {}
    name = ((configuration.get("Environment") or {}).get("Variables") or {}).get("SUMMARY_STREAM", "")
    if not name:
        raise SettingsError("the function has no SUMMARY_STREAM")
    return name, find_destination(read_stream(aws, name)).config


def connect_domain(aws: Aws, config: Mapping[str, Any]) -> Cluster:
    """The cluster that a destination writes to. Raises: AwsError, SettingsError: it has no address."""
    # This is half of what the command imports, and only needed for a domain.
    from streamtally.aws.opensearch.addresses import read_address, read_aws_host, refuse_serverless
    from streamtally.aws.opensearch.connect import connect, sigv4
    from streamtally.aws.opensearch.transport.retries import PACE_OF_A_COMMAND

    endpoint = str(config.get("ClusterEndpoint") or "")
    if not endpoint:
        name = str(config.get("DomainARN", "")).rpartition("/")[2]
        if not name:
            raise SettingsError("the summary stream has no OpenSearch domain")
        domain = aws.call("opensearch", "describe_domain", DomainName=name)["DomainStatus"]
        endpoint = domain.get("Endpoint") or (domain.get("Endpoints") or {}).get("vpc") or ""
        if not endpoint:
            raise SettingsError(f"the domain {name} has no endpoint yet")
    address = read_address(endpoint)
    aws_host = read_aws_host(address.host)
    refuse_serverless(address, aws_host)
    auth = sigv4(aws_host.region if aws_host else aws.region, "es", aws.session)
    return connect(endpoint, auth, timeout_seconds=10, pace=PACE_OF_A_COMMAND, checked=False)


def inbox_counts(cluster: Cluster, stream: str, index_name: str) -> tuple[str, str]:
    """Whether documents of this stream get derived ids. Raises: ClusterError."""
    inbox = inbox_name(stream)
    if index_name not in ("", inbox):
        default = cluster.request("GET", f"/{index_name}/_settings", ignore=(404,))
        pipelines = [
            ((body.get("settings") or {}).get("index") or {}).get("default_pipeline")
            for body in default.values()
            if isinstance(body, dict)
        ]
        if inbox in pipelines:
            return EXACT, f"{index_name} has the ingest pipeline {inbox}"
        return (
            AT_LEAST_ONCE,
            f"the stream writes to {index_name}, without the pipeline {inbox}: run streamtally indices apply",
        )
    pipelines_found = cluster.request("GET", f"/_ingest/pipeline/{inbox}", ignore=(404,))
    if inbox not in pipelines_found:
        return AT_LEAST_ONCE, f"the ingest pipeline {inbox} does not exist: run streamtally indices apply"
    simulated = cluster.request("POST", f"/_index_template/_simulate_index/{inbox}", None, ignore=(404,))
    settings = ((simulated.get("template") or {}).get("settings") or {}).get("index") or {}
    if settings.get("default_pipeline") != inbox:
        return AT_LEAST_ONCE, f"no index template sets the pipeline of {inbox}: run streamtally indices apply"
    return EXACT, f"the ingest pipeline {inbox} is installed"


def attached_streams(aws: Aws, names: list[str]) -> list[str]:
    """The streams that have a function; streams that cannot be read are left out."""
    attached = []
    for name in names:
        try:
            if attached_function(read_stream(aws, name)):
                attached.append(name)
        except AwsError:
            continue
    return attached
