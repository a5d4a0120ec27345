"""What the checks before a change judge: a stream, its function, and the permissions between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from streamtally.attach.change import Processing
from streamtally.attach.destinations import Destination
from streamtally.attach.keys import SourceKey

SINGLE = "single"
KAFKA = "MSKAsSource"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the checks judge.

    Attributes:
        description: the stream's description.
        destination: its destination.
        processing: its processing after the change.
        function: Lambda's FunctionConfiguration; None: the function does not exist or is in another region.
        function_arn: the ARN that would be called.
        permitted: action → whether the stream's role may perform it, None if unknown; an action may be missing.
        denied: actions that no additional policy could allow, because of a Deny or a permissions boundary.
        how: the source of ``permitted`` and ``denied``.
        framing: the framing of the pipeline that the function runs; "" if unknown.
        framing_from: the source of ``framing``, or why it is unknown.
        granted: whether attaching also grants the permission.
        reingest_action: the action that the function's role needs to re-ingest records; "" if it was not checked.
        can_reingest: whether the role may perform it; None if unknown.
        reingest_how: the source of ``can_reingest``.
        source: ``[source]`` of the pipeline that the function runs; None if unknown.
    """

    description: Mapping[str, Any]
    destination: Destination
    processing: Processing
    function: Mapping[str, Any] | None
    function_arn: str
    permitted: Mapping[str, bool | None] = field(default_factory=dict)
    denied: Collection[str] = ()
    how: str = ""
    framing: str = "lines"
    framing_from: str = ""
    granted: bool = False
    reingest_action: str = ""
    can_reingest: bool | None = None
    reingest_how: str = ""
    source: Mapping[str, Any] | None = None
    source_key: SourceKey = field(default_factory=SourceKey)
    """The customer-managed key of the records' source, and its users."""
