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
    """The inline policy's name: its own, and the stream's own, so that granting and taking back never touch another.

    Streams may share a role. Args: both names; the function's without a qualifier.
    """
    name = re.sub(r"[^\w+=,.@-]", "-", f"streamtally-attach-{stream}-{function}")
    if len(name) <= _POLICY_NAME_MAX_CHARS:
        return name
    told_apart = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: _POLICY_NAME_MAX_CHARS - 13]}-{told_apart}"


def policy_document(function_arn: str) -> dict[str, Any]:
    """What the role may do: call this function and read its settings, as itself and by its aliases and versions.

    Args: function_arn: without a qualifier.
    """
    statement = {"Effect": "Allow", "Action": list(ACTIONS), "Resource": [function_arn, f"{function_arn}:*"]}
    return {"Version": "2012-10-17", "Statement": [statement]}


def role_name(role_arn: str) -> str:
    """``arn:aws:iam::123456789012:role/service/name`` → ``name``."""
    return role_arn.rsplit("/", 1)[-1]
