"""Attaching: reading a stream and its surroundings, and making the change that the core has planned."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from streamtally.attach.change import (
    FunctionSettings,
    Processing,
    attached,
    detached,
    is_as_left,
    is_same_function,
    lambda_processor,
    parameters_of,
    processing_of,
)
from streamtally.attach.checks import Facts, check_all
from streamtally.attach.destinations import Destination, find_destination
from streamtally.attach.grant import policy_document, policy_name, role_name
from streamtally.attach.undo import Grant, Undo, restored
from streamtally.aws.deployed import Deployed, read_deployed
from streamtally.aws.permissions import read_permissions
from streamtally.aws.session import Aws, AwsError
from streamtally.errors import SettingsError
from streamtally.findings import Finding

DEFAULT_STACK = "streamtally"
FUNCTION_OUTPUT = "TransformFunctionArn"
EFFECTIVE_SECONDS = 300
POLL_SECONDS = 2
STREAM_PAGES_MAX = 20
"""How many pages of streams are looked through for a near name."""


class StaleError(SettingsError):
    """The stream was changed by somebody else since it was read; nothing was done."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a stream, planned.

    Attributes:
        description: the stream as it was read; function_arn: what is or was called, "" if nothing is.
        before, after: the processing; grant: the permission that goes with it; findings: what was checked.
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
        """What takes it back."""
        arn = str(self.description["DeliveryStreamARN"])
        return Undo(self.stream, arn, self.destination.kind.update, self.before, self.after, self.grant)


def read_stream(aws: Aws, name: str) -> dict[str, Any]:
    """A stream's description. Raises: AwsError: there is none of the name (near names are told), or no right to ask."""
    try:
        answer = aws.call("firehose", "describe_delivery_stream", DeliveryStreamName=name)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise AwsError(
            f"there is no delivery stream {name!r} in {aws.region}{near_names(aws, name)}", error.code
        ) from None
    description: dict[str, Any] = answer["DeliveryStreamDescription"]
    return description


def list_streams(aws: Aws) -> list[str]:
    """The names of the region's delivery streams, as far as ``STREAM_PAGES_MAX`` pages go."""
    names: list[str] = []
    for _ in range(STREAM_PAGES_MAX):
        start = {"ExclusiveStartDeliveryStreamName": names[-1]} if names else {}
        page = aws.call("firehose", "list_delivery_streams", Limit=100, **start)
        names += page["DeliveryStreamNames"]
        if not page.get("HasMoreDeliveryStreams") or not page["DeliveryStreamNames"]:
            break
    return names


def near_names(aws: Aws, name: str) -> str:
    """`` (did you mean …?)``, or what there is; "" where that may not be asked."""
    try:
        names = list_streams(aws)
    except AwsError:
        return ""
    lower = {each.lower(): each for each in names}
    near = [lower[each] for each in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.6)]
    if near:
        return f" (did you mean {', '.join(near)}?)"
    return (
        f" (there are: {', '.join(names[:5])}{' …' if len(names) > 5 else ''})" if names else " (there is none at all)"
    )


def find_function(aws: Aws, named: str | None, stack: str) -> str:
    """The function's ARN: as named (name, ``name:alias``, ARN), else the stack's output.

    Raises: AwsError, SettingsError: there is no such stack, or it has no such output.
    """
    if named is None:
        try:
            stacks = aws.call("cloudformation", "describe_stacks", StackName=stack)["Stacks"]
        except AwsError as error:
            raise AwsError(f"no --function, and no stack {stack!r} to take it from ({error})", error.code) from None
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stacks[0].get("Outputs") or []}
        if FUNCTION_OUTPUT not in outputs:
            raise SettingsError(
                f"the stack {stack!r} has no output {FUNCTION_OUTPUT}: name the function with --function"
            )
        return str(outputs[FUNCTION_OUTPUT])
    if named.startswith("arn:"):
        return named
    name, _, qualifier = named.partition(":")
    function = read_function(aws, name, qualifier)
    if function is None:
        raise SettingsError(f"there is no function {named!r} in {aws.region}: deploy it, or name another")
    bare = ":".join(str(function["FunctionArn"]).split(":")[:7])
    return f"{bare}:{qualifier}" if qualifier else bare


def read_function(aws: Aws, name: str, qualifier: str = "") -> dict[str, Any] | None:
    """Lambda's configuration of a function; None if there is none."""
    given = {"Qualifier": qualifier} if qualifier else {}
    try:
        found: dict[str, Any] = aws.call("lambda", "get_function_configuration", FunctionName=name, **given)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    return found


def plan_attach(
    aws: Aws,
    stream: str,
    settings: FunctionSettings,
    framing: str = "",
    grant: bool = False,
    replace_other: bool = False,
) -> Change:
    """What attaching would do, and what stands in its way; nothing is changed.

    Args: framing: what to go by where the deployed function's own cannot be read; "": then it is unknown.
    Raises: AwsError; SettingsError: another function is there already.
    """
    description = read_stream(aws, stream)
    destination = find_destination(description)
    before = processing_of(destination.config)
    settings = replace(settings, role_arn=destination.role_arn)
    try:
        after = attached(before, settings, replace_other)
    except SettingsError as error:
        raise SettingsError(f"{stream}: {error}") from None
    facts = _read_facts(aws, description, destination, after, settings.arn, framing, grant)
    given = _plan_grant(aws, settings.arn, destination) if grant else None
    change = Change(description, destination, settings.arn, before, after, given, tuple(check_all(facts)))
    return change


def _read_facts(
    aws: Aws,
    description: Mapping[str, Any],
    destination: Destination,
    after: Processing,
    arn: str,
    framing: str,
    grant: bool,
) -> Facts:
    parts = arn.split(":")
    bare, qualifier = ":".join(parts[:7]), ":".join(parts[7:])
    permissions = read_permissions(aws, destination, arn)
    function = read_function(aws, bare, qualifier)
    deployed = read_deployed(aws, function) if function else Deployed(None, "there is no function")
    told = deployed.how if deployed.framing or not framing else f"as you said; {deployed.how}"
    return Facts(
        description=description,
        destination=destination,
        processing=after,
        function=function,
        function_arn=arn,
        permitted=permissions.allowed,
        how=permissions.how,
        framing=deployed.framing or framing,
        framing_from=told,
        granted=grant,
    )


def _plan_grant(aws: Aws, arn: str, destination: Destination) -> Grant:
    if not destination.role_arn:
        raise SettingsError(f"the {destination.kind.name} destination names no role: there is nobody to --grant it to")
    bare = ":".join(arn.split(":")[:7])
    role, policy = role_name(destination.role_arn), policy_name(bare.rsplit(":", 1)[-1])
    before = None
    try:
        before = aws.call("iam", "get_role_policy", RoleName=role, PolicyName=policy)["PolicyDocument"]
    except AwsError as error:
        if error.code != "NoSuchEntity":
            raise
    return Grant(role, policy, policy_document(bare), before)


def plan_detach(aws: Aws, stream: str, undo: Undo | None = None, where: str = "") -> Change:
    """What detaching would do: with an undo file exactly what was, without one the function alone is taken out.

    Raises: AwsError; SettingsError: the file is another stream's, or the stream was changed since.
    """
    description = read_stream(aws, stream)
    destination = find_destination(description)
    before = processing_of(destination.config)
    after = detached(before) if undo is None else restored(before, undo, str(description["DeliveryStreamARN"]), where)
    arn = parameters_of(lambda_processor(before)).get("LambdaArn", "")
    return Change(description, destination, arn, before, after, undo.grant if undo else None)


def apply_change(aws: Aws, change: Change) -> None:
    """Make the change of the stream, if nobody else has changed it since it was read.

    Raises: StaleError: somebody has, and nothing was done; AwsError.
    """
    try:
        aws.call(
            "firehose",
            "update_destination",
            DeliveryStreamName=change.stream,
            CurrentDeliveryStreamVersionId=change.description["VersionId"],
            DestinationId=change.destination.id,
            **{change.destination.kind.update: {"ProcessingConfiguration": change.after}},
        )
    except AwsError as error:
        if error.code != "ConcurrentModificationException":
            raise
        raise StaleError(f"{change.stream}: it was changed since it was read; nothing was done: run it again") from None


def put_grant(aws: Aws, grant: Grant) -> None:
    """Put the inline policy on the role."""
    from json import dumps

    document = dumps(grant.document)
    aws.call("iam", "put_role_policy", RoleName=grant.role, PolicyName=grant.policy, PolicyDocument=document)


def take_back_grant(aws: Aws, grant: Grant) -> None:
    """Put back the policy of that name that was there before, or delete ours."""
    if grant.before is not None:
        put_grant(aws, replace(grant, document=grant.before))
        return
    try:
        aws.call("iam", "delete_role_policy", RoleName=grant.role, PolicyName=grant.policy)
    except AwsError as error:
        if error.code != "NoSuchEntity":
            raise


def wait_until_effective(aws: Aws, change: Change, seconds: float, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Whether the stream shows the new processing and takes changes again, within these seconds."""
    for _ in range(max(1, round(seconds / POLL_SECONDS))):
        description = read_stream(aws, change.stream)
        now = processing_of(find_destination(description).config)
        if description.get("DeliveryStreamStatus") == "ACTIVE" and is_as_left(now, change.after):
            return True
        sleep(POLL_SECONDS)
    return False


def attached_function(description: Mapping[str, Any]) -> str:
    """The ARN of the function on a stream, "" where none is or processing is off."""
    try:
        processing = processing_of(find_destination(description).config)
    except SettingsError:
        return ""
    arn = parameters_of(lambda_processor(processing)).get("LambdaArn", "")
    return arn if processing["Enabled"] else ""


def is_attached(description: Mapping[str, Any], arn: str) -> bool:
    """Whether this function is the one on the stream."""
    return is_same_function(attached_function(description), arn)
