"""Watermarks of disks, at which a cluster stops placing shards and then writing."""

from __future__ import annotations

import re
from dataclasses import dataclass

FLOOD_STAGE, HIGH = "95%", "90%"
"""OpenSearch's defaults, at which indices become read-only and shards move away. Source: "Cluster settings"."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(b|kb|mb|gb|tb|pb)?")
_UNITS = {None: 1, "b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40, "pb": 2**50}


@dataclass(frozen=True, slots=True)
class Disk:
    """A node's disk.

    Attributes:
        total: its size in bytes.
        free: the free bytes.
        high: the cluster's high watermark as its settings write it (``90%``, ``0.9``, ``10gb``).
        flood: the cluster's flood stage, in the same form.
    """

    total: float
    free: float
    high: str = HIGH
    flood: str = FLOOD_STAGE

    @property
    def used_share(self) -> float:
        return 1 - self.free / self.total if self.total else 0.0

    def is_past(self, watermark: str) -> bool:
        """Whether a watermark is exceeded: a used share, or a minimum of free bytes."""
        text = watermark.strip().lower()
        if text.endswith("%"):
            return self.used_share * 100 >= float(text[:-1])
        match = _SIZE.fullmatch(text)
        if match is None:
            return False
        if match[2] is None and float(match[1]) <= 1:
            return self.used_share >= float(match[1])
        return self.free <= float(match[1]) * _UNITS[match[2]]
