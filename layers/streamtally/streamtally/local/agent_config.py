"""Configurations that make log shippers send to a delivery stream: Kinesis Agent, Fluent Bit, Vector.

Sources: Kinesis Agent developer guide; Fluent Bit manual, "Tail" and "Amazon Kinesis Data Firehose", and its source,
out_kinesis_firehose; fluent/fluent-bit#11284 (simple_aggregation); Vector reference, ``file``, ``reduce`` and
``aws_kinesis_firehose``.
"""

from __future__ import annotations

import json
from typing import Any

from streamtally.agent.log_formats import LOG_FORMATS
from streamtally.cost.steps import FULL_RECORD_BYTES
from streamtally.doctor.agent_json import endpoint
from streamtally.errors import UnknownFormatError

RAW = "raw"
AGENT_FORMATS = {RAW: None, "apache_common": "COMMONAPACHELOG", "apache_combined": "COMBINEDAPACHELOG"} | {
    name: name for name in LOG_FORMATS
}
"""``--format`` → ``logFormat``; raw lines are what the transform expects, and lose nothing."""


def agent_config(path: str, stream: str, region: str, format_name: str = RAW) -> str:
    """The text of agent.json. Raises: UnknownFormatError."""
    if format_name not in AGENT_FORMATS:
        raise UnknownFormatError(format_name, AGENT_FORMATS)
    flow: dict[str, Any] = {
        "filePattern": path,
        "deliveryStream": stream,
        "initialPosition": "START_OF_FILE",
        "aggregatedRecordSizeBytes": FULL_RECORD_BYTES,  # Firehose bills each record as 5 KB at least
    }
    if log_format := AGENT_FORMATS[format_name]:
        flow["dataProcessingOptions"] = [{"optionName": "LOGTOJSON", "logFormat": log_format}]
    document = {
        "cloudwatch.emitMetrics": True,
        "cloudwatch.endpoint": endpoint("monitoring", region),
        "firehose.endpoint": endpoint("firehose", region),
        "flows": [flow],
    }
    return json.dumps(document, indent=2) + "\n"


def fluent_bit_config(path: str, stream: str, region: str) -> str:
    """Fluent Bit, classic format: JSON with the line in ``log``.

    With ``log_key`` it would send the line alone, but with JSON's escapes: each ``"`` as ``\\"``.
    """
    return f"""# The pipeline takes the line out of the JSON: line_field = "log" under [source] of pipeline.toml.
[INPUT]
    Name              tail
    Path              {path}
    Tag               access
    DB                /var/lib/fluent-bit/access.db
    Read_from_Head    On

[OUTPUT]
    Name              kinesis_firehose
    Match             access
    region            {region}
    delivery_stream   {stream}
    # Many lines in one record, which Firehose bills as 5 KB at least. Needs Fluent Bit 4.2.2.
    simple_aggregation On
"""


def vector_config(path: str, stream: str, region: str) -> str:
    """Vector, TOML: sends only the text of each event, of which each holds up to 100 lines."""
    quoted = json.dumps
    return f"""[sources.access]
type = "file"
include = [{quoted(path)}]

# Many lines in one record, which Firehose bills as 5 KB at least.
[transforms.records]
type = "reduce"
inputs = ["access"]
group_by = ["file"]
merge_strategies.message = "concat_newline"
max_events = 100
end_every_period_ms = 5000

[sinks.firehose]
type = "aws_kinesis_firehose"
inputs = ["records"]
stream_name = {quoted(stream)}
region = {quoted(region)}
encoding.codec = "text"
"""
