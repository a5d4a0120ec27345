"""The Kinesis Agent's configuration: what it would refuse, ignore or drop lines by.

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
_KEYS_ADVICE = "take awsAccessKeyId and awsSecretAccessKey out, and give the machine a role"


@dataclass(frozen=True, slots=True)
class AgentJson:
    """A configuration's text.

    Attributes:
        region: where the stream is, "" if unknown.
        lines: file pattern → some lines of the logs that it matches, each with its line end.
    """

    where: str
    text: str
    region: str = ""
    lines: Mapping[str, Sequence[bytes]] = field(default_factory=dict)


def endpoint(service: str, region: str) -> str:
    """A service's address in a region; China's is a partition with a domain of its own."""
    return f"https://{service}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def load(text: str) -> Any:
    """The configuration as the agent reads it, comments allowed. Raises: ValueError: not JSON."""
    return json.loads(_COMMENT_OR_STRING.sub(_blank, text))


def _blank(match: re.Match[str]) -> str:
    """A comment as blanks, line by line, so that what is wrong after it keeps its line and column."""
    return match[0] if match[0][0] == '"' else re.sub(r"[^\n]", " ", match[0])


def flows_of(text: str) -> list[dict[str, Any]]:
    """The flows that can be read; none where the text is broken."""
    try:
        document = load(text)
    except (ValueError, RecursionError):
        return []
    flows = document.get("flows") if isinstance(document, dict) else None
    return [flow for flow in flows if isinstance(flow, dict)] if isinstance(flows, list) else []


def check_json(given: AgentJson) -> Iterator[Finding]:
    """The agent does not start with a broken file."""
    try:
        document = load(given.text)
    except (ValueError, RecursionError) as error:
        text = f"not JSON: {error}: the agent does not start"
        yield Finding("agent-json", "error", text, "mend that place (a comma, a quote, a brace)", given.where)
        return
    if not isinstance(document, dict) or not flows_of(given.text):
        fix = 'add "flows": [{"filePattern": …, "deliveryStream": …}], or run streamtally agent-config'
        yield Finding("agent-json", "error", "there are no flows, so nothing is read", fix, given.where)


def check_keys(given: AgentJson) -> Iterator[Finding]:
    """Unknown keys are ignored, so a misspelt one silently leaves the default."""
    try:
        document = load(given.text)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict):
        yield from _unknown(given, document, TOP_KEYS, "", FLOW_KEYS, "inside a flow")
    for flow in flows_of(given.text):
        yield from _unknown(given, flow, FLOW_KEYS, "flow: ", TOP_KEYS, "at the top")
        options = flow.get("dataProcessingOptions")
        for option in options if isinstance(options, list) else []:
            if isinstance(option, dict):
                where = "dataProcessingOptions: "
                yield from _unknown(given, option, OPTION_KEYS, where, FLOW_KEYS, "beside dataProcessingOptions")


def _unknown(
    given: AgentJson, part: Mapping[str, Any], known: frozenset[str], what: str, elsewhere: frozenset[str], place: str
) -> Iterator[Finding]:
    for key in part:
        if key in known:
            continue
        near = near_names(key, known, 1, 0.75)
        if key in elsewhere:
            fix = f"move it {place}"
        elif near:
            fix = f"write {near[0]}"
        else:
            fix = "take it out, or see the agent's settings for its name"
        yield Finding("agent-keys", "warning", f"{what}the agent ignores {key!r}", fix, given.where)


def check_flows(given: AgentJson) -> Iterator[Finding]:
    """A flow that the agent could not be built from, or that would send nowhere."""
    for flow in flows_of(given.text):
        if not flow.get("filePattern"):
            yield Finding("agent-flow", "error", "a flow without filePattern", "name the log's path", given.where)
        if not (flow.get("deliveryStream") or flow.get("kinesisStream")):
            fix = "add deliveryStream with the stream's name"
            yield Finding("agent-flow", "error", "a flow without deliveryStream", fix, given.where)
        yield from _values(given, flow)
        try:
            AgentFlow(flow.get("dataProcessingOptions") or [], flow)
        except (StreamtallyError, ValueError) as error:
            fix = "mend the option: the agent does not start with it"
            yield Finding("agent-flow", "error", str(error), fix, given.where)


def _values(given: AgentJson, flow: Mapping[str, Any]) -> Iterator[Finding]:
    """Values that the agent does not take, or that mean something else."""
    for key in ("filePattern", "deliveryStream", "kinesisStream"):
        if flow.get(key) and not isinstance(flow[key], str):
            yield Finding(
                "agent-flow", "error", f"{key} is no text: {flow[key]!r:.80}", "put it in quotes", given.where
            )
    pattern = flow.get("filePattern")
    if isinstance(pattern, str) and pattern and not pattern.startswith("/"):
        text = f"filePattern {pattern!r:.80} is no whole path: the agent does not run in your directory"
        yield Finding("agent-flow", "error", text, "begin it with /", given.where)


def check_region(given: AgentJson) -> Iterator[Finding]:
    """An endpoint of another region answers 404 for every call; without one the agent takes us-east-1."""
    try:
        document = load(given.text)
    except (ValueError, RecursionError):
        return
    if not isinstance(document, dict):
        return
    for key in ("firehose.endpoint", "kinesis.endpoint"):
        match = _REGION.search(str(document.get(key) or ""))
        region = match[1] if match else "us-east-1"
        used = any(flow.get("deliveryStream" if key[0] == "f" else "kinesisStream") for flow in flows_of(given.text))
        local = bool(document.get(key)) and not match
        if used and given.region and region != given.region and not local:
            text = f"{key} goes to {region}, and the stream is in {given.region}"
            fix = f'"{key}": "{endpoint(key.split(".")[0], given.region)}"'
            yield Finding("agent-region", "error", text, fix, given.where)


def check_secrets(given: AgentJson) -> Iterator[Finding]:
    """Keys in a file that many can read."""
    if re.search(r'"awsSecretAccessKey"\s*:\s*"\w', given.text):
        yield Finding("agent-secrets", "warning", "the file holds an AWS secret key", _KEYS_ADVICE, given.where)


def check_dropped_lines(given: AgentJson) -> Iterator[Finding]:
    """LOGTOJSON skips what its pattern does not match: how much of the real log that is."""
    for flow in flows_of(given.text):
        lines = given.lines.get(str(flow.get("filePattern"))) or []
        if not lines:
            continue
        try:
            agent = AgentFlow(flow.get("dataProcessingOptions") or [], flow)
        except (StreamtallyError, ValueError):
            continue
        reasons = Counter(
            each.reason for each in map(agent.convert, lines) if each.data is None and each.source.strip()
        )
        dropped = sum(reasons.values())
        if dropped:
            text = f"{dropped} of {len(lines)} lines ({dropped / len(lines):.1%}) would be dropped by the agent: "
            fix = "send raw lines (take dataProcessingOptions out): the transform keeps what does not parse"
            yield Finding("agent-drops", "error", text + str(reasons.most_common(1)[0][0]), fix, given.where)


CHECKS: tuple[Callable[[AgentJson], Iterable[Finding]], ...] = (
    check_json,
    check_keys,
    check_flows,
    check_region,
    check_secrets,
    check_dropped_lines,
)
