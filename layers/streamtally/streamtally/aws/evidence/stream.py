"""Gathers the doctor's evidence about a stream."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from streamtally.attach.change import FunctionSettings
from streamtally.attach.destinations import find_destination
from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.streams.attach import plan_attach
from streamtally.aws.streams.describe import attached_function, read_stream
from streamtally.aws.streams.status import read_status
from streamtally.doctor.stream import UNUSABLE, StreamState
from streamtally.errors import SettingsError
from streamtally.findings import Finding
from streamtally.indices.names import inbox_name


def gather_stream(
    aws: Aws, name: str, framing: str, cluster: Cluster | None, indices: Collection[str] = ()
) -> StreamState:
    """A stream's state, including what could not be read.

    Args:
        framing: the framing of the pipeline.
        cluster: the domain at another address; None: at its own.
        indices: those of the pipeline's outputs. A stream that writes to one of them receives documents and needs no
            function.
    """
    now = datetime.now(UTC)
    try:
        description = read_stream(aws, name)
    except AwsError as error:
        return StreamState(name, str(error), error.code)
    unread: list[str] = []
    try:
        function = attached_function(description)
        findings = _attach_findings(aws, name, function, framing, unread) if function else ()
        status = read_status(aws, name, now, cluster)
        needs_function = not _takes_documents(description, indices)
    except AwsError as error:
        return StreamState(name, str(error), error.code)
    except SettingsError as error:
        return StreamState(name, str(error), UNUSABLE)
    return StreamState(
        name=name,
        function=function,
        needs_function=needs_function,
        attach_findings=findings,
        metrics=status.metrics,
        skew_seconds=_skew(aws, unread),
        counts=status.counts,
        reason=status.reason,
        unread=[*unread, status.unread] if status.unread else unread,
    )


def _attach_findings(aws: Aws, name: str, function: str, framing: str, unread: list[str]) -> Sequence[Finding]:
    try:
        return plan_attach(aws, name, FunctionSettings(function), framing).findings
    except AwsError as error:
        unread.append(str(error))
        return ()


def _takes_documents(description: Mapping[str, Any], indices: Collection[str]) -> bool:
    index = str(find_destination(description).config.get("IndexName") or "")
    return bool(index) and (index == inbox_name(str(description["DeliveryStreamName"])) or index in indices)


def _skew(aws: Aws, unread: list[str]) -> float | None:
    """The service's clock minus this machine's clock, in seconds, from a response's Date header."""
    now = datetime.now(UTC)
    try:
        response = aws.call("firehose", "list_delivery_streams", Limit=1)
    except AwsError as error:
        unread.append(str(error))
        return None
    text = (response.get("ResponseMetadata") or {}).get("HTTPHeaders", {}).get("date")
    try:
        return (parsedate_to_datetime(text) - now).total_seconds() if text else None
    except (ValueError, TypeError):
        return None


def check_exists(path: Path) -> None:
    """Raises: SettingsError: the file does not exist, or may not be read."""
    if not os.path.lexists(path):
        raise SettingsError(f"{path}: cannot be read: the file does not exist")
    if not os.access(path, os.R_OK):
        raise SettingsError(f"{path}: you may not read it: run the command as root, or with sudo")
