"""The result of a check: one line for the state, and one line for the fix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        check: the check's name, which is stable, for machines.
        level: ``ok`` (nothing to do), ``note`` (worth knowing), ``warning`` (may be wrong) or ``error`` (is wrong).
        text: the state, in one line.
        fix: what to do, in one line; empty if there is nothing to do.
        where: the file, stream or index that was checked.
    """

    check: str
    level: Level
    text: str
    fix: str = ""
    where: str = ""

    @property
    def is_wrong(self) -> bool:
        return self.level in ("warning", "error")

    def to_json(self) -> dict[str, str]:
        return {"check": self.check, "level": self.level, "where": self.where, "text": self.text, "fix": self.fix}


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that must be fixed first."""
    return [finding for finding in findings if finding.level == "error"]
