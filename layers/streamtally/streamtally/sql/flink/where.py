"""Where each pump of a program runs: in the functions, on Flink, or nowhere; and why one would choose which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from streamtally.errors import ProgramFileError, SqlError, SqlProgramError
from streamtally.sql.flink.program import generate
from streamtally.sql.grammar.statements import pump_lines
from streamtally.sql.program import Program

CHOICE = (
    "Choose the functions for counts a minute and for rows: they keep sums exact through retries and late rows, need "
    "no cluster, and cost by the invocation.",
    "Choose Flink for rows that need state (the exact value for every row, an order, a join of streams), for rates "
    "beyond what docs/indices.md measures, or where results must leave within seconds of a window's end. A Flink "
    "application is paid by the hour, idle or not, and drops rows that are later than its watermark.",
)
"""Why one would choose which."""


@dataclass(frozen=True, slots=True)
class PumpPlace:
    """Where a pump runs.

    Attributes:
        pump: its name.
        here: whether it runs in the functions.
        flink: whether it runs on Flink.
        reason: why it does not run on Flink; empty: it does.
        here_reason: why it does not run in the functions; empty: it does.
    """

    pump: str
    here: bool
    flink: bool
    reason: str = ""
    here_reason: str = ""

    @property
    def words(self) -> str:
        """As a sentence without its full stop."""
        if self.here and self.flink:
            return "runs here, and on Flink"
        if self.here:
            return f"runs here; not on Flink: {self.reason}"
        if self.flink:
            return f"runs on Flink, not here: {self.here_reason}"
        if self.reason == self.here_reason:
            return f"runs neither here nor on Flink: {self.reason}"
        return f"runs neither here ({self.here_reason}) nor on Flink ({self.reason})"


@dataclass(frozen=True, slots=True)
class Part:
    """What compiles of a program for one place.

    Attributes:
        program: the pumps that compile; None: none does.
        reasons: the other pumps: name → why.
    """

    program: Program | None
    reasons: Mapping[str, str]


Compile = Callable[[Sequence[str]], Program]
"""Compiles a program without the pumps named. Raises: ProgramFileError, SqlError."""


def compile_part(text: str, compile_without: Compile) -> Part:
    """Compile a program without the pumps that have problems, and without those that need them."""
    lines = pump_lines(text)
    reasons: dict[str, str] = {}
    while True:
        try:
            return Part(compile_without(list(reasons)), reasons)
        except (ProgramFileError, SqlError) as error:
            problems = getattr(error, "problems", ()) or [error]
            known = len(reasons)
            for problem in problems:
                line = getattr(problem, "line", 0)
                for pump, (first, last) in lines.items():
                    if first <= line <= last and pump not in reasons:
                        reasons[pump] = _reason(problem)
            if len(reasons) == known or len(reasons) == len(lines):
                return Part(None, {**dict.fromkeys(lines, _reason(problems[0])), **reasons})


def _reason(problem: Exception) -> str:
    message = getattr(problem, "message", str(problem)).partition(" does not run on Flink: ")
    advice = getattr(problem, "advice", "")
    return f"{message[2] or message[0]}{f'; {advice}' if advice else ''}"


def flink_part(text: str, compile_without: Compile) -> Part:
    """What runs on Flink: what compiles for it, without what Flink SQL cannot say."""
    part = compile_part(text, compile_without)
    if part.program is None:
        return part
    try:
        generate(part.program)
    except SqlProgramError as error:
        lines = pump_lines(text)
        reasons = {
            pump: _reason(problem)
            for problem in error.problems
            for pump, (first, last) in lines.items()
            if first <= problem.line <= last
        }
        return Part(part.program, {**reasons, **part.reasons})
    return part


def pump_places(text: str, here: Part, flink: Part) -> list[PumpPlace]:
    """Where each pump of a program runs, in the order of the text."""
    return [
        PumpPlace(
            pump, pump not in here.reasons, pump not in flink.reasons, flink.reasons.get(pump, ""),
            here.reasons.get(pump, ""),
        )
        for pump in pump_lines(text)
    ]  # fmt: skip


def section(places: Sequence[PumpPlace]) -> Iterator[str]:
    """The lines of a report (Markdown)."""
    yield "## Where it runs"
    yield ""
    for place in places:
        yield f"- `{place.pump}` {place.words}."
    yield ""
    yield from CHOICE
