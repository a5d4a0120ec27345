"""What is looked at before a stream is changed: one function a check, each with a finding and its fix."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from streamtally.attach.change import Processing, lambda_processor, parameters_of
from streamtally.attach.destinations import Destination
from streamtally.attach.grant import ACTIONS, role_name
from streamtally.findings import Finding, Level

ANSWER_MAX_BYTES = 6_291_556
"""Of a synchronous invocation, request and response each. Source: Lambda quotas."""
GROWTH = 2.2
"""An answer's bytes for a line's byte: JSON with its names (1.4 to 1.6, measured on tests/samples), then base64."""
MIN_TIMEOUT_SECONDS = 60
MAX_TIMEOUT_SECONDS = 300
"""Firehose waits five minutes; its guide advises at least one. Source: "Transform source data"."""
MIN_MEMORY_MB = 256
SINGLE = "single"
SINGLE_FIX = 'put framing = "single" under [source] of the pipeline'


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read.

    Attributes:
        description: the stream's; processing: as it would be.
        function: Lambda's FunctionConfiguration, None if there is none; function_arn: what would be called.
        permitted: action → whether the role may; None where that could not be told; missing: not asked.
        denied: actions that no further policy could allow: a Deny, or a permissions boundary, forbids them.
        how: where ``permitted`` and ``denied`` come from.
        framing: of the pipeline that the function runs, "" where that cannot be told; framing_from: who said so, or why
            it cannot be told.
        granted: the permission is given along with attaching.
        put_back_action: what the function's role needs to put back what does not fit; "" where that was not asked;
        put_back: whether it may; put_back_how: who said so.
    """

    description: Mapping[str, Any]
    destination: Destination
    processing: Processing
    function: Mapping[str, Any] | None
    function_arn: str
    permitted: Mapping[str, bool | None] = field(default_factory=dict)
    denied: Collection[str] = ()
    how: str = ""
    framing: str = "lines"
    framing_from: str = ""
    granted: bool = False
    put_back_action: str = ""
    put_back: bool | None = None
    put_back_how: str = ""


def check_stream(facts: Facts) -> Finding:
    status = str(facts.description.get("DeliveryStreamStatus"))
    if status == "ACTIVE":
        return Finding("stream", "ok", "the stream is active")
    return Finding("stream", "error", f"the stream is {status}, and only an active one takes changes", "wait")


def check_source(facts: Facts) -> Finding:
    kind = str(facts.description.get("DeliveryStreamType", "DirectPut"))
    if kind in ("DirectPut", "KinesisStreamAsSource"):
        return Finding("source", "ok", f"records come by {kind}")
    if kind == "MSKAsSource":
        return Finding("source", "warning", "records come from Kafka: not tried with Streamtally", "try it on a copy")
    fix = "attach to a stream that takes log lines"
    return Finding("source", "error", f"records come by {kind}, and they are no log lines", fix)


def check_framing(facts: Facts) -> Finding:
    """Lines of one record are joined nowhere: not in a document, and in S3 each has its end."""
    kind, framing = facts.destination.kind, facts.framing
    told = f" ({facts.framing_from})" if facts.framing_from else ""
    if not framing:
        if kind.takes_lines:
            return Finding("framing", "ok", f"{kind.name} takes lines; the pipeline's framing is not known{told}")
        text = f"{kind.name} takes one document a record, and the pipeline's framing is not known{told}"
        fix = "give --pipeline with the folder that is deployed, or yourself the right lambda:GetLayerVersion"
        return Finding("framing", "error", text, fix)
    if not kind.takes_lines and framing != SINGLE:
        fix = f"{SINGLE_FIX}, deploy it, and attach again"
        text = f"{kind.name} takes one document a record, and the pipeline's framing is {framing!r}{told}"
        return Finding("framing", "error", text, fix)
    if kind.takes_lines and framing == SINGLE and not _ends_records(facts):
        text = f"framing {framing!r} gives a line no end, so that in S3 all would run into one{told}"
        fix = 'deploy the pipeline with framing = "lines", or put AppendDelimiterToRecord on the stream'
        return Finding("framing", "error", text, fix)
    return Finding("framing", "ok", f"{kind.name} takes the pipeline's framing, {framing!r}{told}")


def _ends_records(facts: Facts) -> bool:
    """Whether something else keeps records apart: a delimiter, or a format that has rows."""
    delimiter = any(each.get("Type") == "AppendDelimiterToRecord" for each in facts.processing["Processors"])
    return delimiter or bool((facts.destination.config.get("DataFormatConversionConfiguration") or {}).get("Enabled"))


def check_function(facts: Facts) -> Finding:
    function = facts.function
    if function is None:
        if not _is_near(facts):
            return Finding("function", "note", "the function is in another region, and was not looked at")
        return Finding("function", "error", f"there is no function {facts.function_arn}", "deploy it, or name another")
    state = function.get("State", "Active")
    # An idle function is asleep, and wakes with the first call.
    if state not in ("Active", "Inactive"):
        reason = function.get("StateReason") or "it is not ready"
        return Finding("function", "error", f"the function is {state}: {reason}", "wait, or deploy it again")
    if function.get("PackageType") != "Image" and not str(function.get("Runtime", "python")).startswith("python"):
        return Finding(
            "function", "warning", f"the function's runtime is {function['Runtime']}", "is it the right one?"
        )
    return Finding("function", "ok", f"the function {function.get('FunctionName')} is there")


def check_time_limit(facts: Facts) -> Finding:
    if facts.function is None:
        return Finding("time limit", "note", "the function's time limit and memory are not known")
    seconds = int(facts.function.get("Timeout", MIN_TIMEOUT_SECONDS))
    memory = int(facts.function.get("MemorySize", MIN_MEMORY_MB))
    if seconds < MIN_TIMEOUT_SECONDS:
        text = f"the function's time limit is {seconds} s; putting again what is throttled needs a minute"
        return Finding(
            "time limit", "error", text, f"set its Timeout to {MIN_TIMEOUT_SECONDS} to {MAX_TIMEOUT_SECONDS}"
        )
    if seconds > MAX_TIMEOUT_SECONDS:
        text = f"the function's time limit is {seconds} s; Firehose waits {MAX_TIMEOUT_SECONDS} and calls again"
        return Finding("time limit", "warning", text, f"set its Timeout to {MAX_TIMEOUT_SECONDS} or less")
    if memory < MIN_MEMORY_MB:
        text = f"the function has {memory} MB of memory"
        return Finding("time limit", "warning", text, f"set its MemorySize to {MIN_MEMORY_MB} or more")
    return Finding("time limit", "ok", f"time limit {seconds} s, memory {memory} MB")


def check_region(facts: Facts) -> Finding:
    stream, function = (arn.split(":") + [""] * 6 for arn in (_arn(facts), facts.function_arn))
    if stream[3] != function[3]:
        text = f"the function is in {function[3]} and the stream in {stream[3]}"
        return Finding("region", "error", text, f"deploy the function in {stream[3]}")
    if stream[4] != function[4]:
        text = f"the function is in account {function[4]}, the stream in {stream[4]}"
        return Finding("region", "warning", text, "the function's own policy must allow the stream's role")
    return Finding("region", "ok", f"both are in {stream[3]}")


def check_permission(facts: Facts) -> Finding:
    role = role_name(facts.destination.role_arn)
    if denied := [action for action in ACTIONS if action in facts.denied]:
        text = f"the role {role} is denied {' and '.join(denied)} on the function ({facts.how})"
        fix = "take away the Deny, or widen the role's permissions boundary: another policy cannot"
        return Finding("permission", "error", text, fix)
    if facts.granted:
        return Finding("permission", "ok", f"the role {role} is granted the right to call the function")
    missing = [action for action in ACTIONS if facts.permitted.get(action) is False]
    unknown = [action for action in ACTIONS if facts.permitted.get(action) is None]
    if missing:
        text = f"the role {role} lacks {' and '.join(missing)} on the function ({facts.how})"
        return Finding("permission", "error", text, "give --grant, or add it to the role's policy")
    if unknown:
        text = f"whether the role {role} may call the function cannot be told ({facts.how})"
        return Finding("permission", "warning", text, "see that its policy has " + ", ".join(ACTIONS))
    return Finding("permission", "ok", f"the role {role} may call the function ({facts.how})")


def check_put_back(facts: Facts) -> Finding:
    """What does not fit into an answer, and with framing single a record of several lines, goes back to its source."""
    action, name = facts.put_back_action, str(facts.description.get("DeliveryStreamName", ""))
    if not action or facts.put_back is None:
        how = f" ({facts.put_back_how})" if facts.put_back_how else ""
        return Finding("put back", "note", f"whether the function may put back what does not fit is not known{how}")
    if facts.put_back:
        return Finding("put back", "ok", "the function may put back what does not fit")
    text = f"the function's own role lacks {action} on the records' source, so what does not fit would fail its batch"
    source = f"IngestionStream=existing IngestionStreamName={name}"
    if action.startswith("kinesis:"):
        source = "SourceStreamArn=… (the data stream's)"
    level: Level = "error" if facts.framing == SINGLE else "warning"
    return Finding("put back", level, text, f"deploy the stack with {source}, or add it to the role's policy")


def check_buffer(facts: Facts) -> Finding:
    size = float(parameters_of(lambda_processor(facts.processing)).get("BufferSizeInMBs") or 1)
    answer = size * 2**20 * GROWTH
    text = f"{size:g} MB of lines make an answer of about {answer / 1e6:.1f} MB; Lambda's limit is 6 MB"
    if answer > ANSWER_MAX_BYTES:
        return Finding("buffer", "error", text, "give --buffer-mbs 1; what does not fit would be refused")
    return Finding("buffer", "warning" if size > 1 else "ok", text, "give --buffer-mbs 1" if size > 1 else "")


def check_partitioning(facts: Facts) -> Finding:
    config = facts.destination.config
    prefixes = f"{config.get('Prefix', '')} {config.get('ErrorOutputPrefix', '')}"
    if "partitionKeyFromLambda" in prefixes:
        text = "the prefix asks the function for partition keys, and the transform gives none: every record would fail"
        return Finding("partitioning", "error", text, "take partitionKeyFromQuery, or a prefix without keys")
    if (config.get("DynamicPartitioningConfiguration") or {}).get("Enabled") and facts.framing != SINGLE:
        text = "dynamic partitioning takes a record as a whole, all its lines under one key"
        return Finding("partitioning", "warning", text, f"{SINGLE_FIX}, and AppendDelimiterToRecord on the stream")
    if (config.get("DataFormatConversionConfiguration") or {}).get("Enabled") and facts.framing != SINGLE:
        text = "format conversion (Parquet, ORC) may read only the first line of a record"
        return Finding("partitioning", "warning", text, SINGLE_FIX)
    return Finding("partitioning", "ok", "no partition keys are asked for")


def check_keys(facts: Facts) -> Finding:
    encryption = facts.description.get("DeliveryStreamEncryptionConfiguration") or {}
    status = encryption.get("Status", "DISABLED")
    if status.endswith("_FAILED"):
        return Finding("encryption", "error", f"the stream's encryption is {status}", "mend the key's grant first")
    denied = [action for action in ("kms:GenerateDataKey", "kms:Decrypt") if facts.permitted.get(action) is False]
    if denied:
        text = f"the role lacks {' and '.join(denied)} on the bucket's key ({facts.how})"
        return Finding("encryption", "warning", text, "add it to the role's policy, or to the key's")
    own_key = encryption.get("KeyType") == "CUSTOMER_MANAGED_CMK" and status == "ENABLED"
    return Finding("encryption", "ok", "encrypted with a key of yours" if own_key else f"stream encryption: {status}")


CHECKS: tuple[Callable[[Facts], Finding], ...] = (
    check_stream,
    check_source,
    check_framing,
    check_function,
    check_time_limit,
    check_region,
    check_permission,
    check_put_back,
    check_buffer,
    check_partitioning,
    check_keys,
)


def check_all(facts: Facts) -> list[Finding]:
    """All findings, in the order in which they are read."""
    return [check(facts) for check in CHECKS]


def _arn(facts: Facts) -> str:
    return str(facts.description.get("DeliveryStreamARN", ""))


def _is_near(facts: Facts) -> bool:
    return facts.function_arn.split(":")[3:4] == _arn(facts).split(":")[3:4]
