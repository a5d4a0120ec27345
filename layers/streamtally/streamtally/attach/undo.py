"""The undo file: what a stream had before, and what it was left with."""

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
    """An inline policy that attaching put on a role; ``before`` is the one of that name it took the place of."""

    role: str
    policy: str
    document: Mapping[str, Any]
    before: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """What detaching restores.

    Attributes:
        stream: its name; arn: its ARN, so that a file of another account's or region's stream is refused.
        update: the parameter of UpdateDestination.
        before, after: the processing then, and as it was left.
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
    """An undo file's text. Raises: SettingsError: it is none."""
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
    """Whether every part is of its kind: a file that somebody has edited is not sent to AWS half understood."""
    texts = [undo.stream, undo.arn, undo.update]
    if undo.grant is not None:
        texts += [undo.grant.role, undo.grant.policy]
        if not isinstance(undo.grant.document, dict) or not isinstance(undo.grant.before, dict | None):
            return False
    return all(isinstance(text, str) for text in texts) and all(map(_is_processing, (undo.before, undo.after)))


def _is_processing(given: Any) -> bool:
    if not isinstance(given, dict) or set(given) != {"Enabled", "Processors"} or not isinstance(given["Enabled"], bool):
        return False
    processors = given["Processors"]
    return isinstance(processors, list) and all(map(_is_processor, processors))


def _is_processor(given: Any) -> bool:
    if not isinstance(given, dict) or not isinstance(given.get("Type"), str):
        return False
    parameters = given.get("Parameters") or []
    return isinstance(parameters, list) and all(
        isinstance(parameter, dict) and {"ParameterName", "ParameterValue"} <= set(parameter)
        for parameter in parameters
    )


def restored(now: Processing, undo: Undo, arn: str, where: str) -> Processing:
    """The processing to put back. Raises: SettingsError: another stream's file, or the stream was changed since."""
    if arn != undo.arn:
        raise SettingsError(f"{where} is of {undo.arn}, not of {arn}")
    if now == undo.before:
        return now
    if not is_as_left(now, undo.after):
        if is_as_left(now, undo.before):
            return now
        raise SettingsError(
            f"{undo.stream}: its processing was changed after attaching, so {where} would undo that too: "
            "detach without --undo takes out the function alone"
        )
    return undo.before
