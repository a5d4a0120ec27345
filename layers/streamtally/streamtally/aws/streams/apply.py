"""Applies a planned change to a stream. If it is unknown whether the change was made, the error says so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

from streamtally.attach.change import is_as_left, processing_of
from streamtally.attach.destinations import find_destination
from streamtally.attach.undo import Grant
from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.streams.attach import Change
from streamtally.aws.streams.describe import read_stream
from streamtally.errors import SettingsError

POLL_SECONDS = 2


class StaleError(SettingsError):
    """The stream was changed by someone else after it was read; nothing was done."""

    def __init__(self, stream: str) -> None:
        super().__init__(f"{stream}: the stream was changed after it was read; nothing was done: run the command again")


class UncertainError(SettingsError):
    """There was no response, and it is unknown whether the stream was changed."""


def apply_change(aws: Aws, change: Change) -> None:
    """Changes the stream, unless someone else has changed it after it was read.

    Raises: StaleError: someone has, and nothing was done; AwsError: the request was refused; UncertainError.
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
        # A response can be lost. Then the SDK sends the request again, with a version that this change made stale.
        if not _is_made(aws, change, error):
            raise (StaleError(change.stream) if error.code == "ConcurrentModificationException" else error) from None


def _is_made(aws: Aws, change: Change, error: AwsError) -> bool:
    try:
        is_made = _shows(aws, change)
    except AwsError:
        is_made = None
    if is_made is None or not (is_made or error.code):
        text = f"{error}; it is unknown whether {change.stream} was changed: run streamtally status {change.stream}"
        raise UncertainError(text)
    return is_made


def _shows(aws: Aws, change: Change, ready: bool = False) -> bool:
    """Whether the stream has the new processing. Args: ready: it must also accept changes again."""
    description = read_stream(aws, change.stream)
    now = processing_of(find_destination(description).config)
    is_new = not change.is_change or description.get("VersionId") != change.description["VersionId"]
    is_ready = not ready or description.get("DeliveryStreamStatus") == "ACTIVE"
    return is_new and is_ready and is_as_left(now, change.after)


def wait_until_effective(aws: Aws, change: Change, seconds: float, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Whether the stream shows the new processing with a new version and accepts changes again, within these seconds.

    Ctrl-C only ends the waiting: the change was made.
    """
    for _ in range(max(1, round(seconds / POLL_SECONDS))):
        try:
            if _is_effective(aws, change):
                return True
            sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            return False
    return False


def _is_effective(aws: Aws, change: Change) -> bool:
    try:
        return _shows(aws, change, ready=True)
    except AwsError:
        return False  # the change was made, even if there is no response now


def check_version(aws: Aws, change: Change) -> None:
    """Raises: StaleError: the stream was changed after the change was planned."""
    if read_stream(aws, change.stream)["VersionId"] != change.description["VersionId"]:
        raise StaleError(change.stream)


def put_grant(aws: Aws, grant: Grant) -> None:
    """Adds the inline policy to the role."""
    document = json.dumps(grant.document)
    aws.call("iam", "put_role_policy", RoleName=grant.role, PolicyName=grant.policy, PolicyDocument=document)


def revoke_grant(aws: Aws, grant: Grant) -> None:
    """Restores the role's previous policy of that name, or deletes the granted one."""
    if grant.before is not None:
        put_grant(aws, replace(grant, document=grant.before))
        return
    try:
        aws.call("iam", "delete_role_policy", RoleName=grant.role, PolicyName=grant.policy)
    except AwsError as error:
        if error.code != "NoSuchEntity":
            raise
