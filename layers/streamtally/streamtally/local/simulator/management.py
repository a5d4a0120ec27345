"""The actions on delivery streams themselves: create, describe, list and delete.

Every stream that is created runs the pipeline's transform; its destination is described as it was given, and its S3
side is the simulator's own.
Source: Amazon Data Firehose API reference, these actions; "Amazon Data Firehose Quota".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from streamtally.local.simulator.errors import ApiError, invalid
from streamtally.local.simulator.registry import Registry

MAX_STREAMS = 5_000
"""The quota of Firehose streams in a region (of 2025)."""
MAX_NAME_CHARS = 64
MAX_LIMIT, DEFAULT_LIMIT = 10_000, 10
TYPES = ("DirectPut", "KinesisStreamAsSource", "MSKAsSource", "DatabaseAsSource")
_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
_DESTINATION = "DestinationConfiguration"
_S3_DEFAULTS: Mapping[str, Any] = {
    "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
    "CompressionFormat": "UNCOMPRESSED",
    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
}


def read_name(parameters: Mapping[str, Any]) -> str:
    """The stream's name in a request. Raises: ApiError: it is missing, or no stream can have it."""
    name = parameters.get("DeliveryStreamName")
    if name is None:
        raise invalid("deliveryStreamName", "Member must not be null")
    if not isinstance(name, str):
        raise ApiError("SerializationException", "DeliveryStreamName is not a string")
    if not name:
        raise invalid("deliveryStreamName", "Member must have length greater than or equal to 1")
    if len(name) > MAX_NAME_CHARS:
        raise invalid("deliveryStreamName", f"Member must have length less than or equal to {MAX_NAME_CHARS}")
    if not _NAME.fullmatch(name):
        raise invalid("deliveryStreamName", f"Member must satisfy regular expression pattern: {_NAME.pattern}")
    return name


def not_found(name: str) -> ApiError:
    """The error for a stream that does not exist."""
    advice = f" (to take it: create it, or start with --stream {name}, which may be repeated)"
    return ApiError(
        "ResourceNotFoundException", f"Firehose {name} under account 123456789012 not found.", advice=advice
    )


class Management:
    """The actions by name, over a registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.actions: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateDeliveryStream": self._create,
            "DeleteDeliveryStream": self._delete,
            "DescribeDeliveryStream": self._describe,
            "ListDeliveryStreams": self._list,
        }

    def _create(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = read_name(parameters)
        kind = _read_type(parameters) or TYPES[0]
        if kind != TYPES[0]:
            raise ApiError("InvalidArgumentException", f"a stream of type {kind} cannot be simulated; use {TYPES[0]}")
        destinations = [key for key in parameters if key.endswith(_DESTINATION)]
        if len(destinations) > 1:
            raise ApiError("InvalidArgumentException", f"only one destination is possible, not {len(destinations)}")
        if not all(isinstance(parameters[key], dict) for key in destinations):
            raise ApiError("SerializationException", f"{destinations[0]} is not an object")
        if len(self._registry) >= MAX_STREAMS:
            raise ApiError("LimitExceededException", f"there are {MAX_STREAMS} delivery streams already")
        if not self._registry.create(name, {key: parameters[key] for key in destinations}):
            text = f"Firehose {name} under account 123456789012 already exists"
            raise ApiError("ResourceInUseException", text)
        return {"DeliveryStreamARN": self._registry[name].settings.arn}

    def _delete(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = read_name(parameters)
        if name not in self._registry:
            raise not_found(name)
        if self._registry.is_fixed(name):
            raise ApiError("ResourceInUseException", f"Firehose {name} takes the counts of the simulated function")
        self._registry.delete(name)
        return {}

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = read_name(parameters)
        if name not in self._registry:
            raise not_found(name)
        stream = self._registry[name]
        description = {"DestinationId": "destinationId-000000000001", **stream.destination()}
        description |= _described(self._registry.settings(name))
        return {
            "DeliveryStreamDescription": {
                "DeliveryStreamName": name,
                "DeliveryStreamARN": stream.settings.arn,
                "DeliveryStreamStatus": "ACTIVE",
                "DeliveryStreamType": TYPES[0],
                "VersionId": "1",
                "Destinations": [description],
                "HasMoreDestinations": False,
            }
        }

    def _list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        limit = parameters.get("Limit")
        limit = DEFAULT_LIMIT if limit is None else limit
        if type(limit) is not int:
            raise ApiError("SerializationException", "Limit is not an integer")
        if not 1 <= limit <= MAX_LIMIT:
            bound = "greater than or equal to 1" if limit < 1 else f"less than or equal to {MAX_LIMIT}"
            raise invalid("limit", f"Member must have value {bound}")
        start = parameters.get("ExclusiveStartDeliveryStreamName") or ""
        if not isinstance(start, str):
            raise ApiError("SerializationException", "ExclusiveStartDeliveryStreamName is not a string")
        is_of_type = _read_type(parameters) in (None, TYPES[0])
        names = sorted(name for name in self._registry if name > start) if is_of_type else []
        return {"DeliveryStreamNames": names[:limit], "HasMoreDeliveryStreams": len(names) > limit}


def _read_type(parameters: Mapping[str, Any]) -> str | None:
    kind = parameters.get("DeliveryStreamType")
    if kind is not None and kind not in TYPES:
        raise invalid("deliveryStreamType", f"Member must satisfy enum value set: [{', '.join(TYPES)}]")
    return kind if isinstance(kind, str) else None


def _described(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The destination that a stream was created with, as DescribeDeliveryStream gives it back."""
    described: dict[str, Any] = {}
    for key, given in settings.items():
        kind = key.removesuffix(_DESTINATION)
        if kind in ("S3", "ExtendedS3"):
            described[f"{kind}DestinationDescription"] = {**_S3_DEFAULTS, **_s3_described(given)}
            continue
        kept = {name: value for name, value in given.items() if name not in ("S3Configuration", "Password")}
        if isinstance(given.get("S3Configuration"), dict):
            kept["S3DestinationDescription"] = {**_S3_DEFAULTS, **given["S3Configuration"]}
        described[f"{kind}DestinationDescription"] = kept
    return described


def _s3_described(given: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in given.items() if name != "S3BackupConfiguration"}
    if isinstance(given.get("S3BackupConfiguration"), dict):
        kept["S3BackupDescription"] = {**_S3_DEFAULTS, **given["S3BackupConfiguration"]}
    return kept
