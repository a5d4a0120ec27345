"""What a role may do: from IAM's policy simulator, or, if access to it is denied, from the role's policies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from streamtally.attach.change import LATEST
from streamtally.attach.destinations import Destination
from streamtally.attach.grant import ACTIONS, role_name
from streamtally.attach.policies import PolicyDecision, decide, within
from streamtally.aws.clients import Aws, AwsError

KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
SIMULATED, READ = "according to IAM's simulator", "according to its policies"
MAX_PAGES = 20
"""The most pages of a role's policies; a role may have 20 attached ones."""
_SIMULATED = {"allowed": PolicyDecision.ALLOWED, "explicitDeny": PolicyDecision.DENIED}

Requests = Sequence[tuple[str, str]]
"""(action, ARN of the resource), each action once."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a role may do.

    Attributes:
        decisions: action → the decision.
        how: the source of the decisions.
    """

    decisions: Mapping[str, PolicyDecision] = field(default_factory=dict)
    how: str = ""

    @property
    def allowed(self) -> dict[str, bool | None]:
        """Action → whether it is allowed; None: unknown."""
        return {action: decision.allowed for action, decision in self.decisions.items()}

    @property
    def denied(self) -> list[str]:
        """Actions that no additional policy could allow."""
        return [action for action, decision in self.decisions.items() if decision is PolicyDecision.DENIED]


def read_permissions(aws: Aws, destination: Destination, function_arn: str) -> Permissions:
    """What the stream's role may do with the function, and with the bucket's key if it has its own key.

    Args: function_arn: the ARN that the stream calls; a policy that names another form of it does not cover it.
    """
    role = destination.role_arn
    if not role:
        return Permissions({}, "the destination names no role")
    requests = [(action, function_arn) for action in ACTIONS]
    if key := _key_arn(destination):
        requests += [(action, key) for action in KEY_ACTIONS]
    permissions = _with_function_policy(aws, ask_role(aws, role, requests), role, function_arn)
    return _by_another_name(aws, permissions, role, function_arn)


def ask_role(aws: Aws, role_arn: str, requests: Requests) -> Permissions:
    """What a role's policies, with its permissions boundary, say about these requests."""
    try:
        return Permissions({action: _simulate(aws, role_arn, action, arn) for action, arn in requests}, SIMULATED)
    except AwsError as refused:
        return _read(aws, role_name(role_arn), requests, refused)


def _simulate(aws: Aws, role_arn: str, action: str, resource: str) -> PolicyDecision:
    response = aws.call(
        "iam", "simulate_principal_policy", PolicySourceArn=role_arn, ActionNames=[action], ResourceArns=[resource]
    )
    for result in response["EvaluationResults"]:
        boundary = result.get("PermissionsBoundaryDecisionDetail") or {}
        decision = _SIMULATED.get(result["EvalDecision"], PolicyDecision.SILENT)
        if decision is not PolicyDecision.ALLOWED:
            # The function's own policy cannot allow what a boundary does not allow.
            return PolicyDecision.DENIED if boundary.get("AllowedByPermissionsBoundary") is False else decision
    return PolicyDecision.ALLOWED


def _read(aws: Aws, role: str, requests: Requests, refused: AwsError) -> Permissions:
    try:
        documents = role_documents(aws, role)
    except AwsError as error:
        return Permissions(
            dict.fromkeys((action for action, _ in requests), PolicyDecision.UNKNOWN), f"{refused}; {error}"
        )
    decisions = {action: decide(documents, action, resource) for action, resource in requests}
    try:
        boundary = boundary_document(aws, role)
    except AwsError as error:
        return Permissions(decisions, f"{READ}, without the permissions boundary: {error}")
    if boundary is None:
        return Permissions(decisions, READ)
    bounds = {action: decide([boundary], action, resource) for action, resource in requests}
    return Permissions(
        {action: within(decisions[action], bounds[action]) for action in decisions}, f"{READ} and its boundary"
    )


def role_documents(aws: Aws, role: str) -> list[Mapping[str, Any]]:
    """All policies of a role, inline and attached. Raises: AwsError."""
    names = [name for page in _pages(aws, "list_role_policies", role) for name in page["PolicyNames"]]
    inline = [policy for name in names if (policy := read_inline_policy(aws, role, name)) is not None]
    attached = [
        entry for page in _pages(aws, "list_attached_role_policies", role) for entry in page["AttachedPolicies"]
    ]
    return inline + [_managed(aws, policy["PolicyArn"]) for policy in attached]


def read_inline_policy(aws: Aws, role: str, policy: str) -> Mapping[str, Any] | None:
    """A role's inline policy; None: there is none of this name. Raises: AwsError."""
    try:
        return _parsed(aws.call("iam", "get_role_policy", RoleName=role, PolicyName=policy)["PolicyDocument"])
    except AwsError as error:
        if error.code != "NoSuchEntity":
            raise
        return None


def boundary_document(aws: Aws, role: str) -> Mapping[str, Any] | None:
    """A role's permissions boundary; None: it has none. Raises: AwsError."""
    boundary = aws.call("iam", "get_role", RoleName=role)["Role"].get("PermissionsBoundary") or {}
    arn = boundary.get("PermissionsBoundaryArn")
    return _managed(aws, arn) if arn else None


def _pages(aws: Aws, operation: str, role: str) -> Iterator[Mapping[str, Any]]:
    start: dict[str, str] = {}
    for _ in range(MAX_PAGES):
        page = aws.call("iam", operation, RoleName=role, **start)
        yield page
        if not page.get("IsTruncated") or not page.get("Marker"):
            return
        start = {"Marker": page["Marker"]}


def _managed(aws: Aws, arn: str) -> Mapping[str, Any]:
    version = aws.call("iam", "get_policy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return _parsed(aws.call("iam", "get_policy_version", PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def _parsed(document: Any) -> Mapping[str, Any]:
    # boto3 parses policies; an endpoint other than AWS may leave them as text.
    policy: Mapping[str, Any] = json.loads(unquote(document)) if isinstance(document, str) else document
    return policy


def _with_function_policy(aws: Aws, permissions: Permissions, role: str, function_arn: str) -> Permissions:
    """In one account, the function's own policy can allow what the role's policies do not mention."""
    open_ = [
        action for action in ACTIONS if permissions.decisions[action] in (PolicyDecision.SILENT, PolicyDecision.UNKNOWN)
    ]
    if not open_:
        return permissions
    parts = function_arn.split(":")
    qualifier = ":".join(parts[7:]).replace("$LATEST", "")
    parameters = {"Qualifier": qualifier} if qualifier else {}
    try:
        text = aws.call("lambda", "get_policy", FunctionName=":".join(parts[:7]), **parameters)["Policy"]
        documents = [json.loads(text)]
    except (AwsError, ValueError):
        return permissions
    arn = function_arn.removesuffix(LATEST)
    own = {action: decide(documents, action, arn, role) for action in open_}
    decided = {
        action: decision
        for action, decision in own.items()
        if decision in (PolicyDecision.ALLOWED, PolicyDecision.DENIED)
    }
    return Permissions({**permissions.decisions, **decided}, permissions.how)


def _by_another_name(aws: Aws, permissions: Permissions, role: str, function_arn: str) -> Permissions:
    """Marks as unknown what is allowed only by a policy that names the function without ``:$LATEST``."""
    silent = [action for action in ACTIONS if permissions.decisions[action] is PolicyDecision.SILENT]
    if not silent or not function_arn.endswith(LATEST):
        return permissions
    bare = ask_role(aws, role, [(action, function_arn.removesuffix(LATEST)) for action in silent]).decisions
    named = {action: PolicyDecision.UNKNOWN for action in silent if bare[action] is PolicyDecision.ALLOWED}
    how = f"{permissions.how}; a policy names the function without {LATEST}" if named else permissions.how
    return Permissions({**permissions.decisions, **named}, how)


def _key_arn(destination: Destination) -> str:
    """The key of the bucket that the destination writes to, buffers in, or sends failures to."""
    config = destination.config
    for part in (config, config.get("S3DestinationDescription") or {}):
        key = ((part.get("EncryptionConfiguration") or {}).get("KMSEncryptionConfig") or {}).get("AWSKMSKeyARN")
        if key:
            return str(key)
    return ""
