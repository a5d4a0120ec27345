"""A RANDOM_CUT_FOREST of a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Forest:
    """A RANDOM_CUT_FOREST of the program.

    Attributes:
        columns: the numeric columns of its CURSOR: name → value.
        shingle_size: how many intervals form a point.
    """

    columns: Mapping[str, dict[str, Any]]
    shingle_size: int
