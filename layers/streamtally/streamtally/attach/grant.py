"""The permission that a stream's role needs to call the function.

Source: Firehose developer guide, "Grant Firehose access to … : IAM policy" (Lambda part).
"""

from __future__ import annotations

import re
from typing import Any

ACTIONS = ("lambda:InvokeFunction", "lambda:GetFunctionConfiguration")
_POLICY_NAME_MAX_CHARS = 128


def policy_name(function_name: str) -> str:
    """The inline policy's name, its own, so that granting never touches another."""
    return re.sub(r"[^\w+=,.@-]", "-", f"streamtally-attach-{function_name}")[:_POLICY_NAME_MAX_CHARS]


def policy_document(function_arn: str) -> dict[str, Any]:
    """What the role may do: call this function and read its settings, as itself and by its aliases and versions.

    Args: function_arn: without a qualifier.
    """
    statement = {"Effect": "Allow", "Action": list(ACTIONS), "Resource": [function_arn, f"{function_arn}:*"]}
    return {"Version": "2012-10-17", "Statement": [statement]}


def role_name(role_arn: str) -> str:
    """``arn:aws:iam::123456789012:role/service/name`` → ``name``."""
    return role_arn.rsplit("/", 1)[-1]
