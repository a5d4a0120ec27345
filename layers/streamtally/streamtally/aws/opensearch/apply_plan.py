"""Carries out a plan's actions one by one; a failure is recorded and the rest continues."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streamtally.aws.clock import TimeLeft
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.observe import state_id
from streamtally.aws.opensearch.repair import repair, replace_index
from streamtally.indices.actions import Action, IndexPlan
from streamtally.indices.copies import DEFAULT_COPIES, fitting_copies, required_multiple, to_replicas
from streamtally.indices.names import STATE_INDEX
from streamtally.indices.observed import StoredState
from streamtally.indices.state import OutputState
from streamtally.text import one_line


@dataclass(frozen=True)
class ActionResult:
    """The result of an action."""

    action: Action
    outcome: str
    """"done", "failed", "skipped" or "outrun" (by another run)."""
    message: str = ""
    """Why, one line."""


def apply_plan(cluster: Cluster, plan: IndexPlan, time_left: TimeLeft = lambda: 840.0) -> list[ActionResult]:
    """Carry out a plan's actions in order.

    If another run changed a state in between, the remaining actions are skipped, because their preconditions no longer
    hold. Documents are moved only if pipeline and templates are as planned: otherwise they would create indices without
    a mapping.
    """
    results: list[ActionResult] = []
    blocked = ""
    unprepared: set[str] = set()
    for action in plan.actions:
        if time_left() < 10:
            blocked = blocked or "the time limit is near; the next run continues"
        waits = (action.kind in _MOVES and unprepared) or unprepared & {action.output, *action.needs} - {""}
        if action.kind == "delete_index":
            waits = set()  # the mark that allows it was stored by an earlier run
        if blocked or waits:
            results.append(
                ActionResult(action, "skipped", blocked or f"{', '.join(sorted(waits))} could not be prepared")
            )
            continue
        try:
            _DO[action.kind](cluster, action, time_left)
            results.append(ActionResult(action, "done"))
        except ClusterError as error:
            if action.kind == "put_state" and error.status == 409:
                blocked = "another run changed the state in between"
                results.append(ActionResult(action, "outrun", blocked))
                continue
            if action.kind in _PREPARES:
                unprepared.add(action.output or action.target)
            results.append(ActionResult(action, "failed", str(error)))
            if error.is_blocked:
                results += apply_plan(cluster, IndexPlan(action.if_blocked), time_left)
    return results


_PREPARES = ("put_state", "put_pipeline", "put_component_template", "put_index_template")
_MOVES = ("repair", "replace", "create_index", "rollover")


def describe_failures(results: list[ActionResult]) -> str:
    """All failures in one line."""
    failed = [result for result in results if result.outcome == "failed"]
    return "; ".join(f"{result.action.kind} {result.action.target}: {result.message}" for result in failed)


def put_state(cluster: Cluster, index: str, new: OutputState, stored: StoredState) -> StoredState:
    """Store a state unless another run has changed it. Raises: ClusterError: with status 409, if one has."""
    params: dict[str, Any] = {"if_seq_no": stored.seq_no, "if_primary_term": stored.primary_term}
    if stored.seq_no is None:
        make_state_index(cluster)
        params = {"op_type": "create"}
    answer = cluster.request("PUT", f"/{STATE_INDEX}/_doc/{state_id(index)}", new.to_document(), params)
    return StoredState(new, answer["_seq_no"], answer["_primary_term"])


def make_state_index(cluster: Cluster) -> None:
    """Create the index of the state documents if it does not exist; nothing in it is searched."""
    error = _create_state_index(cluster, DEFAULT_COPIES)
    if multiple := required_multiple(error.get("reason")):
        error = _create_state_index(cluster, fitting_copies(multiple))
    if error and error.get("type") != "resource_already_exists_exception":
        raise ClusterError(f"PUT /{STATE_INDEX}: {error.get('reason')}", 400)


def _create_state_index(cluster: Cluster, copies: int) -> Mapping[str, Any]:
    """OpenSearch's refusal; empty if it created the index."""
    settings = {"index": {"number_of_shards": 1, **to_replicas(copies), "hidden": True}}
    body = {"settings": settings, "mappings": {"enabled": False}}
    error = cluster.request("PUT", f"/{STATE_INDEX}", body, ignore=(400,)).get("error")
    return error if isinstance(error, dict) else {}


LIFTS = 3
"""How often the block of a full disk is lifted for one write: the cluster may restore it between the two requests."""


def _write_flooded(cluster: Cluster, write: Callable[[], object]) -> None:
    """Write to the state index, also past the flood stage: a mark of some bytes lets gigabytes be deleted.

    Only the block that the cluster itself sets is lifted, and it sets it again within seconds; a person's block stays.
    Source: OpenSearch documentation, "Cluster settings", cluster.routing.allocation.disk.watermark.flood_stage.
    """
    for _ in range(LIFTS):
        try:
            write()
            return
        except ClusterError as error:
            if not error.is_flooded:
                raise
            try:
                body = {"index.blocks.read_only_allow_delete": None}
                cluster.request("PUT", f"/{STATE_INDEX}/_settings", body)
            except ClusterError:
                raise error from None
    write()


def _put_state(cluster: Cluster, action: Action, _: TimeLeft) -> None:
    if isinstance(action.body, int):  # an inbox seen empty
        make_state_index(cluster)
        path = f"/{STATE_INDEX}/_doc/{action.target}"
        _write_flooded(cluster, lambda: cluster.request("PUT", path, {"empty_ms": action.body}))
        return
    new, stored = action.body
    _write_flooded(cluster, lambda: put_state(cluster, action.target, new, stored))


def _put_plan(cluster: Cluster, action: Action, _: TimeLeft) -> None:
    make_state_index(cluster)
    path, body = f"/{STATE_INDEX}/_doc/plan-{action.target}", {"document": json.dumps(action.body)}
    _write_flooded(cluster, lambda: cluster.request("PUT", path, body))


def _put(path: str) -> Callable[[Cluster, Action, TimeLeft], None]:
    def put(cluster: Cluster, action: Action, _: TimeLeft) -> None:
        cluster.request("PUT", path.format(action.target), action.body)

    return put


def _post(path: str) -> Callable[[Cluster, Action, TimeLeft], None]:
    def post(cluster: Cluster, action: Action, _: TimeLeft) -> None:
        cluster.request("POST", path.format(action.target), action.body)

    return post


def _create_index(cluster: Cluster, action: Action, _: TimeLeft) -> None:
    answer = cluster.request("PUT", f"/{action.target}", action.body, ignore=(400,))
    error = answer.get("error")
    if error and error.get("type") != "resource_already_exists_exception":
        raise ClusterError(f"PUT /{action.target}: {error.get('reason')}", 400)


def _delete_index(cluster: Cluster, action: Action, _: TimeLeft) -> None:
    if action.target.startswith("inbox-"):
        # Counted again: documents that arrived since the plan must not be deleted with it.
        cluster.request("POST", f"/{action.target}/_refresh", ignore=(404,))
        if cluster.request("GET", f"/{action.target}/_count", ignore=(404,)).get("count"):
            raise ClusterError(f"{action.target} is no longer empty: the next run repairs it")
    cluster.request("DELETE", f"/{action.target}", ignore=(404,))


def _force_merge(cluster: Cluster, action: Action, time_left: TimeLeft) -> None:
    limit = max(30.0, time_left() - 30)
    cluster.request("POST", f"/{action.target}/_forcemerge", params={"max_num_segments": 1}, timeout_seconds=limit)
    cluster.request("PUT", f"/{action.target}/_settings", {"index": {"blocks": {"write": True}}})


def _put_ism_policy(cluster: Cluster, action: Action, _: TimeLeft) -> None:
    path = f"/_plugins/_ism/policies/{action.target}"
    have = cluster.request("GET", path, ignore=(404,))
    known = {"if_seq_no": have["_seq_no"], "if_primary_term": have["_primary_term"]} if "_seq_no" in have else {}
    cluster.request("PUT", path, action.body, known)


def _delete_ism_policy(cluster: Cluster, action: Action, _: TimeLeft) -> None:
    cluster.request("DELETE", f"/_plugins/_ism/policies/{action.target}", ignore=(404,))


def _ism(verb: str, cluster: Cluster, action: Action, body: Any) -> None:
    """Change what manages some indices. Raises: ClusterError: names the indices of which the plugin refused it."""
    answer = cluster.request("POST", f"/_plugins/_ism/{verb}/{action.target}", body)
    failed = answer.get("failed_indices") or ()
    if answer.get("failures") or failed:
        reasons = [f"{entry.get('index_name')}: {entry.get('reason')}" for entry in failed if isinstance(entry, dict)]
        shown = "; ".join(reasons[:5]) or "no reason given"
        more = f"; and {len(reasons) - 5} more" if len(reasons) > 5 else ""
        raise ClusterError(one_line(f"_ism/{verb}: {len(reasons)} indices refused: {shown}{more}", 1_000), 200)


def _repair(cluster: Cluster, action: Action, time_left: TimeLeft) -> None:
    repair(cluster, action.target, action.body, time_left)


def _replace(cluster: Cluster, action: Action, time_left: TimeLeft) -> None:
    target, alias = action.body
    replace_index(cluster, action.target, target, alias, time_left)


_DO: dict[str, Callable[[Cluster, Action, TimeLeft], None]] = {
    "put_state": _put_state,
    "put_plan": _put_plan,
    "put_pipeline": _put("/_ingest/pipeline/{}"),
    "put_component_template": _put("/_component_template/{}"),
    "put_index_template": _put("/_index_template/{}"),
    "put_settings": _put("/{}/_settings"),
    "put_mapping": _put("/{}/_mapping"),
    "create_index": _create_index,
    "update_aliases": lambda cluster, action, _: cluster.request("POST", "/_aliases", action.body),
    "rollover": _post("/{}/_rollover"),
    "repair": _repair,
    "replace": _replace,
    "force_merge": _force_merge,
    "delete_index": _delete_index,
    "put_role": _put("/_plugins/_security/api/roles/{}"),
    "put_role_mapping": _put("/_plugins/_security/api/rolesmapping/{}"),
    "put_audit": _put("/_plugins/_security/api/audit/{}"),
    "put_ism_policy": _put_ism_policy,
    "attach_ism_policy": lambda cluster, action, _: _ism("add", cluster, action, {"policy_id": action.body}),
    "change_ism_policy": lambda cluster, action, _: _ism("change_policy", cluster, action, action.body),
    "detach_ism_policy": lambda cluster, action, _: _ism("remove", cluster, action, None),
    "delete_ism_policy": _delete_ism_policy,
}
