"""Templates of other people: which win over ours, and which name an ingest pipeline that does not exist.

Of the composable templates that match a name, the one of the highest priority is taken whole; the others are ignored.
Legacy templates are taken only where no composable one matches.
Source: OpenSearch documentation, "Index templates"; simulated by ``_index_template/_simulate_index``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streamtally.findings import Finding
from streamtally.indices.coming_names import ComingIndex, matches
from streamtally.indices.index_templates import has_view, to_mapping, view_name
from streamtally.indices.mappings import compare
from streamtally.indices.surroundings import Surroundings, Template


def find(coming: Sequence[ComingIndex], around: Surroundings) -> Iterator[Finding]:
    """What templates do to the indices to come, and to those that are there."""
    for index in coming:
        if index.kind == "state":
            yield from _check_state(index, around)
        elif winner := find_winner(index, around.templates):
            yield from _check_winner(index, winner, around)
    yield from _check_pipelines(coming, around)


def find_winner(index: ComingIndex, templates: Sequence[Template]) -> Template | None:
    """The foreign template that is taken for an index instead of ours, or keeps ours from being stored."""
    rivals = [other for other in templates if other.priority >= index.priority and matches(other.patterns, index.name)]
    return max(rivals, key=lambda other: other.priority, default=None)


def _check_winner(index: ComingIndex, winner: Template, around: Surroundings) -> Iterator[Finding]:
    who = f"the index template {winner.name} ({', '.join(winner.patterns)}; priority {winner.priority})"
    fix = f"lower its priority below {index.priority}, or narrow its patterns so that they do not match {index.name}"
    if winner.priority == index.priority:
        text = f"{who} has the priority of ours for {index.name}: ours cannot be stored"
        yield Finding("template-priority", "error", text, fix)
    elif winner.makes_data_streams:
        text = f"{who} makes {index.name} a data stream, which refuses our documents"
        yield Finding("template-priority", "error", text, fix)
    elif not is_as_wanted(index, around.simulated.get(index.name)):
        text = f"{who} wins over ours for {index.name}: our mapping, ingest pipeline and alias do not apply"
        yield Finding("template-priority", "error", text, fix)


def is_as_wanted(index: ComingIndex, simulated: Mapping[str, Any] | None) -> bool:
    """Whether the index would be as our template wants it nevertheless (the winner is composed of our parts)."""
    template = (simulated or {}).get("template") or {}
    settings = (template.get("settings") or {}).get("index") or {}
    if index.kind == "inbox":
        return bool(settings.get("default_pipeline") == index.name)
    spec = index.spec
    if spec is None or (index.kind == "output" and settings.get("default_pipeline") != spec.inbox):
        return False
    if index.kind == "output" and not has_view((template.get("aliases") or {}).get(view_name(spec, False))):
        return False
    mappings = template.get("mappings") or {}
    wanted = to_mapping(spec, index.kind == "partials")
    added, fixed = compare(wanted["properties"], mappings.get("properties") or {})
    return not added and not fixed and str(mappings.get("dynamic")) == "false"


def _check_state(index: ComingIndex, around: Surroundings) -> Iterator[Finding]:
    """The state index has no template of ours; a data-stream template forbids an index of its name."""
    if index.name in around.indices:
        return
    winner = find_winner(index, around.templates)
    if winner and winner.makes_data_streams:
        who = f"the index template {winner.name} ({', '.join(winner.patterns)}; priority {winner.priority})"
        text = f"{who} makes only data streams of that name, so {index.name} cannot be made"
        yield Finding("template-priority", "error", text, "narrow its patterns, or make a template of higher priority")


def _check_pipelines(coming: Sequence[ComingIndex], around: Surroundings) -> Iterator[Finding]:
    """A document whose index names an ingest pipeline that does not exist is refused (400)."""
    for name, pipelines in to_pipelines(coming, around):
        for setting, pipeline in pipelines:
            if pipeline in around.missing_pipelines:
                text = f"{name} has {setting} {pipeline}, which does not exist: its documents are refused"
                fix = f"make that ingest pipeline, or set index.{setting} to _none (in the template that names it too)"
                yield Finding("pipeline-missing", "error", text, fix)


def to_pipelines(coming: Sequence[ComingIndex], around: Surroundings) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Index, there or to come → (setting, ingest pipeline) that it names."""
    existing = {index.name: index.settings for index in around.indices.values()}
    future = {
        name: ((body.get("template") or {}).get("settings") or {}).get("index") or {}
        for name, body in around.simulated.items()
        if name in {index.name for index in coming} and name not in existing
    }
    for name, settings in {**existing, **future}.items():
        named = [(key, str(settings.get(key))) for key in ("default_pipeline", "final_pipeline") if settings.get(key)]
        yield name, [(key, pipeline) for key, pipeline in named if pipeline != "_none"]
