"""A reference table in memory: typed rows, and the digest of its content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from streamtally.ids import digest
from streamtally.plan.types import SqlType

Values = tuple[Any, ...]
"""A row of a table: the values of its columns."""


@dataclass(frozen=True)
class ReferenceRows:
    """A reference table.

    Attributes:
        name: its name in the program.
        columns: its columns in order, with their types.
        rows: its rows in the order of the file; None: the content was not loaded, and rows cannot be joined.
    """

    name: str
    columns: Mapping[str, SqlType]
    rows: Sequence[Values] | None

    @cached_property
    def version(self) -> str:
        """A digest of columns and rows: equal for tables that give equal results."""
        types = [[name, str(sql_type)] for name, sql_type in self.columns.items()]
        return digest([types, [[_plain(value) for value in row] for row in self.rows or ()]])


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
