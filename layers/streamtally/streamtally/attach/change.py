"""A stream's ``ProcessingConfiguration``: add the function, remove it, and show what changes.

UpdateDestination replaces it as a whole, so everything else in it must be sent again.
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
"""The processors that a record must pass before the function receives it."""

LATEST = ":$LATEST"
_DEFAULTS = {"NumberOfRetries": "3", "BufferSizeInMBs": "1", "BufferIntervalInSeconds": "60"}
"""The parameters of a new processor. 1 MB of log lines becomes a response of about 2.2 MB, far below Lambda's 6 MB."""


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """How Firehose calls the function. None: the current value, or the default for a new processor.

    Attributes:
        arn: the function, with or without an alias or a version.
        role_arn: the role that Firehose assumes for the call; "": none is written.
        buffer_mbs: how much is collected for one call, in MB.
        buffer_seconds: how long it is collected, in seconds.
        retries: how often Firehose calls again after a failure.
    """

    arn: str
    role_arn: str = ""
    buffer_mbs: float | None = None
    buffer_seconds: int | None = None
    retries: int | None = None

    def parameters(self) -> dict[str, str]:
        """The parameters that are set, by name."""
        values = {
            "NumberOfRetries": self.retries,
            "BufferSizeInMBs": self.buffer_mbs,
            "BufferIntervalInSeconds": self.buffer_seconds,
        }
        return {name: f"{value:g}" for name, value in values.items() if value is not None}


def processing_of(config: Mapping[str, Any]) -> Processing:
    """A destination's processing; if it was never set, it is disabled and empty."""
    processing = config.get("ProcessingConfiguration") or {}
    return {
        "Enabled": bool(processing.get("Enabled", False)),
        "Processors": copy.deepcopy(processing.get("Processors") or []),
    }


def lambda_processor(processing: Processing) -> Processor | None:
    """The Lambda processor; a stream has at most one."""
    return next((processor for processor in processing["Processors"] if processor.get("Type") == LAMBDA), None)


def parameters_of(processor: Processor | None) -> dict[str, str]:
    """A processor's parameters by name."""
    return {
        parameter["ParameterName"]: parameter["ParameterValue"]
        for parameter in (processor or {}).get("Parameters") or []
    }


def is_same_function(one: str, other: str) -> bool:
    """Whether two ARNs call the same code: an ARN without a qualifier is ``$LATEST``."""
    return one.removesuffix(LATEST) == other.removesuffix(LATEST)


def qualified(arn: str) -> str:
    """A function's ARN as Firehose's console writes it, with ``:$LATEST`` if it has no alias or version."""
    return arn if arn.count(":") >= 7 else arn + LATEST


def attached(processing: Processing, settings: FunctionSettings, replace: bool = False) -> Processing:
    """The processing with the function added; all other processors keep their order.

    If the function is already attached, only the parameters that are set change.

    Args: replace: replace another function, and enable processors that are disabled.
    Raises: SettingsError: another function is attached, or disabled processors would be enabled.
    """
    current = lambda_processor(processing)
    others = [processor for processor in processing["Processors"] if processor is not current]
    if current is not None and not replace:
        _refuse_other_function(parameters_of(current), settings)
    if others and not processing["Enabled"] and not replace:
        kinds = ", ".join(sorted({str(other.get("Type")) for other in others}))
        raise SettingsError(
            f"processing is disabled and contains {kinds}: attaching would enable them (pass --replace to do so)"
        )
    changed = _changed_processor(current, settings)
    processors = [changed if processor is current else processor for processor in processing["Processors"]]
    if current is None:
        index = max((end for end, other in enumerate(others, 1) if other.get("Type") in BEFORE_LAMBDA), default=0)
        processors.insert(index, changed)
    return {"Enabled": True, "Processors": processors}


def _refuse_other_function(parameters: Mapping[str, str], settings: FunctionSettings) -> None:
    attached_arn = parameters.get("LambdaArn", "")
    if attached_arn and not is_same_function(attached_arn, settings.arn):
        raise SettingsError(
            f"another function is attached, {attached_arn}: a stream takes only one (pass --replace to replace it)"
        )


def _changed_processor(current: Processor | None, settings: FunctionSettings) -> Processor:
    parameters = parameters_of(current)
    if current is None or not is_same_function(parameters.get("LambdaArn", ""), settings.arn):
        role = {"RoleArn": settings.role_arn} if settings.role_arn else {}
        parameters = {"LambdaArn": qualified(settings.arn), **role, **_DEFAULTS}
    parameters |= settings.parameters()
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"Type": LAMBDA, "Parameters": listed}


def detached(processing: Processing) -> Processing:
    """The processing without its function; if no processor remains, it is disabled."""
    others = [processor for processor in processing["Processors"] if processor.get("Type") != LAMBDA]
    return {"Enabled": processing["Enabled"] and bool(others), "Processors": others}


def is_as_left(now: Processing, left: Processing) -> bool:
    """Whether a stream still has the processing that was set; Firehose may add parameters of its own."""
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
    texts = [
        json.dumps(config, indent=2, ensure_ascii=False, sort_keys=True).splitlines() for config in (before, after)
    ]
    return list(difflib.unified_diff(texts[0], texts[1], old, new, lineterm=""))
