"""What a role may do: asked of IAM's simulator, or, where it may not be asked, read from the policies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from streamtally.attach.change import LATEST
from streamtally.attach.destinations import Destination
from streamtally.attach.grant import ACTIONS, role_name
from streamtally.attach.policies import Decision, decide, within
from streamtally.aws.clients import Aws, AwsError

KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
SIMULATED, READ = "IAM's simulator", "its policies, read"
MAX_PAGES = 20
"""Of policies of a role, which may have 20 attached ones."""
_SIMULATED = {"allowed": Decision.ALLOWED, "explicitDeny": Decision.DENIED}

Asked = Sequence[tuple[str, str]]
"""(action, resource's ARN), each action once."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """Action → what was decided. ``how``: who said so."""

    decisions: Mapping[str, Decision] = field(default_factory=dict)
    how: str = ""

    @property
    def allowed(self) -> dict[str, bool | None]:
        """Action → allowed, denied, or None: not to be told."""
        return {action: decision.allowed for action, decision in self.decisions.items()}

    @property
    def denied(self) -> list[str]:
        """Actions that no further policy could allow."""
        return [action for action, decision in self.decisions.items() if decision is Decision.DENIED]


def read_permissions(aws: Aws, destination: Destination, function_arn: str) -> Permissions:
    """What the stream's role may do with the function, and with the bucket's key if it has one of its own.

    Args: function_arn: as the stream calls it: a policy that names the function otherwise does not cover it.
    """
    role = destination.role_arn
    if not role:
        return Permissions({}, "the destination names no role")
    asked = [(action, function_arn) for action in ACTIONS]
    if key := _key_arn(destination):
        asked += [(action, key) for action in KEY_ACTIONS]
    found = _with_function_policy(aws, ask_role(aws, role, asked), role, function_arn)
    return _by_another_name(aws, found, role, function_arn)


def ask_role(aws: Aws, role_arn: str, asked: Asked) -> Permissions:
    """What a role's policies say of these, its permissions boundary taken into account."""
    try:
        return Permissions({action: _simulate(aws, role_arn, action, arn) for action, arn in asked}, SIMULATED)
    except AwsError as refused:
        return _read(aws, role_name(role_arn), asked, refused)


def _simulate(aws: Aws, role_arn: str, action: str, resource: str) -> Decision:
    answer = aws.call(
        "iam", "simulate_principal_policy", PolicySourceArn=role_arn, ActionNames=[action], ResourceArns=[resource]
    )
    for each in answer["EvaluationResults"]:
        bounded = each.get("PermissionsBoundaryDecisionDetail") or {}
        decision = _SIMULATED.get(each["EvalDecision"], Decision.SILENT)
        if decision is not Decision.ALLOWED:
            # What a boundary does not allow, no policy of the function's can.
            return Decision.DENIED if bounded.get("AllowedByPermissionsBoundary") is False else decision
    return Decision.ALLOWED


def _read(aws: Aws, role: str, asked: Asked, refused: AwsError) -> Permissions:
    try:
        documents = role_documents(aws, role)
    except AwsError as error:
        return Permissions(dict.fromkeys((action for action, _ in asked), Decision.UNKNOWN), f"{refused}; {error}")
    found = {action: decide(documents, action, resource) for action, resource in asked}
    try:
        boundary = boundary_document(aws, role)
    except AwsError as error:
        return Permissions(found, f"{READ}, but for a permissions boundary: {error}")
    if boundary is None:
        return Permissions(found, READ)
    bounds = {action: decide([boundary], action, resource) for action, resource in asked}
    return Permissions({action: within(found[action], bounds[action]) for action in found}, f"{READ}, and its boundary")


def role_documents(aws: Aws, role: str) -> list[Mapping[str, Any]]:
    """All policies of a role, inline and attached. Raises: AwsError."""
    names = [name for page in _pages(aws, "list_role_policies", role) for name in page["PolicyNames"]]
    inline = [found for name in names if (found := read_inline_policy(aws, role, name)) is not None]
    attached = [
        entry for page in _pages(aws, "list_attached_role_policies", role) for entry in page["AttachedPolicies"]
    ]
    return inline + [_managed(aws, each["PolicyArn"]) for each in attached]


def read_inline_policy(aws: Aws, role: str, policy: str) -> Mapping[str, Any] | None:
    """A role's inline policy; None where there is none of the name. Raises: AwsError."""
    try:
        return _parsed(aws.call("iam", "get_role_policy", RoleName=role, PolicyName=policy)["PolicyDocument"])
    except AwsError as error:
        if error.code != "NoSuchEntity":
            raise
        return None


def boundary_document(aws: Aws, role: str) -> Mapping[str, Any] | None:
    """The policy that bounds a role; None where there is none. Raises: AwsError."""
    bounded = aws.call("iam", "get_role", RoleName=role)["Role"].get("PermissionsBoundary") or {}
    arn = bounded.get("PermissionsBoundaryArn")
    return _managed(aws, arn) if arn else None


def _pages(aws: Aws, operation: str, role: str) -> Iterator[Mapping[str, Any]]:
    given: dict[str, str] = {}
    for _ in range(MAX_PAGES):
        page = aws.call("iam", operation, RoleName=role, **given)
        yield page
        if not page.get("IsTruncated") or not page.get("Marker"):
            return
        given = {"Marker": page["Marker"]}


def _managed(aws: Aws, arn: str) -> Mapping[str, Any]:
    version = aws.call("iam", "get_policy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return _parsed(aws.call("iam", "get_policy_version", PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def _parsed(document: Any) -> Mapping[str, Any]:
    # boto3 parses them; an endpoint that is not AWS may leave them as text.
    found: Mapping[str, Any] = json.loads(unquote(document)) if isinstance(document, str) else document
    return found


def _with_function_policy(aws: Aws, found: Permissions, role: str, function_arn: str) -> Permissions:
    """In one account the function's own policy can allow what the role's are silent of."""
    open_ = [action for action in ACTIONS if found.decisions[action] in (Decision.SILENT, Decision.UNKNOWN)]
    if not open_:
        return found
    parts = function_arn.split(":")
    qualifier = ":".join(parts[7:]).replace("$LATEST", "")
    given = {"Qualifier": qualifier} if qualifier else {}
    try:
        text = aws.call("lambda", "get_policy", FunctionName=":".join(parts[:7]), **given)["Policy"]
        documents = [json.loads(text)]
    except (AwsError, ValueError):
        return found
    arn = function_arn.removesuffix(LATEST)
    own = {action: decide(documents, action, arn, role) for action in open_}
    told = {action: each for action, each in own.items() if each in (Decision.ALLOWED, Decision.DENIED)}
    return Permissions({**found.decisions, **told}, found.how)


def _by_another_name(aws: Aws, found: Permissions, role: str, function_arn: str) -> Permissions:
    """A policy that names the function without ``:$LATEST``: whether it covers this call, AWS alone knows."""
    silent = [action for action in ACTIONS if found.decisions[action] is Decision.SILENT]
    if not silent or not function_arn.endswith(LATEST):
        return found
    bare = ask_role(aws, role, [(action, function_arn.removesuffix(LATEST)) for action in silent]).decisions
    named = {action: Decision.UNKNOWN for action in silent if bare[action] is Decision.ALLOWED}
    how = f"{found.how}; the function is named without {LATEST} there" if named else found.how
    return Permissions({**found.decisions, **named}, how)


def _key_arn(destination: Destination) -> str:
    """The key of the bucket that the destination writes to, or passes through, or fails to."""
    config = destination.config
    for part in (config, config.get("S3DestinationDescription") or {}):
        found = ((part.get("EncryptionConfiguration") or {}).get("KMSEncryptionConfig") or {}).get("AWSKMSKeyARN")
        if found:
            return str(found)
    return ""
