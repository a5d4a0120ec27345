"""The checks before a stream is changed: one function per check, each returning a finding and its fix."""

from __future__ import annotations

from collections.abc import Callable

from streamtally.attach.change import lambda_processor, parameters_of
from streamtally.attach.facts import KAFKA, SINGLE, Facts
from streamtally.attach.grant import ACTIONS, role_name
from streamtally.attach.keys import KeyUser, SourceKey
from streamtally.attach.stream_settings import DEAGGREGATION, check_settings, parameters
from streamtally.findings import Finding, Level

ANSWER_MAX_BYTES = 6_291_556
"""The limit of a synchronous invocation, for request and response each. Source: Lambda quotas."""
GROWTH = 2.2
"""Response bytes per byte of a line: JSON with its names (1.4 to 1.6, measured on tests/samples), then base64."""
MIN_TIMEOUT_SECONDS = 60
MAX_TIMEOUT_SECONDS = 300
"""Firehose waits five minutes; its guide recommends at least one. Source: "Transform source data"."""
MIN_MEMORY_MB = 256
SINGLE_FIX = 'set framing = "single" under [source] in pipeline.toml'


def check_stream(facts: Facts) -> Finding:
    status = str(facts.description.get("DeliveryStreamStatus"))
    if status == "ACTIVE":
        return Finding("stream", "ok", "the stream is active")
    return Finding("stream", "error", f"the stream is {status}; only an active stream can be changed", "wait")


def check_source(facts: Facts) -> Finding:
    kind = str(facts.description.get("DeliveryStreamType", "DirectPut"))
    if kind in ("DirectPut", "KinesisStreamAsSource"):
        return Finding("source", "ok", f"records come by {kind}")
    if kind == KAFKA:
        return Finding("source", "ok", "records come from Amazon MSK, and are answered as kafkaRecordValue")
    fix = "attach to a stream that takes log lines"
    return Finding("source", "error", f"records come by {kind}, and these are not log lines", fix)


def check_framing(facts: Facts) -> Finding:
    """No two lines are joined: neither in one document, nor in S3 for want of a line end."""
    kind, framing = facts.destination.kind, facts.framing
    source = f" ({facts.framing_from})" if facts.framing_from else ""
    if not framing:
        if kind.takes_lines:
            return Finding("framing", "ok", f"{kind.name} takes lines; the pipeline's framing is not known{source}")
        text = f"{kind.name} takes one document per record, and the pipeline's framing is not known{source}"
        fix = "pass --pipeline with the deployed folder, or get the permission lambda:GetLayerVersion"
        return Finding("framing", "error", text, fix)
    if not kind.takes_lines and framing != SINGLE:
        fix = f"{SINGLE_FIX}, deploy it, and attach again"
        text = f"{kind.name} takes one document per record, and the pipeline's framing is {framing!r}{source}"
        return Finding("framing", "error", text, fix)
    if kind.takes_lines and framing == SINGLE and not _ends_records(facts):
        text = f"with framing {framing!r} lines have no line end, so in S3 they would all be joined{source}"
        fix = 'deploy the pipeline with framing = "lines", or add AppendDelimiterToRecord to the stream'
        return Finding("framing", "error", text, fix)
    return Finding("framing", "ok", f"{kind.name} takes the pipeline's framing, {framing!r}{source}")


def _ends_records(facts: Facts) -> bool:
    """Whether something else separates records: a delimiter, or a format that has rows."""
    delimiter = any(processor.get("Type") == "AppendDelimiterToRecord" for processor in facts.processing["Processors"])
    return delimiter or bool((facts.destination.config.get("DataFormatConversionConfiguration") or {}).get("Enabled"))


def check_function(facts: Facts) -> Finding:
    function = facts.function
    if function is None:
        if not _is_near(facts):
            return Finding("function", "note", "the function is in another region and was not checked")
        return Finding(
            "function", "error", f"the function {facts.function_arn} does not exist", "deploy it, or name another"
        )
    state = function.get("State", "Active")
    # An idle function is inactive until its first call.
    if state not in ("Active", "Inactive"):
        reason = function.get("StateReason") or "it is not ready"
        return Finding("function", "error", f"the function is {state}: {reason}", "wait, or deploy it again")
    if function.get("PackageType") != "Image" and not str(function.get("Runtime", "python")).startswith("python"):
        return Finding(
            "function",
            "warning",
            f"the function's runtime is {function['Runtime']}",
            "check that it is the right function",
        )
    return Finding("function", "ok", f"the function {function.get('FunctionName')} exists")


def check_time_limit(facts: Facts) -> Finding:
    if facts.function is None:
        return Finding("time limit", "note", "the function's time limit and memory are not known")
    seconds = int(facts.function.get("Timeout", MIN_TIMEOUT_SECONDS))
    memory = int(facts.function.get("MemorySize", MIN_MEMORY_MB))
    if seconds < MIN_TIMEOUT_SECONDS:
        text = f"the function's time limit is {seconds} s; sending throttled documents again needs a minute"
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
        fix = "remove the Deny, or widen the role's permissions boundary: no other policy can allow it"
        return Finding("permission", "error", text, fix)
    if facts.granted:
        return Finding("permission", "ok", f"the role {role} will be granted permission to call the function")
    missing = [action for action in ACTIONS if facts.permitted.get(action) is False]
    unknown = [action for action in ACTIONS if facts.permitted.get(action) is None]
    if missing:
        text = f"the role {role} lacks {' and '.join(missing)} on the function ({facts.how})"
        return Finding("permission", "error", text, "pass --grant, or add it to the role's policy")
    if unknown:
        text = f"it is unknown whether the role {role} may call the function ({facts.how})"
        return Finding("permission", "warning", text, "make sure that its policy has " + ", ".join(ACTIONS))
    return Finding("permission", "ok", f"the role {role} may call the function ({facts.how})")


def check_reingest(facts: Facts) -> Finding:
    """What does not fit into a response, and with framing single a record of several lines, is re-ingested."""
    if facts.description.get("DeliveryStreamType") == KAFKA:
        text = "a topic takes nothing back: what does not fit into a response is kept in the error prefix"
        if facts.framing == SINGLE:
            text = f"{text}, and so is each record of several lines, which framing {SINGLE!r} would split"
        fix = "send one line per Kafka record" if facts.framing == SINGLE else "keep --buffer-mbs at 1"
        return Finding("put back", "warning", text, fix)
    if (facts.source or {}).get("reingest") is False:
        text = "nothing is put back (reingest = false): what does not fit is kept in the error prefix"
        if facts.framing == SINGLE and parameters(facts, DEAGGREGATION) is None:
            text = f"{text}, and so is each record of several lines, which framing {SINGLE!r} would split"
            return Finding("put back", "warning", text, "send one line per record")
        return Finding("put back", "ok", text)
    action, name = facts.reingest_action, str(facts.description.get("DeliveryStreamName", ""))
    if not action or facts.can_reingest is None:
        how = f" ({facts.reingest_how})" if facts.reingest_how else ""
        return Finding("put back", "note", f"it is unknown whether the function may re-ingest what does not fit{how}")
    if facts.can_reingest:
        return _check_reingest_key(facts.source_key, facts.framing)
    text = f"the function's own role lacks {action} on the records' source, so what does not fit would fail its batch"
    source = f"IngestionStream=existing IngestionStreamName={name} IngestionRoleArn={facts.destination.role_arn}"
    if action.startswith("kinesis:"):
        data_stream = (facts.description.get("Source") or {}).get("KinesisStreamSourceDescription") or {}
        source = f"{source} SourceStreamArn={data_stream.get('KinesisStreamARN', '')}"
    level: Level = "error" if facts.framing == SINGLE else "warning"
    return Finding("put back", level, text, f"deploy the stack with {source}, or add it to the role's policy")


def check_buffer(facts: Facts) -> Finding:
    size = float(parameters_of(lambda_processor(facts.processing)).get("BufferSizeInMBs") or 1)
    answer = size * 2**20 * GROWTH
    text = f"{size:g} MB of lines make an answer of about {answer / 1e6:.1f} MB; Lambda's limit is 6 MB"
    if answer > ANSWER_MAX_BYTES:
        return Finding("buffer", "error", text, "pass --buffer-mbs 1; what does not fit would be rejected")
    return Finding("buffer", "warning" if size > 1 else "ok", text, "pass --buffer-mbs 1" if size > 1 else "")


def check_partitioning(facts: Facts) -> Finding:
    config = facts.destination.config
    is_single = facts.framing == SINGLE or bool((facts.source or {}).get("partition_keys"))
    if (config.get("DynamicPartitioningConfiguration") or {}).get("Enabled") and not is_single:
        text = "dynamic partitioning treats a record as a whole: all its lines get one key"
        return Finding("partitioning", "warning", text, f"{SINGLE_FIX}, and add AppendDelimiterToRecord to the stream")
    return Finding("partitioning", "ok", "no partition keys are needed")


def check_keys(facts: Facts) -> Finding:
    encryption = facts.description.get("DeliveryStreamEncryptionConfiguration") or {}
    status = encryption.get("Status", "DISABLED")
    if status.endswith("_FAILED"):
        return Finding("encryption", "error", f"the stream's encryption is {status}", "fix the key's grant first")
    denied = [action for action in ("kms:GenerateDataKey", "kms:Decrypt") if facts.permitted.get(action) is False]
    if denied:
        text = f"the role lacks {' and '.join(denied)} on the bucket's key ({facts.how})"
        return Finding("encryption", "warning", text, "add it to the role's policy, or to the key's")
    own_key = encryption.get("KeyType") == "CUSTOMER_MANAGED_CMK" and status == "ENABLED"
    return Finding("encryption", "ok", "encrypted with your own key" if own_key else f"stream encryption: {status}")


def _check_reingest_key(key: SourceKey, framing: str) -> Finding:
    user = key.function
    if user and user.missing:
        text = f"{_lacks(user, key)}, so what does not fit would fail its batch"
        fix = f"deploy the stack with ExistingKeyArns={key.arn}, or add it to the role's policy, or to the key's"
        return Finding("put back", "error" if framing == SINGLE else "warning", text, fix)
    if key.why_unknown or (user and user.unknown):
        why = key.why_unknown or (user.how if user else "")
        text = f"the function may re-ingest; it is unknown whether it may use the key of the records' source ({why})"
        return Finding("put back", "note", text)
    return Finding("put back", "ok", "the function may re-ingest what does not fit")


def check_source_key(facts: Facts) -> list[Finding]:
    """Other users of the key of the records' source; nothing if it is not a customer-managed one."""
    key = facts.source_key
    lacking = [user for user in key.others if user.missing]
    fix = "add it to the role's policy, or to the key's"
    return [Finding("encryption", "warning", _lacks(user, key), fix) for user in lacking]


def _lacks(user: KeyUser, key: SourceKey) -> str:
    return f"{user.who} lacks {' and '.join(user.missing)} on {key.arn}, the key of the records' source ({user.how})"


CHECKS: tuple[Callable[[Facts], Finding], ...] = (
    check_stream,
    check_source,
    check_framing,
    check_function,
    check_time_limit,
    check_region,
    check_permission,
    check_reingest,
    check_buffer,
    check_partitioning,
    check_keys,
)


def check_all(facts: Facts) -> list[Finding]:
    """All findings, in the order in which an operator reads them."""
    return [*(check(facts) for check in CHECKS), *check_source_key(facts), *check_settings(facts)]


def _arn(facts: Facts) -> str:
    return str(facts.description.get("DeliveryStreamARN", ""))


def _is_near(facts: Facts) -> bool:
    return facts.function_arn.split(":")[3:4] == _arn(facts).split(":")[3:4]
