"""What a settling run did, and how it stops when time is up."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class SettleReport:
    """What a settling run did for one output of the plan."""

    output: str
    index: str
    windows: int = 0
    """Windows settled."""
    skipped: int = 0
    """Windows that were settled already, with the partials they have now."""
    partials: int = 0
    """Partials of the windows settled."""
    fetched: int = 0
    """How many of these the run read itself; the cluster merged the others."""
    written: int = 0
    """Settled documents written."""
    outrun: int = 0
    """Settled documents that lost to a newer version."""
    finished: bool = False
    """Whether all candidates were processed and the checkpoint has moved. Windows may still have problems."""
    unsettled_seconds: float | None = None
    """How far past its grace the oldest unsettled window is; None: the run failed before it could ask.

    Set before settling, so it is valid for a run that fails; 0 after a run that settled everything.
    """
    late: int = 0
    """Documents in the late index since the last checkpoint."""
    audit_differences: int = 0
    """Windows whose settled documents did not rest on all their partials."""
    deleted: list[str] = field(default_factory=list)
    """Indices deleted by closing."""
    problems: list[str] = field(default_factory=list)
    """One line each."""

    def add_problem(self, text: str) -> None:
        """Add a line, unless it is there already."""
        if text not in self.problems:
            self.problems.append(text)


class OutOfTimeError(Exception):
    """The time limit is near: the run stops, and the next one continues. Never leaves this package."""
