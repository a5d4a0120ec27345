"""Requests to other services that senders make on the way: for credentials of a role, and metrics about themselves.

With ``AWS_ENDPOINT_URL`` an SDK sends these here too. STS gets an answer that lets the sender go on (nothing checks
credentials here), and metrics are dropped.
Source: AWS STS API reference (AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity); Amazon CloudWatch API
reference (PutMetricData); AWS SDKs and Tools reference guide, "Service-specific endpoints".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qs
from uuid import uuid4
from xml.sax.saxutils import escape

from streamtally.local.simulator.errors import ApiError
from streamtally.text import visible

FORM = "application/x-www-form-urlencoded"
ACCOUNT = "123456789012"
CREDENTIALS_MS = 3_600_000
METRICS_TARGET = "GraniteServiceVersion20100801.PutMetricData"
_STS = "https://sts.amazonaws.com/doc/2011-06-15/"
_CLOUDWATCH = "http://monitoring.amazonaws.com/doc/2010-08-01/"
_STREAMS_TARGET = "Kinesis_20131202."


_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)
_SESSION = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


class Xml(NamedTuple):
    """An answer of the query protocol."""

    text: str


def answer_form(body: bytes, now_ms: int) -> Xml:
    """Answer a request of the query protocol. Raises: ApiError: for an action other than those above."""
    fields = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    action = fields.get("Action", "")
    if action == "GetCallerIdentity":
        result = f"<Arn>arn:aws:iam::{ACCOUNT}:user/any</Arn><UserId>any</UserId><Account>{ACCOUNT}</Account>"
    elif action in ("AssumeRole", "AssumeRoleWithWebIdentity"):
        result = _assumed(fields, now_ms)
    elif action == "PutMetricData":
        return _envelope(action, None, _CLOUDWATCH)
    else:
        raise ApiError("UnknownOperationException", f"{action[:64]!r} is not simulated: this is Firehose")
    return _envelope(action, result, _STS)


def error_form(error: ApiError) -> Xml:
    """An error in the query protocol's form."""
    inner = f"<Type>Sender</Type><Code>{escape(error.code)}</Code><Message>{escape(visible(str(error)))}</Message>"
    return Xml(f'<ErrorResponse xmlns="{_STS}"><Error>{inner}</Error><RequestId>{uuid4()}</RequestId></ErrorResponse>')


def unknown_target(target: str) -> ApiError:
    """The error for an action that is not Firehose's."""
    if target.startswith(_STREAMS_TARGET):
        text = "Kinesis Data Streams is not simulated: send to a delivery stream (deliveryStream in agent.json)"
        return ApiError("UnknownOperationException", text)
    return ApiError("UnknownOperationException", "X-Amz-Target is not a Firehose action")


def _assumed(fields: Mapping[str, str], now_ms: int) -> str:
    role, session = fields.get("RoleArn", ""), fields.get("RoleSessionName", "")
    if not _ROLE.fullmatch(role):
        raise ApiError("ValidationError", f"{role[:80]!r} is not a role's ARN")
    if not _SESSION.fullmatch(session):
        raise ApiError("ValidationError", f"{session[:80]!r} is not a session's name")
    expires = datetime.fromtimestamp((now_ms + CREDENTIALS_MS) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = role.rpartition("/")[2]
    return (
        "<Credentials><AccessKeyId>ASIAANY</AccessKeyId><SecretAccessKey>any</SecretAccessKey>"
        f"<SessionToken>any</SessionToken><Expiration>{expires}</Expiration></Credentials>"
        f"<AssumedRoleUser><AssumedRoleId>AROAANY:{session}</AssumedRoleId>"
        f"<Arn>arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}</Arn></AssumedRoleUser>"
    )


def _envelope(action: str, result: str | None, namespace: str) -> Xml:
    inner = "" if result is None else f"<{action}Result>{result}</{action}Result>"
    metadata = f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata>"
    return Xml(f'<{action}Response xmlns="{namespace}">{inner}{metadata}</{action}Response>')
