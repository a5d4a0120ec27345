"""Plans the settings, mappings and aliases of an output's existing indices, and their rollover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from streamtally.indices import index_templates, mappings, retention, rotation
from streamtally.indices.actions import Action, Note
from streamtally.indices.observed import Observed, ObservedIndex, own_indices
from streamtally.indices.plan_templates import is_taken
from streamtally.indices.spec import IndexSpec
from streamtally.indices.wanted import Wanted


def plan_indices(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    """Existing indices: the inbox's pipeline where a stream writes, mappings, the alias."""
    own = list(own_indices(spec, observed))
    for index, name in own:
        written = name.kind == "view" or (name.kind == "output" and (not name.period or name.period.end_ms > now_ms))
        if written and index.default_pipeline != spec.inbox:
            body = {"index": {"default_pipeline": spec.inbox}}
            yield Action("put_settings", index.name, "a stream may write here without the inbox", spec.index, body)
    yield from mappings.plan_mappings(spec, own, now_ms)
    yield from _plan_alias(
        spec, [index for index, name in own if name.kind in ("output", "view")], observed, now_ms, wanted
    )


def _plan_alias(
    spec: IndexSpec, indices: Sequence[ObservedIndex], observed: Observed, now_ms: int, wanted: Wanted
) -> Iterator[Action | Note]:
    taken = is_taken(spec, observed)
    if taken and spec.index in wanted.replace:
        reason = "its documents are copied, then the alias replaces it in one call"
        target = rotation.with_rotation(spec, observed.state_of(spec.index).state, now_ms).output_name(
            spec.index, now_ms
        )
        members = [index.name for index in indices if index.name != spec.index]
        alias = {"name": spec.index, "options": index_templates.to_alias(), "members": members}
        yield Action("replace", spec.index, reason, spec.index, (target, alias))
        return
    view = index_templates.view_name(spec, taken)
    if taken:
        text = f"an index has the alias's own name: query {view}, or replace it (indices apply --replace {spec.index})"
        yield Note("conflict", spec.index, text)
    yield from _plan_write_index(spec, indices)
    missing = [index.name for index in indices if not index_templates.has_view(index.aliases.get(view))]
    if missing:
        adds = [{"add": {"index": name, "alias": view, **index_templates.to_alias()}} for name in sorted(missing)]
        yield Action(
            "update_aliases", view, f"{len(missing)} indices do not have this alias", spec.index, {"actions": adds}
        )


def _plan_write_index(spec: IndexSpec, indices: Sequence[ObservedIndex]) -> Iterator[Action]:
    """After a replacement, a stream writes to the alias: its write index must follow the dates."""
    written = [index.name for index in indices if retention.is_write_index(spec, index)]
    newest = max((index.name for index in indices if index.name != spec.index), default="")
    if written and newest > written[0]:
        new = {"add": {"index": newest, "alias": spec.index, "is_write_index": True, **index_templates.to_alias()}}
        old = {"add": {"index": written[0], "alias": spec.index, "is_write_index": False, **index_templates.to_alias()}}
        yield Action("update_aliases", spec.index, "a stream writes to it", spec.index, {"actions": [old, new]})


def plan_rollover(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    """The first index of an output with rollover, or the next one."""
    if spec.rotation != "rollover" or spec.rollover is None:
        return
    yield Note("at_least_once", spec.index, "rows that are repeated across a rollover are stored twice")
    alias = f"{spec.index}-write"
    members = [index for index in observed.indices.values() if alias in index.aliases]
    if not members:
        body: dict[str, Any] = {"aliases": {alias: {"is_write_index": True}}}
        yield Action("create_index", f"{spec.index}-000001", "rows need an index to write to", spec.index, body)
        return
    written = next((index for index in members if index.aliases[alias].get("is_write_index")), members[-1])
    reason = rotation.rollover_reason(spec.rollover, written, now_ms)
    if reason and written.docs:
        # With this condition, only one of two simultaneous runs rolls over.
        body = {"conditions": {"max_docs": written.docs}}
        yield Action("rollover", alias, f"{written.name}: {reason}", spec.index, body)
