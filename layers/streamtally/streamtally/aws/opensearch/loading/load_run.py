"""The context of one run of a load of old logs: what `opening`, `filling` and `settle_load` work on.

A load opens spans, fills them through an ingest pipeline of its own, settles them and releases them. A run that is
killed anywhere and run again ends in the same state: a load has an id, a run that starts it again takes it over (the
pipeline of the earlier run is deleted, so that run can write nothing more), and all ids are derived.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.errors import IndexPlanError
from streamtally.indices.load_contents import Contents, Verdict, judge
from streamtally.indices.load_entries import Load
from streamtally.indices.observed import Observed
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState
from streamtally.transform.pipeline import Pipeline

AGAIN = "the load stays open: run the same command again"


@dataclass
class LoadRun:
    """One run of a load."""

    cluster: Cluster
    pipeline: Pipeline
    specs: Sequence[IndexSpec]
    load_id: str
    """The same for the same logs."""
    contents: Mapping[str, Contents]
    """By index; none is empty."""
    now: Callable[[], int]
    """The time in ms."""
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    loaded: dict[str, int] = field(default_factory=dict)
    """Index → when exactly these documents were loaded; they are not sent again."""
    is_open: bool = False
    """Whether it holds days open that are not released yet."""
    problems: list[str] = field(default_factory=list)
    """Of settling what was there already, one line each."""
    touched: list[IndexSpec] = field(init=False)
    """The outputs that the load writes to."""

    def __post_init__(self) -> None:
        self.touched = [spec for spec in self.specs if spec.index in self.contents]

    def check(self, observed: Observed) -> tuple[str, ...]:
        """Notes to show before loading. Raises: IndexPlanError: the cluster does not keep such times."""
        verdicts = [self.judge(spec, observed) for spec in self.touched]
        refusals = [verdict.refusal for verdict in verdicts if verdict.refusal]
        if refusals:
            raise IndexPlanError("; ".join([*refusals, "nothing was loaded"]))
        return tuple(note for verdict in verdicts for note in verdict.notes)

    def judge(self, spec: IndexSpec, observed: Observed) -> Verdict:
        """Whether an output accepts the load's documents for it."""
        state = observed.states[spec.index].state
        return judge(spec, state, observed, self.contents[spec.index], self.now())

    def own_entry(self, state: OutputState, index: str) -> Load:
        """This load's entry in the state, as long as this run owns it.

        Raises: IndexPlanError: another run has taken it over.
        """
        load = state.loads.get(self.load_id)
        if load is None or load.run != self.run:
            self.is_open = False
            raise IndexPlanError(f"{index}: another run of this load has taken over; see the result of that run")
        return load

    def checked(self, state: OutputState, index: str) -> OutputState:
        """A state, if this run owns the load in it. Raises: IndexPlanError: another run has taken it over."""
        self.own_entry(state, index)
        return state

    def pipeline_name(self, run: str | None = None) -> str:
        """The ingest pipeline of a run of this load; None: of this one."""
        return f"load-{self.load_id[:32]}-{(run or self.run)[:12]}"

    def delete_pipeline(self, run: str | None = None) -> None:
        """Delete the ingest pipeline of a run of this load; None: of this one. Raises: ClusterError."""
        self.cluster.request("DELETE", f"/_ingest/pipeline/{self.pipeline_name(run)}", ignore=(404,))
