"""A load of old logs in a cluster: spans are opened, filled through a pipeline of the load's own, settled, given back.

Killed anywhere and run again it comes to the same state: a load has an id, a run that begins it again takes it over
(the pipeline of the run before is deleted, so nothing of that can be put any more), and all ids are derived.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from streamtally.aws.opensearch.candidates import count_windows, find_unsettled
from streamtally.aws.opensearch.clear import clear_spans, unblock
from streamtally.aws.opensearch.cluster import BulkItem, Cluster
from streamtally.aws.opensearch.mixed import find_mixed, windows_of
from streamtally.aws.opensearch.partials import Partials, Query, before, not_before
from streamtally.aws.opensearch.run import SettleRun
from streamtally.aws.opensearch.state import read_output_state, update_output_state
from streamtally.errors import IndexPlanError, StreamtallyError
from streamtally.indices.ingest import to_load_pipeline
from streamtally.indices.load_contents import Contents, Verdict, judge
from streamtally.indices.load_entries import Load, Span, overlaps
from streamtally.indices.loads import describe_spans, is_loaded, opened, released, replacing, spans_to_replace, to_runs
from streamtally.indices.names import MS_PER_DAY
from streamtally.indices.observed import Observed
from streamtally.indices.settling import MixedBatch
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState
from streamtally.transform.pipeline import Pipeline

TIME_LIMIT_SECONDS = 3_600
BULK_TRIES = 6
AGAIN = "the load stays open: run the same command again"


@dataclass
class LoadRun:
    """One run of a load. ``load_id``: the same for the same logs. ``contents``: by index, none empty.

    Attributes:
        loaded: index → when the very same documents were loaded, which are not put again.
        problems: of settling what was there already, one line each.
        is_open: whether it holds days open that are not given back yet.
    """

    cluster: Cluster
    pipeline: Pipeline
    specs: Sequence[IndexSpec]
    load_id: str
    contents: Mapping[str, Contents]
    now: Callable[[], int]

    def __post_init__(self) -> None:
        self.run = uuid.uuid4().hex
        self.loaded: dict[str, int] = {}
        self.is_open = False
        self.problems: list[str] = []
        self._touched = [spec for spec in self.specs if spec.index in self.contents]

    def check(self, observed: Observed) -> tuple[str, ...]:
        """What is to be said beforehand. Raises: IndexPlanError: the cluster does not keep such times."""
        verdicts = [self._judge(spec, observed) for spec in self._touched]
        refusals = [verdict.refusal for verdict in verdicts if verdict.refusal]
        if refusals:
            raise IndexPlanError("; ".join([*refusals, "nothing was put"]))
        return tuple(note for verdict in verdicts for note in verdict.notes)

    def _judge(self, spec: IndexSpec, observed: Observed) -> Verdict:
        state = observed.states[spec.index].state
        return judge(spec, state, observed, self.contents[spec.index], self.now())

    # --- opening -----------------------------------------------------------------------------------------------------

    def open(self, observed: Observed, replace_span: bool, agree: Callable[[str], None]) -> None:
        """Open all spans, or none.

        Args:
            replace_span: whether counts that are closed may be recomputed.
            agree: asks whether these spans may be, and raises if not.
        Raises: IndexPlanError: what was closed has counts in it, or is being closed; nothing was put.
        """
        before_it: dict[str, Load | None] = {}
        try:
            for spec in self._touched:
                self._open(spec, observed, before_it)
            refused = {spec.index: self._find_refused(spec) for spec in self._touched}
            if not replace_span:
                self._leave_out_loaded(refused, before_it)
            self._ask(refused, replace_span, agree)
        except (StreamtallyError, KeyboardInterrupt):
            self._withdraw(before_it)
            raise
        self.is_open = True
        for earlier in before_it.values():
            if earlier:
                self.cluster.request("DELETE", f"/_ingest/pipeline/{self._pipeline_name(earlier.run)}", ignore=(404,))
        self._put_pipeline()
        for spec in self._touched:
            self._replace(spec, refused[spec.index])

    def _open(self, spec: IndexSpec, observed: Observed, before_it: dict[str, Load | None]) -> None:
        verdict = self._judge(spec, observed)
        load = Load(self.contents[spec.index].spans(), self.run, self.now())

        def change(old: OutputState) -> OutputState:
            earlier = old.loads.get(self.load_id)
            if earlier is None or earlier.run != self.run:  # an answer that was lost is asked for again
                before_it[spec.index] = earlier
            new = opened(old, self.load_id, load)
            mark = new.dropped_before_ms if verdict.lower_mark is None else verdict.lower_mark
            return replace(new, dropped_before_ms=min(new.dropped_before_ms, mark))

        try:
            update_output_state(self.cluster, spec.index, change)
        except IndexPlanError:
            before_it.pop(spec.index, None)
            raise

    def _withdraw(self, before_it: Mapping[str, Load | None]) -> None:
        """Give back what was opened: nothing was put into it by this run."""
        for index, earlier in before_it.items():

            def change(old: OutputState, earlier: Load | None = earlier) -> OutputState:
                mine = old.loads.get(self.load_id)
                if mine is None or mine.run != self.run:
                    return old
                others = {name: load for name, load in old.loads.items() if name != self.load_id}
                return replace(old, loads={**others, **({self.load_id: earlier} if earlier else {})})

            update_output_state(self.cluster, index, change)

    def _leave_out_loaded(self, refused: dict[str, set[int]], before_it: dict[str, Load | None]) -> None:
        """An index that was closed with the very documents of this load in it is as it should be."""
        for spec in list(self._touched):
            index = spec.index
            digest = self.contents[index].digest
            earlier = before_it.get(index)
            known = refused[index] and is_loaded(read_output_state(self.cluster, index).state, earlier, digest)
            if known and self._is_settled(spec):
                self._withdraw({index: before_it.pop(index)})
                self._touched.remove(spec)
                self.loaded[index] = earlier.released_ms if earlier else 0
                refused[index] = set()

    def _is_settled(self, spec: IndexSpec) -> bool:
        """Whether every window of the load has counts: nobody has deleted an index since."""
        for output in spec.windowed:
            windows = self.contents[spec.index].windows.get(output.name, set())
            partials = Partials(self.cluster, spec, output.name, output.window_ms)
            for span in to_runs(windows):
                said = settled_counts(partials, span)
                if not all(said.get(window) for window in windows if span[0] <= window < span[1]):
                    return False
        return True

    def _find_refused(self, spec: IndexSpec) -> set[int]:
        """Windows of the load that rest on partials which are deleted: more were settled than are there."""
        refused: set[int] = set()
        for output in spec.windowed:
            windows = self.contents[spec.index].windows.get(output.name, set())
            partials = Partials(self.cluster, spec, output.name, output.window_ms)
            partials.refresh()
            for span in to_runs(windows):
                there, said = partials.counts(*inside(span)), settled_counts(partials, span)
                refused |= {window for window in windows if said.get(window, 0) > there.get(window, 0)}
        return refused

    def _ask(self, refused: Mapping[str, set[int]], replace_span: bool, agree: Callable[[str], None]) -> None:
        told = [
            f"{index}: {describe_spans(self._spans_to_replace(index, windows))} ({len(windows):,} windows)"
            for index, windows in refused.items()
            if windows
        ]
        if not told:
            return
        if not replace_span:
            text = f"closed with counts in it, to which nothing can be added: {'; '.join(told)}: nothing was put"
            raise IndexPlanError(
                f"{text}; --replace-span recomputes counts and lines of that span from these logs alone"
            )
        agree("; ".join(told))

    def _spans_to_replace(self, index: str, refused: Iterable[int]) -> tuple[Span, ...]:
        return spans_to_replace(refused, self.contents[index].run_extents())

    def _replace(self, spec: IndexSpec, refused: set[int]) -> None:
        state = read_output_state(self.cluster, spec.index).state
        begun = self._mine(state, spec.index).replaced
        spans = tuple(sorted({*begun, *self._spans_to_replace(spec.index, refused)}))
        if spans:
            state = update_output_state(
                self.cluster, spec.index, lambda old: replacing(self._checked(old, spec), self.load_id, spans)
            )
            clear_spans(self.cluster, spec, state, spans)
            update_output_state(self.cluster, spec.index, lambda old: self._cleared(old, spec))

    def _cleared(self, state: OutputState, spec: IndexSpec) -> OutputState:
        mine = replace(self._mine(state, spec.index), is_clearing=False)
        return replace(state, loads={**state.loads, self.load_id: mine})

    def _checked(self, state: OutputState, spec: IndexSpec) -> OutputState:
        self._mine(state, spec.index)
        return state

    def _mine(self, state: OutputState, index: str) -> Load:
        """This load, as long as this run owns it. Raises: IndexPlanError: another has taken it over."""
        load = state.loads.get(self.load_id)
        if load is None or load.run != self.run:
            self.is_open = False
            raise IndexPlanError(f"{index}: another run of this load has taken it over: see that one's result")
        return load

    def _pipeline_name(self, run: str) -> str:
        return f"load-{self.load_id[:32]}-{run[:12]}"

    def _put_pipeline(self) -> None:
        states = {spec.index: read_output_state(self.cluster, spec.index).state for spec in self.specs}
        spans: dict[str, Sequence[Span]] = {spec.index: () for spec in self.specs}
        for spec in self._touched:
            spans[spec.index] = self._mine(states[spec.index], spec.index).spans
            unblock(self.cluster, spec, spans[spec.index])
        body = to_load_pipeline(self.specs, states, spans)
        self.cluster.request("PUT", f"/_ingest/pipeline/{self._pipeline_name(self.run)}", body)

    # --- filling -----------------------------------------------------------------------------------------------------

    def put(self, lines: Sequence[bytes]) -> None:
        """Write action and document lines into the inbox, past what is closed to a stream.

        Raises: IndexPlanError: documents were refused for good, or another run has taken over.
        """
        lines = list(lines)
        for attempt in range(BULK_TRIES):
            failed = self.cluster.bulk(lines, {"pipeline": self._pipeline_name(self.run)})
            if not failed:
                return
            busy = [item for item in failed if item.status in (429, 503)]
            if len(busy) < len(failed) or attempt == BULK_TRIES - 1:
                raise IndexPlanError(self._why_refused(failed))
            lines = [line for item in busy for line in lines[2 * item.position : 2 * item.position + 2]]
            time.sleep(0.2 * 2**attempt)

    def _why_refused(self, failed: Sequence[BulkItem]) -> str:
        for spec in self._touched:
            self._mine(read_output_state(self.cluster, spec.index).state, spec.index)
        first = failed[0]
        return f"{len(failed)} documents refused: {first.status} {first.kind} {first.reason}; {AGAIN}"

    # --- settling and giving back ------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Settle every window of the load and verify it, then give the spans back: what is due is closed as ever.

        Raises: IndexPlanError: not all of it is settled.
        """
        for spec in self._touched:
            for output in spec.windowed:
                run = SettleRun(self.cluster, self.pipeline, spec, output, self.now(), lambda: TIME_LIMIT_SECONDS)
                self._settle_output(run)
        self.cluster.request("DELETE", f"/_ingest/pipeline/{self._pipeline_name(self.run)}", ignore=(404,))
        for spec in self._touched:
            self._release(spec)
        self.is_open = False

    def _settle_output(self, run: SettleRun) -> None:
        index, name = run.spec.index, run.output.name
        state = run.read_state()
        load = self._mine(state, index)
        run.partials.refresh()
        mixed = find_mixed(run.partials, state.pinned)
        put: dict[int, int] = {}
        for span in days_of(load.spans):
            there = run.partials.counts(*inside(span))
            put.update(there)
            self._settle_counted(run, there, state, mixed)
        if mixed:  # the choice between two plans goes for all windows of a batch, also where nothing was loaded now
            counts = count_windows(run.partials, sorted(windows_of(run.partials, sorted(mixed))))
            self._settle_counted(run, counts, state, mixed)
        run.partials.refresh()
        wrong = [window for span in days_of(load.spans) for window in self._differing(run, span, put)]
        if wrong:
            spans = describe_spans(to_runs(wrong))
            why = "".join(f"; {problem}" for problem in run.report.problems)
            raise IndexPlanError(f"{name}: {len(wrong)} windows of {spans} are not settled as put{why}; {AGAIN}")
        self.problems += [f"{name}: {problem}" for problem in run.report.problems]

    def _settle_counted(
        self, run: SettleRun, counts: Mapping[int, int], state: OutputState, mixed: Mapping[str, MixedBatch]
    ) -> None:
        windows = find_unsettled(run.partials, counts, mixed, run.pipeline.plan_id, run.is_final)
        run.settle_windows(windows, counts, state, mixed, {})

    def _differing(self, run: SettleRun, span: Span, put: Mapping[int, int]) -> Iterator[int]:
        """Windows whose settled documents do not rest on all that was put: too little, or what was replaced before.

        Where a stream or another load goes on, there may be more by now: that is for their next settling run.
        """
        state = run.read_state()
        load = self._mine(state, run.spec.index)
        there, said = run.partials.counts(*inside(span)), settled_counts(run.partials, span)
        others = [other.spans for name, other in state.loads.items() if name != self.load_id and other.is_open]
        for window in there.keys() | said.keys():
            is_alone = window < state.closed_before_ms and not any(
                overlaps(spans, (window, window + 1)) for spans in others
            )
            mine = window in put or any(start <= window < end for start, end in load.replaced)
            is_less = said.get(window, 0) < put.get(window, 0)
            if is_less or (mine and is_alone and said.get(window, 0) != there.get(window, 0)):
                yield window

    def _release(self, spec: IndexSpec) -> None:
        digest = self.contents[spec.index].digest

        def change(old: OutputState) -> OutputState:
            return released(self._checked(old, spec), self.load_id, digest, self.now())

        update_output_state(self.cluster, spec.index, change)


def settled_counts(partials: Partials, span: Span) -> dict[int, int]:
    """Window start → partials that its settled documents rest on."""
    return {window: said.partials for window, said in partials.settled(*inside(span)).items()}


def inside(span: Span) -> tuple[Query, Query]:
    return not_before(span[0]), before(span[1])


def days_of(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans of days, day by day."""
    for start, end in spans:
        for day in range(start, end, MS_PER_DAY):
            yield day, day + MS_PER_DAY
