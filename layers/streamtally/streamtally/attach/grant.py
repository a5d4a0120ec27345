"""The permission that a stream's role needs to call the function.

Source: Firehose developer guide, "Grant Firehose access to … : IAM policy" (Lambda part).
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

ACTIONS = ("lambda:InvokeFunction", "lambda:GetFunctionConfiguration")
_POLICY_NAME_MAX_CHARS = 128


def policy_name(stream: str, function: str) -> str:
    """The inline policy's name: one per stream and function, so that granting and revoking never touch another policy.

    Streams may share a role.

    Args:
        stream: the stream's name.
        function: the function's name, without a qualifier.
    """
    name = re.sub(r"[^\w+=,.@-]", "-", f"streamtally-attach-{stream}-{function}")
    if len(name) <= _POLICY_NAME_MAX_CHARS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: _POLICY_NAME_MAX_CHARS - 13]}-{digest}"


def policy_document(function_arn: str) -> dict[str, Any]:
    """Permission to call this function and read its settings, with any alias or version.

    Args: function_arn: the function's ARN without a qualifier.
    """
    statement = {"Effect": "Allow", "Action": list(ACTIONS), "Resource": [function_arn, f"{function_arn}:*"]}
    return {"Version": "2012-10-17", "Statement": [statement]}


def role_name(role_arn: str) -> str:
    """``arn:aws:iam::123456789012:role/service/name`` → ``name``."""
    return role_arn.rsplit("/", 1)[-1]
