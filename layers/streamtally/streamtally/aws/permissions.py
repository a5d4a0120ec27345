"""Whether a stream's role may call a function: IAM's simulator, or, where it may not be asked, the policies read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from streamtally.attach.destinations import Destination
from streamtally.attach.grant import ACTIONS, role_name
from streamtally.attach.policies import allows
from streamtally.aws.session import Aws, AwsError

KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
SIMULATED, READ = "IAM's simulator", "its policies, read"


@dataclass(frozen=True, slots=True)
class Permissions:
    """Action → allowed, denied, or None: not to be told. ``how``: who said so."""

    allowed: Mapping[str, bool | None] = field(default_factory=dict)
    how: str = ""


def read_permissions(aws: Aws, destination: Destination, function_arn: str) -> Permissions:
    """What the stream's role may do with the function, and with the bucket's key if it has one of its own."""
    role = destination.role_arn
    if not role:
        return Permissions({}, "the destination names no role")
    asked = [(action, function_arn) for action in ACTIONS]
    if key := _key_arn(destination):
        asked += [(action, key) for action in KEY_ACTIONS]
    try:
        found = Permissions({action: _simulate(aws, role, action, resource) for action, resource in asked}, SIMULATED)
    except AwsError as refused:
        found = _read(aws, role, asked, refused)
    return _with_function_policy(aws, found, role, function_arn)


def _simulate(aws: Aws, role: str, action: str, resource: str) -> bool:
    answer = aws.call(
        "iam", "simulate_principal_policy", PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
    )
    return all(each["EvalDecision"] == "allowed" for each in answer["EvaluationResults"])


def _read(aws: Aws, role: str, asked: list[tuple[str, str]], refused: AwsError) -> Permissions:
    try:
        documents = role_documents(aws, role_name(role))
    except AwsError as error:
        return Permissions(dict.fromkeys((action for action, _ in asked)), f"{refused}; {error}")
    return Permissions({action: allows(documents, action, resource) for action, resource in asked}, READ)


def role_documents(aws: Aws, role: str) -> list[Mapping[str, Any]]:
    """All policies of a role, inline and attached. Raises: AwsError."""
    names = aws.call("iam", "list_role_policies", RoleName=role)["PolicyNames"]
    documents = [aws.call("iam", "get_role_policy", RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    for entry in aws.call("iam", "list_attached_role_policies", RoleName=role)["AttachedPolicies"]:
        arn = entry["PolicyArn"]
        version = aws.call("iam", "get_policy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = aws.call("iam", "get_policy_version", PolicyArn=arn, VersionId=version)
        documents.append(found["PolicyVersion"]["Document"])
    # boto3 parses them; an endpoint that is not AWS may leave them as text.
    return [json.loads(unquote(each)) if isinstance(each, str) else each for each in documents]


def _with_function_policy(aws: Aws, found: Permissions, role: str, function_arn: str) -> Permissions:
    """In one account the function's own policy can allow what the role's does not."""
    if all(found.allowed.get(action) for action in ACTIONS):
        return found
    parts = function_arn.split(":")
    qualifier = ":".join(parts[7:]).replace("$LATEST", "")
    given = {"Qualifier": qualifier} if qualifier else {}
    try:
        text = aws.call("lambda", "get_policy", FunctionName=":".join(parts[:7]), **given)["Policy"]
        documents = [json.loads(text)]
    except (AwsError, ValueError):
        return found
    arn = function_arn.removesuffix(":$LATEST")
    own = {action: allows(documents, action, arn, role) for action in ACTIONS}
    return Permissions({**found.allowed, **{action: True for action, yes in own.items() if yes}}, found.how)


def _key_arn(destination: Destination) -> str:
    encryption = destination.config.get("EncryptionConfiguration") or {}
    return str((encryption.get("KMSEncryptionConfig") or {}).get("AWSKMSKeyARN") or "")
