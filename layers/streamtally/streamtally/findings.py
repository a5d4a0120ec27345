"""What a check found: one line that says what is so, and one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        check: the check's name, stable, for machines.
        level: ``ok`` nothing to do; ``note`` worth knowing; ``warning`` may be wrong; ``error`` is wrong.
        text: what is so, one line; fix: what to do, one line, empty where there is nothing to do.
        where: the file, stream or index that it is about.
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
    """Those that must be mended first."""
    return [finding for finding in findings if finding.level == "error"]
