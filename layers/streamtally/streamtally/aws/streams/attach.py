"""Plans attaching and detaching: reads a stream and what it uses, and returns the change; nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from streamtally.attach.change import (
    FunctionSettings,
    Processing,
    attached,
    detached,
    lambda_processor,
    parameters_of,
    processing_of,
)
from streamtally.attach.checks import check_all
from streamtally.attach.destinations import Destination, find_destination
from streamtally.attach.facts import Facts
from streamtally.attach.grant import policy_document, policy_name, role_name
from streamtally.attach.stream_settings import source_of
from streamtally.attach.undo import Grant, Undo, restored
from streamtally.aws.clients import Aws
from streamtally.aws.streams.deployed import Deployed, read_deployed
from streamtally.aws.streams.describe import read_function, read_stream
from streamtally.aws.streams.keys import read_source_key
from streamtally.aws.streams.permissions import Permissions, ask_role, read_inline_policy, read_permissions
from streamtally.errors import SettingsError
from streamtally.findings import Finding


@dataclass(frozen=True, slots=True)
class Change:
    """A planned change of a stream.

    Attributes:
        description: the stream's description.
        destination: its destination.
        function_arn: the function that is added or removed; "": there is none.
        before: the current processing.
        after: the processing after the change.
        grant: the permission that is granted or revoked with it; None: none is.
        findings: the results of the checks.
    """

    description: Mapping[str, Any]
    destination: Destination
    function_arn: str
    before: Processing
    after: Processing
    grant: Grant | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def stream(self) -> str:
        return str(self.description["DeliveryStreamName"])

    @property
    def is_change(self) -> bool:
        return self.before != self.after

    def to_undo(self) -> Undo:
        """The undo of this change."""
        arn = str(self.description["DeliveryStreamARN"])
        return Undo(self.stream, arn, self.destination.kind.update, self.before, self.after, self.grant)


def plan_attach(
    aws: Aws,
    stream: str,
    settings: FunctionSettings,
    framing: str = "",
    grant: bool = False,
    replace_other: bool = False,
    source: Mapping[str, Any] | None = None,
) -> Change:
    """What attaching would do, and what prevents it; nothing is changed.

    Args:
        framing: the framing if the deployed pipeline cannot be read; "": then it is unknown.
        grant: whether to grant the permission as well.
        replace_other: whether to replace another function.
        source: ``[source]`` of the pipeline, if the deployed one cannot be read; None: then it is unknown.
    Raises: AwsError; SettingsError: another function is already attached.
    """
    description = read_stream(aws, stream)
    destination = find_destination(description)
    before = processing_of(destination.config)
    settings = replace(settings, role_arn=destination.role_arn)
    try:
        after = attached(before, settings, replace_other)
    except SettingsError as error:
        raise SettingsError(f"{stream}: {error}") from None
    facts = _read_facts(aws, description, destination, after, framing, grant)
    facts = replace(facts, source=facts.source if facts.source is not None else source)
    planned = _plan_grant(aws, stream, settings.arn, destination) if grant else None
    return Change(description, destination, settings.arn, before, after, planned, tuple(check_all(facts)))


def _read_facts(
    aws: Aws, description: Mapping[str, Any], destination: Destination, after: Processing, framing: str, grant: bool
) -> Facts:
    arn = parameters_of(lambda_processor(after))["LambdaArn"]
    parts = arn.split(":")
    bare, qualifier = ":".join(parts[:7]), ":".join(parts[7:])
    permissions = read_permissions(aws, destination, arn)
    # Lambda describes only functions of its own region.
    is_near = parts[3] == str(description["DeliveryStreamARN"]).split(":")[3]
    function = read_function(aws, bare, qualifier.replace("$LATEST", "")) if is_near else None
    deployed = read_deployed(aws, function) if function else Deployed(None, "the function was not found")
    framing_from = deployed.how if deployed.framing or not framing else f"from --pipeline; {deployed.how}"
    action, reingest = _read_reingest(aws, description, function)
    return Facts(
        description=description,
        destination=destination,
        processing=after,
        function=function,
        function_arn=arn,
        permitted=permissions.allowed,
        denied=permissions.denied,
        how=permissions.how,
        framing=deployed.framing or framing,
        framing_from=framing_from,
        granted=grant,
        reingest_action=action,
        can_reingest=reingest.allowed.get(action),
        reingest_how=reingest.how,
        source_key=read_source_key(aws, description, function, destination.role_arn),
        source=source_of(deployed.document),
    )


def _read_reingest(
    aws: Aws, description: Mapping[str, Any], function: Mapping[str, Any] | None
) -> tuple[str, Permissions]:
    """The action that the function's role needs to re-ingest records, and whether the role may perform it."""
    role = str((function or {}).get("Role") or "")
    kind = description.get("DeliveryStreamType", "DirectPut")
    if not role or kind not in ("DirectPut", "KinesisStreamAsSource"):
        return "", Permissions()
    source = (description.get("Source") or {}).get("KinesisStreamSourceDescription") or {}
    action, arn = "firehose:PutRecordBatch", str(description["DeliveryStreamARN"])
    if kind == "KinesisStreamAsSource":
        action, arn = "kinesis:PutRecords", str(source.get("KinesisStreamARN") or "")
    return (action, ask_role(aws, role, [(action, arn)])) if arn else ("", Permissions())


def _plan_grant(aws: Aws, stream: str, arn: str, destination: Destination) -> Grant | None:
    """The inline policy to add; None: the role already has it."""
    if not destination.role_arn:
        raise SettingsError(
            f"the {destination.kind.name} destination names no role, so --grant has no role to grant the permission to"
        )
    bare = ":".join(arn.split(":")[:7])
    role, policy = role_name(destination.role_arn), policy_name(stream, bare.rsplit(":", 1)[-1])
    before, document = read_inline_policy(aws, role, policy), policy_document(bare)
    return None if before == document else Grant(role, policy, document, before)


def plan_detach(aws: Aws, stream: str, undo: Undo | None = None, where: str = "") -> Change:
    """What detaching would do: with an undo file it restores what was, without one it only removes the function.

    Args: where: the undo file, for messages.
    Raises: AwsError; SettingsError: the file is for another stream, or the stream or the permission was changed.
    """
    description = read_stream(aws, stream)
    destination = find_destination(description)
    before = processing_of(destination.config)
    after = detached(before) if undo is None else restored(before, undo, str(description["DeliveryStreamARN"]), where)
    arn = parameters_of(lambda_processor(before)).get("LambdaArn", "")
    grant = _still_granted(aws, undo.grant, where) if undo and undo.grant else None
    return Change(description, destination, arn, before, after, grant)


def _still_granted(aws: Aws, grant: Grant, where: str) -> Grant | None:
    """The permission to revoke; None: it was revoked already."""
    now = read_inline_policy(aws, grant.role, grant.policy)
    if now == grant.before:
        return None
    if now != grant.document:
        raise SettingsError(
            f"role {grant.role}: its inline policy {grant.policy} was changed after attaching, and {where} would "
            "undo that change too: run detach without --undo to remove only the function"
        )
    return grant
