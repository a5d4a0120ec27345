"""Who may use the customer-managed key of a stream's records: asked of IAM as other rights are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from streamtally.attach.keys import PUT_ACTIONS, READ_ACTIONS, KeyUser, SourceKey, data_stream_key, stream_key
from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.streams.permissions import ask_role

_SESSION = re.compile(r"(arn:[\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.+")


def read_source_key(
    aws: Aws, description: Mapping[str, Any], function: Mapping[str, Any] | None, role_arn: str
) -> SourceKey:
    """The key of the records' source, and what its users may do with it.

    Args:
        function: Lambda's FunctionConfiguration; None: it is unknown.
        role_arn: the stream's role, which reads a data stream.
    """
    kind = description.get("DeliveryStreamType", "DirectPut")
    source = (description.get("Source") or {}).get("KinesisStreamSourceDescription") or {}
    arn, others = stream_key(description), list[KeyUser]()
    put: tuple[str, ...] = PUT_ACTIONS
    if kind == "KinesisStreamAsSource":
        stream_arn = str(source.get("KinesisStreamARN") or "")
        try:
            arn = _data_stream_key(aws, stream_arn)
        except AwsError as error:
            return SourceKey(why_unknown=str(error))
        put = PUT_ACTIONS[:1]
        if arn:
            reader = str(source.get("RoleARN") or role_arn)
            others.append(_ask(aws, "the stream's role", reader, READ_ACTIONS, arn))
    if not arn:
        return SourceKey()
    own = str((function or {}).get("Role") or "")
    user = _ask(aws, "the function's own role", own, put, arn) if own else None
    others.append(_ask(aws, "your own identity, which redrive puts records with,", _caller(aws), put, arn))
    return SourceKey(arn, "", user, tuple(others))


def _data_stream_key(aws: Aws, arn: str) -> str:
    name = arn.rpartition("/")[2]
    answer = aws.call("kinesis", "describe_stream_summary", StreamName=name)
    return data_stream_key(answer["StreamDescriptionSummary"], arn)


def _caller(aws: Aws) -> str:
    """The caller's role or user; of a session its role. "": it cannot be read."""
    try:
        arn = str(aws.call("sts", "get_caller_identity")["Arn"])
    except AwsError:
        return ""
    session = _SESSION.fullmatch(arn)
    return f"{session[1]}:iam::{session[2]}:role/{session[3]}" if session else arn


def _ask(aws: Aws, who: str, principal: str, actions: Sequence[str], key: str) -> KeyUser:
    if not principal or principal.endswith(":root"):
        # An account's root user is not simulated.
        return KeyUser(who, dict.fromkeys(actions), "its identity has no policies to read")
    permissions = ask_role(aws, principal, [(action, key) for action in actions])
    return KeyUser(who, permissions.allowed, permissions.how)
