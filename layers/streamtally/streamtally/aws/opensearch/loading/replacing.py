"""Prepares the opened spans of a load: their ingest pipeline, and the removal of what is recomputed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from streamtally.aws.opensearch.loading.clear import clear_spans, unblock
from streamtally.aws.opensearch.loading.load_run import LoadRun
from streamtally.aws.opensearch.stored_state import read_output_state, update_output_state
from streamtally.indices.ingest import to_load_pipeline
from streamtally.indices.load_entries import Span
from streamtally.indices.loads import replacing, spans_to_replace
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState


def put_pipeline(load: LoadRun) -> None:
    """Unblock the indices of the opened spans, and create the run's ingest pipeline.

    Raises: ClusterError; IndexPlanError: another run has taken over.
    """
    states = {spec.index: read_output_state(load.cluster, spec.index).state for spec in load.specs}
    spans: dict[str, Sequence[Span]] = {spec.index: () for spec in load.specs}
    for spec in load.touched:
        spans[spec.index] = load.own_entry(states[spec.index], spec.index).spans
        unblock(load.cluster, spec, spans[spec.index])
    body = to_load_pipeline(load.specs, states, spans)
    load.cluster.request("PUT", f"/_ingest/pipeline/{load.pipeline_name()}", body)


def to_spans(load: LoadRun, index: str, refused: Iterable[int]) -> tuple[Span, ...]:
    """The spans to recompute, for the windows of an index that are closed with counts."""
    return spans_to_replace(refused, load.contents[index].run_extents())


def replace_spans(load: LoadRun, spec: IndexSpec, refused: set[int]) -> None:
    """Remove what was counted in the spans to recompute; spans that an earlier run began are among them.

    Raises: ClusterError; IndexPlanError: another run has taken over.
    """
    state = read_output_state(load.cluster, spec.index).state
    begun = load.own_entry(state, spec.index).replaced
    spans = tuple(sorted({*begun, *to_spans(load, spec.index, refused)}))
    if spans:
        state = update_output_state(
            load.cluster, spec.index, lambda old: replacing(load.checked(old, spec.index), load.load_id, spans)
        )
        clear_spans(load.cluster, spec, state, spans)
        update_output_state(load.cluster, spec.index, lambda old: _cleared(load, old, spec.index))


def _cleared(load: LoadRun, state: OutputState, index: str) -> OutputState:
    entry = replace(load.own_entry(state, index), is_clearing=False)
    return replace(state, loads={**state.loads, load.load_id: entry})
