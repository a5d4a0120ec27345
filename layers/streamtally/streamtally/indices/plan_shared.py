"""Plans what several outputs share: roles, audit log, ingest pipelines, the plan's document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streamtally.indices import index_templates, ingest
from streamtally.indices.actions import Action, Note
from streamtally.indices.copies import fitting_copies
from streamtally.indices.observed import Observed
from streamtally.indices.plan_templates import plan_bodies
from streamtally.indices.role_mappings import find_unmapped, merge_mapping
from streamtally.indices.roles import to_audit_config
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState
from streamtally.indices.wanted import Wanted


def plan_shared(
    specs: Sequence[IndexSpec], observed: Observed, states: Mapping[str, OutputState], wanted: Wanted
) -> Iterator[Action]:
    """What several outputs share: roles, audit log, inbox pipelines, the plan's document, late-unknown's template."""
    yield from _plan_roles(observed, wanted)
    yield from _plan_audit(observed, wanted)
    by_inbox: dict[str, list[IndexSpec]] = {}
    for spec in specs:
        by_inbox.setdefault(spec.inbox, []).append(spec)
    for inbox, members in by_inbox.items():
        body = ingest.to_pipeline(members, states)
        have = observed.pipelines.get(inbox)
        if have != body:
            reason = "it does not exist" if have is None else "it differs from what the outputs require"
            yield Action("put_pipeline", inbox, reason, body=body, needs=tuple(spec.index for spec in members))
    if wanted.plan_id and wanted.plan_id not in observed.plans:
        yield Action(
            "put_plan",
            wanted.plan_id,
            "partials of this plan can be settled after the next deployment",
            body=wanted.document,
        )
    unknown = index_templates.to_unknown_template(fitting_copies(observed.copies_multiple))
    yield from plan_bodies("put_index_template", unknown, observed.index_templates)


def notes_on_copies(observed: Observed) -> Iterator[Note]:
    """OpenSearch checks the request that creates an index before its template, and Firehose's names no copies."""
    if observed.creates_indices:
        return
    multiple = observed.copies_multiple
    text = (
        f"the cluster takes multiples of {multiple} copies of a shard alone, and its own default is another: documents "
        "would be refused whatever the templates say. PUT _cluster/settings "
        f'{{"persistent": {{"cluster.default_number_of_replicas": {fitting_copies(multiple) - 1}}}}}'
    )
    yield Note("conflict", "cluster", text)


def _plan_roles(observed: Observed, wanted: Wanted) -> Iterator[Action]:
    if observed.roles is None or observed.role_mappings is None:
        return
    for name, body in (wanted.roles or {}).items():
        if not _covers(observed.roles.get(name), body):
            yield Action("put_role", name, "its permissions do not match the pipeline's indices", body=body)
    for name, body in (wanted.role_mappings or {}).items():
        if name not in (wanted.roles or {}) and name not in observed.roles:
            continue  # a built-in role that this version or distribution does not have
        have = observed.role_mappings.get(name) or {}
        missing = find_unmapped(have, body)
        if missing:
            reason = f"{', '.join(missing)} is not mapped to it"
            yield Action("put_role_mapping", name, reason, body=merge_mapping(have, body))


def _plan_audit(observed: Observed, wanted: Wanted) -> Iterator[Action]:
    """A domain only publishes its audit log; the security plugin must be configured to write one."""
    if wanted.audit and observed.audit is not None:
        body = to_audit_config(observed.audit)
        if body != observed.audit:
            yield Action("put_audit", "config", "the audit log is off, or contains request bodies", body=body)


def _covers(have: Mapping[str, Any] | None, body: Mapping[str, Any]) -> bool:
    """Whether a role is as wanted; its tenants are set once. Default fields are ignored."""
    if have is None or set(have.get("cluster_permissions", ())) != set(body["cluster_permissions"]):
        return False

    def rules(role: Mapping[str, Any]) -> set[tuple[frozenset[str], frozenset[str]]]:
        permissions = role.get("index_permissions", ())
        return {(frozenset(rule["index_patterns"]), frozenset(rule["allowed_actions"])) for rule in permissions}

    return rules(have) == rules(body)
