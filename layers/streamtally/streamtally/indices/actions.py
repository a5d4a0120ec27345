"""Actions and notes, which make up an index plan, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

ActionKind = Literal[
    "put_state", "put_plan", "put_pipeline", "put_component_template", "put_index_template", "put_settings",
    "put_mapping", "create_index", "update_aliases", "rollover", "repair", "replace", "force_merge", "delete_index",
    "put_role", "put_role_mapping", "put_audit", "put_ism_policy", "attach_ism_policy",
    "change_ism_policy", "detach_ism_policy", "delete_ism_policy",
]  # fmt: skip


@dataclass(frozen=True)
class Action:
    """One thing to do, and why."""

    kind: ActionKind
    target: str
    reason: str
    output: str = ""
    """Empty for what several outputs share."""
    body: Any = None
    needs: tuple[str, ...] = ()
    """Outputs whose state must be stored first: a pipeline must never be ahead of it."""
    if_blocked: tuple[Action, ...] = ()
    """What may be done without it if a block of the cluster refuses it (a full disk)."""

    def to_json(self) -> dict[str, Any]:
        """The action as ``indices plan --json`` prints it."""
        return {
            "kind": self.kind,
            "target": self.target,
            "reason": self.reason,
            "output": self.output,
            "body": self.body,
        }


@dataclass(frozen=True)
class Note:
    """Something the user should know and this run does nothing about: what waits, conflicts or is stuck."""

    kind: Literal["waits", "conflict", "at_least_once", "stuck"]
    target: str
    text: str


@dataclass(frozen=True)
class IndexPlan:
    """What to do, in this order, and what to report. Without actions the cluster is up to date."""

    actions: tuple[Action, ...] = ()
    notes: tuple[Note, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The plan as ``indices plan --json`` prints it."""
        return {
            "actions": [action.to_json() for action in self.actions],
            "notes": [{"kind": note.kind, "target": note.target, "text": note.text} for note in self.notes],
        }
