"""Durations and sizes as ``pipeline.toml`` writes them: ``20m``, ``1.5GB``."""

from __future__ import annotations

import re

DURATION_PATTERN = r"^\s*[0-9]{1,9}(\.[0-9]{1,6})?\s*(s|m|h|d)\s*$"
SIZE_PATTERN = r"^\s*[0-9]{1,9}(\.[0-9]{1,6})?\s*(B|KB|MB|GB|TB)\s*$"
STREAM_PATTERN = r"^[a-zA-Z0-9_.-]{1,64}$"
"""The name of a delivery stream. Source: Amazon Data Firehose API reference, CreateDeliveryStream."""
STREAM_RULE = "the name of a delivery stream: 1 to 64 letters, digits, '_', '-' and '.'"

OBJECT_PATTERN = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$"
"""An object's URI. Source: Amazon S3 User Guide, *General purpose bucket naming rules*."""

AUTO_EXPAND_PATTERN = r"^(?:[0-9]|10)-(?:[0-9]|10|all)$"
"""The least and the most replicas of a shard. Source: OpenSearch documentation, "Index settings"."""

MAX_DURATION_SECONDS = 100 * 366 * 86_400

_PART = re.compile(r"\s*([0-9.]+)\s*([A-Za-z]+)\s*", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def parse_duration(text: str) -> int:
    """A duration that matches :data:`DURATION_PATTERN` → whole seconds.

    Raises: ValueError: it does not match, or is longer than 100 years.
    """
    seconds = _number(text, DURATION_PATTERN, _SECONDS)
    if seconds > MAX_DURATION_SECONDS:
        raise ValueError("write a time of at most 100 years")
    return seconds


def parse_size(text: str) -> int:
    """A size that matches :data:`SIZE_PATTERN` → bytes (``1KB`` is 1,000). Raises: ValueError: it does not match."""
    return _number(text, SIZE_PATTERN, _BYTES)


def _number(text: str, pattern: str, units: dict[str, int]) -> int:
    match = _PART.fullmatch(text) if re.match(pattern, text, re.ASCII) else None
    if match is None:
        raise ValueError(f"{text!r} is not a number followed by one of {', '.join(units)}")
    return int(float(match[1]) * units[match[2]])


def format_duration(seconds: int) -> str:
    """Whole seconds → the shortest text of that duration: ``1200`` → ``20m``."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"
