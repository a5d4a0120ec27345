"""The undo file: a stream's processing before and after attaching."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from streamtally.attach.change import Processing, is_as_left
from streamtally.errors import SettingsError

VERSION = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """An inline policy that attaching added to a role.

    Attributes:
        role: the role's name.
        policy: the policy's name.
        document: the policy.
        before: the policy of that name that it replaced; None: there was no such policy.
    """

    role: str
    policy: str
    document: Mapping[str, Any]
    before: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """What detaching restores.

    Attributes:
        stream: the stream's name.
        arn: the stream's ARN, so that a file for a stream of another account or region is refused.
        update: the parameter of UpdateDestination.
        before: the processing before attaching.
        after: the processing after attaching.
        grant: the permission that was granted; None: none was.
    """

    stream: str
    arn: str
    update: str
    before: Processing
    after: Processing
    grant: Grant | None = None

    def to_text(self) -> str:
        """The file's text."""
        return json.dumps({"undo": VERSION, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"


def parse_undo(text: str, where: str) -> Undo:
    """The undo that a file's text describes.

    Args: where: the file, for messages.
    Raises: SettingsError: the text is not an undo file.
    """
    try:
        document = json.loads(text)
        if document.pop("undo") != VERSION:
            raise ValueError
        grant = document.pop("grant")
        undo = Undo(**document, grant=Grant(**grant) if grant else None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        undo = None
    if undo is None or not _is_whole(undo):
        raise SettingsError(f"{where}: not an undo file of streamtally attach")
    return undo


def _is_whole(undo: Undo) -> bool:
    """Whether every part has the right type, so that an edited file is never sent to AWS half understood."""
    texts = [undo.stream, undo.arn, undo.update]
    if undo.grant is not None:
        texts += [undo.grant.role, undo.grant.policy]
        if not isinstance(undo.grant.document, dict) or not isinstance(undo.grant.before, dict | None):
            return False
    return all(isinstance(text, str) for text in texts) and all(map(_is_processing, (undo.before, undo.after)))


def _is_processing(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"Enabled", "Processors"} or not isinstance(value["Enabled"], bool):
        return False
    processors = value["Processors"]
    return isinstance(processors, list) and all(map(_is_processor, processors))


def _is_processor(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("Type"), str):
        return False
    parameters = value.get("Parameters") or []
    return isinstance(parameters, list) and all(
        isinstance(parameter, dict) and {"ParameterName", "ParameterValue"} <= set(parameter)
        for parameter in parameters
    )


def restored(now: Processing, undo: Undo, arn: str, where: str) -> Processing:
    """The processing to restore.

    Args: where: the undo file, for messages.
    Raises: SettingsError: the file is for another stream, or the stream was changed after attaching.
    """
    if arn != undo.arn:
        raise SettingsError(f"{where} is for {undo.arn}, not for {arn}")
    if now == undo.before:
        return now
    if not is_as_left(now, undo.after):
        if is_as_left(now, undo.before):
            return now
        raise SettingsError(
            f"{undo.stream}: its processing was changed after attaching, and {where} would undo that change too: "
            "run detach without --undo to remove only the function"
        )
    return undo.before
