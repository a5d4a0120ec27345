"""Settles some windows: partials read or merged, documents written, numbers checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from streamtally.aws.opensearch.cluster import NO_TIME, ClusterError
from streamtally.aws.opensearch.settling.groups import SettleWork
from streamtally.aws.opensearch.settling.queries import GroupPosition
from streamtally.aws.opensearch.settling.settle_report import OutOfTimeError
from streamtally.aws.opensearch.settling.settle_run import SettleRun
from streamtally.aws.opensearch.settling.writer import SettledWriter
from streamtally.aws.opensearch.transport.retries import RESERVE_SECONDS
from streamtally.indices.settling.plan_choice import MixedBatch
from streamtally.indices.settling.settled import Aside
from streamtally.indices.settling.settler import Settler
from streamtally.indices.state import OutputState
from streamtally.times.iso import to_iso


@dataclass
class WindowsDone:
    """What `settle_windows` has done; it is filled in as far as it got, also when it raises."""

    distinct: dict[int, int] = field(default_factory=dict)
    """Window start → distinct partials, of each window that was written whole."""
    position: GroupPosition | None = None
    """Everything up to here is written; set when time ran out."""
    aside: list[Aside] = field(default_factory=list)
    """Partials that could not be settled."""


def settle_windows(
    run: SettleRun,
    windows: Sequence[int],
    counts: Mapping[int, int],
    state: OutputState,
    mixed: Mapping[str, MixedBatch],
    done: WindowsDone | None = None,
    after: GroupPosition | None = None,
) -> bool:
    """Read, merge and write some windows.

    Args:
        counts: window start → partial documents; there are at least as many.
        done: takes what was done.
        after: begin after this position.
    Returns: whether some windows must be processed again by the next run.
    Raises: ClusterError: documents could not be written. OutOfTimeError.
    """
    done = done or WindowsDone()
    settler = Settler(run.output.name, run.plans, run.plans(run.pipeline.plan_id), mixed, run.is_final, run.now_ms)
    writer = SettledWriter(run.cluster, run.spec.index, state)
    try:
        read = write_groups(run, SettleWork(run.partials, settler, windows, counts, after), writer, done)
    finally:  # what was written counts, even if the rest failed
        run.report.written += writer.written
        run.report.outrun += writer.outrun
        _report_settler(run, settler)
        done.aside += settler.aside
    for line in writer.refused_lines():
        run.report.add_problem(line)
    whole = [window for window in windows if after is None or window > after[0]]
    short = [window for window in whole if read.get(window, 0) < counts.get(window, 1)]
    if short:
        run.report.add_problem(
            f"{len(short)} windows from {to_iso(short[0])} on were read incompletely: {read.get(short[0], 0)} of "
            f"{counts.get(short[0], 1)} partials of the first"
        )
    return bool(short or settler.held)


def write_groups(run: SettleRun, work: SettleWork, writer: SettledWriter, done: WindowsDone) -> dict[int, int]:
    """Write the groups of some windows. Returns: window start → partial documents that its groups were made of."""
    read: dict[int, int] = {}
    distinct: dict[int, int] = {}
    position: GroupPosition | None = None
    try:
        for group in run.way(work):
            run.report.windows += group.window_ms not in read
            run.report.partials += group.partials
            run.report.fetched += group.fetched
            read[group.window_ms] = read.get(group.window_ms, 0) + group.partials
            count = sum(document.source["tally"]["partials"] for document in group.documents)
            distinct[group.window_ms] = distinct.get(group.window_ms, 0) + count
            writer.add(group.documents)
            position = group.window_ms, group.group_id
            run.check_time()
    except (OutOfTimeError, ClusterError) as error:
        # A request cut short by the end of the run is no fault of the cluster if earlier ones were answered.
        if isinstance(error, ClusterError) and error.kind != NO_TIME and not (position and _is_cut(run, error)):
            raise
        writer.flush()
        if position:
            distinct.pop(position[0], None)
            done.distinct.update(distinct)
            done.position = position
        raise OutOfTimeError from None
    writer.flush()
    done.distinct.update(distinct)
    return read


def _is_cut(run: SettleRun, error: ClusterError) -> bool:
    return error.status == 0 and run.time_left() < RESERVE_SECONDS + 1


def _report_settler(run: SettleRun, settler: Settler) -> None:
    """A problem line for each plan and each reason that kept partials out of settled documents."""
    for plan_id, count in settler.held.items():
        run.report.add_problem(f"{count} partials of the unknown plan {plan_id}")
    reasons: dict[str, list[Aside]] = {}
    for aside in settler.aside:
        reasons.setdefault(aside.reason, []).append(aside)
    for reason, partials in reasons.items():
        first = partials[0]
        run.report.add_problem(
            f"{len(partials)} partials from window {to_iso(first.window_ms)} on are in no settled document: "
            f"{reason} ({first.partial_id[:64] or 'no id'})"
        )
