"""A stream's ``ProcessingConfiguration``: put the function in, take it out, say what changes.

UpdateDestination replaces it as a whole, so whatever else is in it has to be given again.
Source: Firehose API reference, ProcessingConfiguration, Processor, ProcessorParameter.
"""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamtally.errors import SettingsError

Processing = dict[str, Any]
Processor = Mapping[str, Any]

LAMBDA = "Lambda"
BEFORE_LAMBDA = ("RecordDeAggregation", "Decompression", "CloudWatchLogProcessing")
"""What has to have been done to a record before the function sees it."""

LATEST = ":$LATEST"
_DEFAULTS = {"NumberOfRetries": "3", "BufferSizeInMBs": "1", "BufferIntervalInSeconds": "60"}
"""Of a processor made anew. 1 MB of log lines makes an answer of about 2.2 MB, far under Lambda's 6 MB."""


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """How Firehose calls the function; None: as it is, or the default of a processor made anew.

    Attributes: arn: with an alias, a version, or neither.
    """

    arn: str
    role_arn: str = ""
    buffer_mbs: float | None = None
    buffer_seconds: int | None = None
    retries: int | None = None

    def given(self) -> dict[str, str]:
        """The parameters asked for, by name."""
        values = {
            "NumberOfRetries": self.retries,
            "BufferSizeInMBs": self.buffer_mbs,
            "BufferIntervalInSeconds": self.buffer_seconds,
        }
        return {name: f"{value:g}" for name, value in values.items() if value is not None}


def processing_of(config: Mapping[str, Any]) -> Processing:
    """A destination's processing; one that was never set is off and empty."""
    found = config.get("ProcessingConfiguration") or {}
    return {"Enabled": bool(found.get("Enabled", False)), "Processors": copy.deepcopy(found.get("Processors") or [])}


def lambda_processor(processing: Processing) -> Processor | None:
    """The Lambda processor; a stream has at most one."""
    return next((each for each in processing["Processors"] if each.get("Type") == LAMBDA), None)


def parameters_of(processor: Processor | None) -> dict[str, str]:
    """A processor's parameters by name."""
    return {
        parameter["ParameterName"]: parameter["ParameterValue"]
        for parameter in (processor or {}).get("Parameters") or []
    }


def is_same_function(one: str, other: str) -> bool:
    """Whether two ARNs call the same code: without a qualifier is ``$LATEST``."""
    return one.removesuffix(LATEST) == other.removesuffix(LATEST)


def qualified(arn: str) -> str:
    """A function's ARN as Firehose's console writes it, with ``:$LATEST`` where there is no alias or version."""
    return arn if arn.count(":") >= 7 else arn + LATEST


def attached(processing: Processing, settings: FunctionSettings, replace: bool = False) -> Processing:
    """The processing with the function in it; all other processors stay, in their order.

    Attaching what is attached gives the same again, with its parameters as they are but for those asked for.
    Raises: SettingsError: there is another function already, or processing that is switched off would be switched on
        with it; ``replace`` asks for that.
    """
    current = lambda_processor(processing)
    others = [each for each in processing["Processors"] if each is not current]
    if current is not None and not replace:
        _refuse_other_function(parameters_of(current), settings)
    if others and not processing["Enabled"] and not replace:
        kinds = ", ".join(sorted({str(other.get("Type")) for other in others}))
        raise SettingsError(
            f"processing is switched off with {kinds} in it: attaching would switch them on (--replace)"
        )
    processor = _changed_processor(current, settings)
    processors = [processor if each is current else each for each in processing["Processors"]]
    if current is None:
        place = max((at for at, other in enumerate(others, 1) if other.get("Type") in BEFORE_LAMBDA), default=0)
        processors.insert(place, processor)
    return {"Enabled": True, "Processors": processors}


def _refuse_other_function(parameters: Mapping[str, str], settings: FunctionSettings) -> None:
    there = parameters.get("LambdaArn", "")
    if there and not is_same_function(there, settings.arn):
        raise SettingsError(f"another function is on the stream, {there}: a stream takes one (--replace puts this one)")


def _changed_processor(current: Processor | None, settings: FunctionSettings) -> Processor:
    parameters = parameters_of(current)
    if current is None or not is_same_function(parameters.get("LambdaArn", ""), settings.arn):
        role = {"RoleArn": settings.role_arn} if settings.role_arn else {}
        parameters = {"LambdaArn": qualified(settings.arn), **role, **_DEFAULTS}
    parameters |= settings.given()
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"Type": LAMBDA, "Parameters": listed}


def detached(processing: Processing) -> Processing:
    """The processing without its function; with nothing left it is switched off."""
    left = [each for each in processing["Processors"] if each.get("Type") != LAMBDA]
    return {"Enabled": processing["Enabled"] and bool(left), "Processors": left}


def is_as_left(now: Processing, left: Processing) -> bool:
    """Whether a stream still has the processing it was left with; Firehose may add parameters of its own."""
    if now["Enabled"] != left["Enabled"] or len(now["Processors"]) != len(left["Processors"]):
        return False
    for one, other in zip(now["Processors"], left["Processors"], strict=True):
        if one.get("Type") != other.get("Type"):
            return False
        if not parameters_of(other).items() <= parameters_of(one).items():
            return False
    return True


def to_diff(before: Mapping[str, Any], after: Mapping[str, Any], old: str = "now", new: str = "then") -> list[str]:
    """A unified diff of two configurations as JSON; empty if they are the same."""
    texts = [json.dumps(each, indent=2, ensure_ascii=False, sort_keys=True).splitlines() for each in (before, after)]
    return list(difflib.unified_diff(texts[0], texts[1], old, new, lineterm=""))
