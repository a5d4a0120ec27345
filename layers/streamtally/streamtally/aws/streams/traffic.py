"""What a delivery stream has received: bytes and records of the last days, as CloudWatch counted them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from streamtally.aws.clients import Aws
from streamtally.errors import SettingsError

DAYS = 7
_DAY_SECONDS = 86_400
_METRICS = {"bytes": "IncomingBytes", "records": "IncomingRecords"}


@dataclass(frozen=True, slots=True)
class StreamTraffic:
    """Attributes: bytes_a_day, records_a_day: means of the last :data:`DAYS` days, of those with data."""

    bytes_a_day: float
    records_a_day: float


def read_traffic(aws: Aws, stream: str, now: datetime) -> StreamTraffic:
    """A stream's traffic. Raises: AwsError; SettingsError: nothing arrived.

    Source: Firehose developer guide, "Monitor with CloudWatch metrics".
    """
    queries = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Firehose",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "DeliveryStreamName", "Value": stream}],
                },
                "Period": _DAY_SECONDS,
                "Stat": "Sum",
            },
            "ReturnData": True,
        }
        for name, metric in _METRICS.items()
    ]
    start = now - timedelta(days=DAYS)
    response = aws.call("cloudwatch", "get_metric_data", MetricDataQueries=queries, StartTime=start, EndTime=now)
    days = {
        result["Id"]: [value for value in result.get("Values") or [] if value]
        for result in response["MetricDataResults"]
    }
    if not days.get("bytes") or not days.get("records"):
        raise SettingsError(
            f"{stream}: nothing arrived in the last {DAYS} days, so there is no rate: use --lines-a-day"
        )
    return StreamTraffic(*(sum(days[name]) / len(days[name]) for name in ("bytes", "records")))
