"""The Kinesis Agent's configuration: what the agent would refuse or ignore, and which lines it would drop.

Source: Kinesis Agent developer guide, "Agent configuration settings"; the agent's own behaviour
(tests/system/conformance).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.agent import AgentFlow
from streamtally.errors import StreamtallyError
from streamtally.findings import Finding
from streamtally.text import near_names

TOP_KEYS = frozenset(
    [
        "cloudwatch.emitMetrics",
        "cloudwatch.endpoint",
        "cloudwatch.queueSize",
        "firehose.endpoint",
        "kinesis.endpoint",
        "sts.endpoint",
        "awsAccessKeyId",
        "awsSecretAccessKey",
        "assumeRoleARN",
        "assumeRoleExternalId",
        "checkpointFile",
        "flows",
        "log.file",
        "log.level",
        "log.maxBackupIndex",
        "log.maxFileSize",
        "maxConnections",
        "maxSendingThreads",
        "maxSendingThreadsPerCore",
        "sendingThreadsKeepAliveMillis",
        "sendingThreadsMaxQueueSize",
        "shutdownTimeoutMillis",
        "instanceTTLMillis",
        "userDefinedCredentialsProvider.classname",
        "userDefinedCredentialsProvider.location",
    ]
)
FLOW_KEYS = frozenset(
    [
        "filePattern",
        "deliveryStream",
        "kinesisStream",
        "initialPosition",
        "maxBufferAgeMillis",
        "maxBufferSizeBytes",
        "maxBufferSizeRecords",
        "minTimeBetweenFilePollsMillis",
        "multiLineStartPattern",
        "partitionKeyOption",
        "skipHeaderLines",
        "truncatedRecordTerminator",
        "aggregatedRecordSizeBytes",
        "fileFooterPattern",
        "dataProcessingOptions",
        "publishQueueCapacity",
        "retryInitialBackoffMillis",
        "retryMaxBackoffMillis",
        "waitOnPublishQueueMillis",
        "waitOnEmptyPublishQueueMillis",
    ]
)
OPTION_KEYS = frozenset(
    [
        "optionName",
        "logFormat",
        "matchPattern",
        "customFieldNames",
        "jsonFormat",
        "delimiter",
        "parseOptions",
        "metadata",
        "timestamp",
        "className",
    ]
)
_COMMENT_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_REGION = re.compile(r"(?:^|[./])(?:firehose|kinesis)(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.")
_KEYS_ADVICE = "remove awsAccessKeyId and awsSecretAccessKey, and give the machine a role"


@dataclass(frozen=True, slots=True)
class AgentJson:
    """A configuration's text.

    Attributes:
        where: the file.
        text: its content.
        region: the stream's region; "" if unknown.
        lines: file pattern → some lines of the logs that it matches, each with its line end.
    """

    where: str
    text: str
    region: str = ""
    lines: Mapping[str, Sequence[bytes]] = field(default_factory=dict)


def endpoint(service: str, region: str) -> str:
    """A service's address in a region; the partition of China has its own domain."""
    return f"https://{service}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def load(text: str) -> Any:
    """The configuration as the agent reads it, with comments allowed. Raises: ValueError: it is not JSON."""
    return json.loads(_COMMENT_OR_STRING.sub(_blank, text))


def _blank(match: re.Match[str]) -> str:
    """A comment replaced by spaces, so that errors after it keep their line and column."""
    return match[0] if match[0][0] == '"' else re.sub(r"[^\n]", " ", match[0])


def flows_of(text: str) -> list[dict[str, Any]]:
    """The flows that can be read; an empty list if the text is invalid."""
    try:
        document = load(text)
    except (ValueError, RecursionError):
        return []
    flows = document.get("flows") if isinstance(document, dict) else None
    return [flow for flow in flows if isinstance(flow, dict)] if isinstance(flows, list) else []


def check_json(config: AgentJson) -> Iterator[Finding]:
    """The agent does not start with an invalid file."""
    try:
        document = load(config.text)
    except (ValueError, RecursionError) as error:
        text = f"not JSON: {error}: the agent will not start"
        yield Finding("agent-json", "error", text, "fix it there (a comma, a quote, a brace)", config.where)
        return
    if not isinstance(document, dict) or not flows_of(config.text):
        fix = 'add "flows": [{"filePattern": …, "deliveryStream": …}], or run streamtally agent-config'
        yield Finding("agent-json", "error", "there are no flows, so the agent reads nothing", fix, config.where)


def check_keys(config: AgentJson) -> Iterator[Finding]:
    """The agent ignores unknown keys, so a misspelt key silently leaves the default."""
    try:
        document = load(config.text)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict):
        yield from _unknown(config, document, TOP_KEYS, "", FLOW_KEYS, "inside a flow")
    for flow in flows_of(config.text):
        yield from _unknown(config, flow, FLOW_KEYS, "flow: ", TOP_KEYS, "at the top")
        options = flow.get("dataProcessingOptions")
        for option in options if isinstance(options, list) else []:
            if isinstance(option, dict):
                where = "dataProcessingOptions: "
                yield from _unknown(config, option, OPTION_KEYS, where, FLOW_KEYS, "next to dataProcessingOptions")


def _unknown(
    config: AgentJson,
    part: Mapping[str, Any],
    known: frozenset[str],
    prefix: str,
    elsewhere: frozenset[str],
    target: str,
) -> Iterator[Finding]:
    for key in part:
        if key in known:
            continue
        near = near_names(key, known, 1, 0.75)
        if key in elsewhere:
            fix = f"move it {target}"
        elif near:
            fix = f"write {near[0]}"
        else:
            fix = "remove it, or look up its name in the agent's documentation"
        yield Finding("agent-keys", "warning", f"{prefix}the agent ignores {key!r}", fix, config.where)


def check_flows(config: AgentJson) -> Iterator[Finding]:
    """A flow with which the agent cannot start, or that would send nothing."""
    for flow in flows_of(config.text):
        if not flow.get("filePattern"):
            yield Finding("agent-flow", "error", "a flow without filePattern", "name the log's path", config.where)
        if not (flow.get("deliveryStream") or flow.get("kinesisStream")):
            fix = "add deliveryStream with the stream's name"
            yield Finding("agent-flow", "error", "a flow without deliveryStream", fix, config.where)
        yield from _values(config, flow)
        try:
            AgentFlow(flow.get("dataProcessingOptions") or [], flow)
        except (StreamtallyError, ValueError) as error:
            fix = "fix this option: the agent does not start with it"
            yield Finding("agent-flow", "error", str(error), fix, config.where)


def _values(config: AgentJson, flow: Mapping[str, Any]) -> Iterator[Finding]:
    """Values that the agent refuses, or that mean something else."""
    for key in ("filePattern", "deliveryStream", "kinesisStream"):
        if flow.get(key) and not isinstance(flow[key], str):
            yield Finding(
                "agent-flow", "error", f"{key} is not text: {flow[key]!r:.80}", "put it in quotes", config.where
            )
    pattern = flow.get("filePattern")
    if isinstance(pattern, str) and pattern and not pattern.startswith("/"):
        text = f"filePattern {pattern!r:.80} is not an absolute path: the agent does not run in your directory"
        yield Finding("agent-flow", "error", text, "begin it with /", config.where)


def check_region(config: AgentJson) -> Iterator[Finding]:
    """An endpoint of another region responds 404 to every call; without an endpoint the agent uses us-east-1."""
    try:
        document = load(config.text)
    except (ValueError, RecursionError):
        return
    if not isinstance(document, dict):
        return
    for key in ("firehose.endpoint", "kinesis.endpoint"):
        match = _REGION.search(str(document.get(key) or ""))
        region = match[1] if match else "us-east-1"
        used = any(flow.get("deliveryStream" if key[0] == "f" else "kinesisStream") for flow in flows_of(config.text))
        local = bool(document.get(key)) and not match
        if used and config.region and region != config.region and not local:
            text = f"{key} goes to {region}, and the stream is in {config.region}"
            fix = f'"{key}": "{endpoint(key.split(".")[0], config.region)}"'
            yield Finding("agent-region", "error", text, fix, config.where)


def check_secrets(config: AgentJson) -> Iterator[Finding]:
    """Secret keys in a file that many users can read."""
    if re.search(r'"awsSecretAccessKey"\s*:\s*"\w', config.text):
        yield Finding("agent-secrets", "warning", "the file holds an AWS secret key", _KEYS_ADVICE, config.where)


def check_dropped_lines(config: AgentJson) -> Iterator[Finding]:
    """LOGTOJSON skips lines that its pattern does not match: how many lines of the real log that affects."""
    for flow in flows_of(config.text):
        lines = config.lines.get(str(flow.get("filePattern"))) or []
        if not lines:
            continue
        try:
            agent = AgentFlow(flow.get("dataProcessingOptions") or [], flow)
        except (StreamtallyError, ValueError):
            continue
        reasons = Counter(
            converted.reason
            for converted in map(agent.convert, lines)
            if converted.data is None and converted.source.strip()
        )
        dropped = sum(reasons.values())
        if dropped:
            text = f"{dropped} of {len(lines)} lines ({dropped / len(lines):.1%}) would be dropped by the agent: "
            fix = "send raw lines (remove dataProcessingOptions): the transform keeps lines that do not parse"
            yield Finding("agent-drops", "error", text + str(reasons.most_common(1)[0][0]), fix, config.where)


CHECKS: tuple[Callable[[AgentJson], Iterable[Finding]], ...] = (
    check_json,
    check_keys,
    check_flows,
    check_region,
    check_secrets,
    check_dropped_lines,
)
