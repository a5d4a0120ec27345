"""Actions and notes: what a plan is made of, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

ActionKind = Literal[
    "put_state", "put_plan", "put_pipeline", "put_component_template", "put_index_template", "put_settings",
    "put_mapping", "create_index", "update_aliases", "rollover", "repair", "replace", "force_merge", "delete_index",
    "put_role", "put_role_mapping", "put_audit", "put_ism_policy", "attach_ism_policy",
]  # fmt: skip


@dataclass(frozen=True)
class Action:
    """One thing to do, and why. ``output`` is empty for what several outputs share.

    ``needs`` names outputs whose state must have been stored before: a pipeline must never run ahead of it.
    """

    kind: ActionKind
    target: str
    reason: str
    output: str = ""
    body: Any = None
    needs: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "target": self.target,
            "reason": self.reason,
            "output": self.output,
            "body": self.body,
        }


@dataclass(frozen=True)
class Note:
    """Something a user should know and nothing is to be done about by this run: what waits, conflicts, is stuck."""

    kind: Literal["waits", "conflict", "at_least_once", "stuck"]
    target: str
    text: str


@dataclass(frozen=True)
class Plan:
    """What to do, in this order, and what to say. Without actions everything is as it should be."""

    actions: tuple[Action, ...] = ()
    notes: tuple[Note, ...] = ()
    next_steps: tuple[tuple[str, str, int], ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        return {
            "actions": [action.to_json() for action in self.actions],
            "notes": [{"kind": note.kind, "target": note.target, "text": note.text} for note in self.notes],
        }
