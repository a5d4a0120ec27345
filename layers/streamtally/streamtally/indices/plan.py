"""Observe → plan → apply: the plan, a pure function of the pipeline, what a cluster has, and now.

Applied, it is empty on a second run (but for what must wait a quarter of an hour between two steps).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from streamtally.errors import IndexPlanError
from streamtally.indices import ingest, ism, load_entries, mappings, retention, rotation, templates
from streamtally.indices.actions import Action, Note, Plan
from streamtally.indices.observed import Observed, ObservedIndex, StoredState, own_indices
from streamtally.indices.repair import plan_repair
from streamtally.indices.roles import to_audit_config
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState
from streamtally.times.iso import to_iso


@dataclass(frozen=True)
class Wanted:
    """What the environment asks beside the pipeline.

    ``closing`` False leaves every time open (a local run over old logs). ``replace`` names outputs whose view may take
    the place of an index of the same name. ``plan_id`` and ``document`` are the pipeline's, kept for later settling.
    ``audit`` asks for the domain's audit log.
    """

    plan_id: str = ""
    document: Mapping[str, Any] | None = None
    closing: bool = True
    replace: frozenset[str] = frozenset()
    role_mappings: Mapping[str, Any] | None = None
    roles: Mapping[str, Any] | None = None
    audit: bool = False


def plan_manage(specs: Sequence[IndexSpec], observed: Observed, now_ms: int, wanted: Wanted | None = None) -> Plan:
    """Everything that is to be done so that the cluster is as the pipeline asks.

    Args:
        specs: from `read_specs`.
        observed: one look at the cluster.
        now_ms: the time of the look.
    """
    wanted = wanted or Wanted()
    states = {spec.index: _next_state(spec, observed, now_ms, wanted.closing) for spec in specs}
    actions = [*_plan_state(specs, observed, states), *_plan_shared(specs, observed, states, wanted)]
    notes: list[Note] = []
    for spec in specs:
        for step in (_plan_templates, _plan_indices, _plan_rollover, _plan_retention, _plan_ism):
            for item in step(spec, observed, now_ms, wanted):
                (notes if isinstance(item, Note) else actions).append(item)  # type: ignore[arg-type]
    for item in plan_repair(specs, observed, now_ms):
        (notes if isinstance(item, Note) else actions).append(item)  # type: ignore[arg-type]
    return Plan(tuple(actions), tuple(notes))


def _stored(observed: Observed, index: str) -> StoredState:
    return observed.states.get(index) or StoredState()


def _next_state(spec: IndexSpec, observed: Observed, now_ms: int, closing: bool) -> OutputState:
    """The state with its rotation and its marks moved on; a mark that moves is a mark that begins to wait anew."""
    old = _stored(observed, spec.index).state
    new = rotation.with_rotation(spec, old, now_ms)
    if not closing:
        return new
    mark = retention.drop_mark(spec, old, retention.find_expired(spec, observed, now_ms), now_ms)
    if mark > old.dropped_before_ms:
        new = replace(new, dropped_before_ms=mark, dropped_at_ms=now_ms)
    mark = rotation.closing_mark(spec, new, now_ms)
    in_force = ingest.read_closed_before(observed.pipelines.get(spec.inbox), spec.index)
    if mark > old.closed_before_ms or (in_force is not None and in_force < old.closed_before_ms):
        new = replace(new, closed_before_ms=mark, closed_at_ms=now_ms)
    return new


def _plan_state(specs: Sequence[IndexSpec], observed: Observed, states: Mapping[str, OutputState]) -> Iterator[Action]:
    for spec in specs:
        stored, new = _stored(observed, spec.index), states[spec.index]
        if new != stored.state or stored.seq_no is None:
            yield Action("put_state", spec.index, _state_reason(stored.state, new), spec.index, (new, stored))


def _state_reason(old: OutputState, new: OutputState) -> str:
    said = []
    if new.rotations != old.rotations:
        said.append(f"rotation by {new.rotations[-1].rotation} from {to_iso(new.rotations[-1].from_ms)} on")
    if new.dropped_before_ms != old.dropped_before_ms:
        said.append(f"indices before {to_iso(new.dropped_before_ms)} may go")
    if new.closed_before_ms != old.closed_before_ms:
        said.append(f"closed before {to_iso(new.closed_before_ms)}")
    return "; ".join(said) or "the pipeline in force was behind: the marks wait anew"


def _plan_shared(
    specs: Sequence[IndexSpec], observed: Observed, states: Mapping[str, OutputState], wanted: Wanted
) -> Iterator[Action]:
    """What several outputs share: roles, the inboxes' pipelines, the plan's document, the unknown's template."""
    yield from _plan_roles(observed, wanted)
    yield from _plan_audit(observed, wanted)
    by_inbox: dict[str, list[IndexSpec]] = {}
    for spec in specs:
        by_inbox.setdefault(spec.inbox, []).append(spec)
    for inbox, members in by_inbox.items():
        body = ingest.to_pipeline(members, states)
        have = observed.pipelines.get(inbox)
        if have != body:
            reason = "it is not there" if have is None else "it differs from what the outputs ask"
            yield Action("put_pipeline", inbox, reason, body=body, needs=tuple(spec.index for spec in members))
    if wanted.plan_id and wanted.plan_id not in observed.plans:
        yield Action(
            "put_plan",
            wanted.plan_id,
            "partials of this plan can be settled after the next deployment",
            body=wanted.document,
        )
    yield from _plan_bodies("put_index_template", templates.to_unknown_template(), observed.index_templates)


def _plan_roles(observed: Observed, wanted: Wanted) -> Iterator[Action]:
    if observed.roles is None or observed.role_mappings is None:
        return
    for name, body in (wanted.roles or {}).items():
        if not _covers(observed.roles.get(name), body):
            yield Action("put_role", name, "its permissions are not those of the pipeline's indices", body=body)
    for name, body in (wanted.role_mappings or {}).items():
        have = observed.role_mappings.get(name) or {}
        missing = sorted(set(body["backend_roles"]) - set(have.get("backend_roles") or ()))
        if missing:
            # Whoever else a person has mapped stays mapped.
            kept = {key: have[key] for key in ("hosts", "users") if have.get(key)}
            whole = {**kept, "backend_roles": sorted({*body["backend_roles"], *(have.get("backend_roles") or ())})}
            yield Action("put_role_mapping", name, f"{', '.join(missing)} is not mapped to it", body=whole)


def _plan_audit(observed: Observed, wanted: Wanted) -> Iterator[Action]:
    """A domain only publishes its audit log: the security plugin must be asked, too, to write one."""
    if wanted.audit and observed.audit is not None:
        body = to_audit_config(observed.audit)
        if body != observed.audit:
            yield Action("put_audit", "config", "the audit log is off, or holds the bodies of requests", body=body)


def _covers(have: Mapping[str, Any] | None, body: Mapping[str, Any]) -> bool:
    """Whether a role is as wanted; the cluster's answer has fields with defaults that the body leaves out."""
    if have is None or set(have.get("cluster_permissions", ())) != set(body["cluster_permissions"]):
        return False

    def rules(role: Mapping[str, Any]) -> set[tuple[frozenset[str], frozenset[str]]]:
        given = role.get("index_permissions", ())
        return {(frozenset(rule["index_patterns"]), frozenset(rule["allowed_actions"])) for rule in given}

    return rules(have) == rules(body)


def _plan_templates(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    components = templates.to_component_templates(spec)
    for action in _plan_bodies("put_component_template", components, observed.component_templates):
        yield replace(action, output=spec.index)
    taken = is_taken(spec, observed)
    for action in _plan_bodies(
        "put_index_template", templates.to_index_templates(spec, taken), observed.index_templates
    ):
        yield replace(action, output=spec.index)


def is_taken(spec: IndexSpec, observed: Observed) -> bool:
    """Whether an index has the name that the alias should have."""
    return spec.index in observed.indices


def _plan_bodies(kind: Any, wanted: Mapping[str, Any], have: Mapping[str, Any]) -> Iterator[Action]:
    for name, body in wanted.items():
        if name not in have:
            yield Action(kind, name, "it is not there", body=body)
        elif not templates.is_same(have[name], body):
            yield Action(kind, name, "it differs from what the pipeline asks", body=body)


def _plan_indices(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    """Existing indices: the inbox's pipeline where a stream writes, mappings, the alias."""
    own = list(own_indices(spec, observed))
    for index, name in own:
        written = name.kind == "view" or (name.kind == "output" and (not name.period or name.period.end_ms > now_ms))
        if written and index.default_pipeline != spec.inbox:
            body = {"index": {"default_pipeline": spec.inbox}}
            yield Action("put_settings", index.name, "a stream may write here past the inbox", spec.index, body)
    yield from mappings.plan_mappings(spec, own, now_ms)
    yield from _plan_alias(
        spec, [index for index, name in own if name.kind in ("output", "view")], observed, now_ms, wanted
    )


def _plan_alias(
    spec: IndexSpec, indices: Sequence[ObservedIndex], observed: Observed, now_ms: int, wanted: Wanted
) -> Iterator[Action | Note]:
    taken = is_taken(spec, observed)
    if taken and spec.index in wanted.replace:
        reason = "its documents are copied, then the alias takes its place in one call"
        target = rotation.with_rotation(spec, _stored(observed, spec.index).state, now_ms).output_name(
            spec.index, now_ms
        )
        members = [index.name for index in indices if index.name != spec.index]
        alias = {"name": spec.index, "options": templates.to_alias(), "members": members}
        yield Action("replace", spec.index, reason, spec.index, (target, alias))
        return
    view = templates.view_name(spec, taken)
    if taken:
        text = f"an index has the alias's own name: look at {view}, or replace it (apply --replace {spec.index})"
        yield Note("waits", spec.index, text)
    yield from _plan_write_index(spec, indices)
    missing = [index.name for index in indices if not templates.has_view(index.aliases.get(view))]
    if missing:
        adds = [{"add": {"index": name, "alias": view, **templates.to_alias()}} for name in sorted(missing)]
        yield Action("update_aliases", view, f"{len(missing)} indices are not behind it", spec.index, {"actions": adds})


def _plan_write_index(spec: IndexSpec, indices: Sequence[ObservedIndex]) -> Iterator[Action]:
    """After a replacement, a stream writes to the alias: its write index moves on with the dates."""
    written = [index.name for index in indices if retention.is_write_index(spec, index)]
    newest = max((index.name for index in indices if index.name != spec.index), default="")
    if written and newest > written[0]:
        new = {"add": {"index": newest, "alias": spec.index, "is_write_index": True, **templates.to_alias()}}
        old = {"add": {"index": written[0], "alias": spec.index, "is_write_index": False, **templates.to_alias()}}
        yield Action("update_aliases", spec.index, "a stream writes to it", spec.index, {"actions": [old, new]})


def _plan_rollover(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    if spec.rotation != "rollover" or spec.rollover is None:
        return
    yield Note("at_least_once", spec.index, "rows that are repeated across a rollover are there twice")
    alias = f"{spec.index}-write"
    behind = [index for index in observed.indices.values() if alias in index.aliases]
    if not behind:
        body: dict[str, Any] = {"aliases": {alias: {"is_write_index": True}}}
        yield Action("create_index", f"{spec.index}-000001", "rows need an index to be written to", spec.index, body)
        return
    written = next((index for index in behind if index.aliases[alias].get("is_write_index")), behind[-1])
    reason = rotation.rollover_reason(spec.rollover, written, now_ms)
    if reason and written.docs:
        # The condition goes along: of two runs at once only one rolls over.
        body = {"conditions": {"max_docs": written.docs}}
        yield Action("rollover", alias, f"{written.name}: {reason}", spec.index, body)


def _plan_retention(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    if not wanted.closing:
        return
    state = _stored(observed, spec.index).state
    expired = retention.find_expired(spec, observed, now_ms)
    late = retention.find_expired_late(spec, observed, now_ms)
    for entry in [*expired, *late]:
        if entry.name.kind == "output" and not retention.may_delete(state, entry, now_ms):
            yield Note("waits", entry.index.name, f"{entry.reason}: goes when its time has been closed for 15 minutes")
        elif missing := _missing_snapshot(spec, observed, entry.index.name):
            yield Note("stuck", entry.index.name, f"{entry.reason}, but {missing}")
        else:
            yield Action("delete_index", entry.index.name, entry.reason, spec.index)
    gone = {entry.index.name for entry in expired}
    yield from _plan_force_merge(spec, state, observed, now_ms, gone)


def _missing_snapshot(spec: IndexSpec, observed: Observed, index: str) -> str | None:
    repository = spec.retention.require_snapshot
    if not repository or index in observed.snapshots.get(repository, ()):
        return None
    return f"no successful snapshot in {repository} has it"


def _plan_force_merge(
    spec: IndexSpec, state: OutputState, observed: Observed, now_ms: int, gone: set[str]
) -> Iterator[Action]:
    """Closed indices get one segment a shard and are then read-only: no document of their time can come any more."""
    if not spec.retention.force_merge or now_ms < state.closed_at_ms + load_entries.SETTLE_DOWN_MS:
        return
    for entry in retention.dated_indices(spec, observed.indices):
        if entry.is_held(state, now_ms):
            continue
        if entry.end_ms <= state.closed_before_ms and entry.index.name not in gone and not entry.index.is_write_blocked:
            yield Action("force_merge", entry.index.name, "its time is closed", spec.index)


def _plan_ism(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    if spec.retention.managed_by != "ism":
        return
    if observed.ism_policies is None:
        yield Note(
            "stuck", spec.index, "retention is left to ISM, and the cluster has no such plugin: nothing is deleted"
        )
        return
    try:
        body = ism.to_ism_policy(spec)
    except IndexPlanError as error:
        yield Note("stuck", spec.index, str(error))
        return
    have = observed.ism_policies.get(ism.policy_id(spec))
    if have is None or not _is_part(body["policy"], have):
        yield Action("put_ism_policy", ism.policy_id(spec), "it is not there, or differs", spec.index, body)
        yield Action(
            "attach_ism_policy",
            f"{spec.index}-2*",
            "indices that exist get the policy",
            spec.index,
            ism.policy_id(spec),
        )


def _is_part(wanted: Any, have: Any) -> bool:
    """Whether everything wanted stands in what the plugin answers, which adds fields with defaults."""
    if isinstance(wanted, Mapping):
        return isinstance(have, Mapping) and all(
            key in have and _is_part(value, have[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(have, list) and len(wanted) == len(have) and all(map(_is_part, wanted, have))
    return bool(wanted == have)
