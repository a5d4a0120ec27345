"""Where each pump of a program runs: in the functions, on Flink, or nowhere; and why one would choose which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from streamtally.errors import SqlError, SqlProgramError
from streamtally.sql.flink.program import generate
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
    """

    pump: str
    here: bool
    flink: bool
    reason: str = ""

    @property
    def words(self) -> str:
        """As a sentence without its full stop."""
        if self.here and self.flink:
            return "runs here, and on Flink"
        if self.here:
            return f"runs here; not on Flink: {self.reason}"
        return "runs on Flink only" if self.flink else f"runs neither here nor on Flink: {self.reason}"


def pump_places(program: Program) -> list[PumpPlace]:
    """Where each pump runs that leads to an output of a compiled program, in the order of the outputs."""
    reasons = _refused(program)
    places: dict[str, PumpPlace] = {}
    for planned in program.planned:
        window = planned.relation.window
        ways = [way.through for way in window.also] if window is not None else []
        through = window.through if window is not None else ()
        names = [*planned.relation.pumps, *through, *(pump for way in ways for pump in way)]
        reason = reasons.get(planned.relation.pumps[0], "")
        for pump in names:
            known = places.get(pump)
            if known is None or (known.flink and reason):
                places[pump] = PumpPlace(pump, True, not reason, reason)
    return list(places.values())


def _refused(program: Program) -> Mapping[str, str]:
    """Pump → why it does not run on Flink."""
    try:
        generate(program)
    except SqlError as error:
        problems = error.problems if isinstance(error, SqlProgramError) else (error,)
        pairs = (problem.message.partition(" does not run on Flink: ") for problem in problems)
        return {who.removeprefix('the pump "').removesuffix('"'): why for who, _, why in pairs}
    return {}


def section(places: Sequence[PumpPlace]) -> Iterator[str]:
    """The lines of a report (Markdown)."""
    yield "## Where it runs"
    yield ""
    for place in places:
        yield f"- `{place.pump}` {place.words}."
    yield ""
    yield from CHOICE
