"""``streamtally detach``: remove the transform from a delivery stream, or restore the exact previous state."""

from __future__ import annotations

from pathlib import Path

import click

from streamtally.attach.change import to_diff
from streamtally.attach.undo import parse_undo
from streamtally.aws.clients import Aws
from streamtally.aws.streams.apply import apply_change, revoke_grant, wait_until_effective
from streamtally.aws.streams.attach import plan_detach
from streamtally.cli.shared.aws_options import (
    NOT_VISIBLE_YET,
    ask,
    echo_diff,
    echo_json,
)
from streamtally.local.folder import read_text


def execute(aws: Aws, stream: str, undo_file: Path | None, plan_only: bool, wait: int, yes: bool, as_json: bool) -> int:
    """Run ``streamtally detach``. Returns: the exit status. Raises: SettingsError."""
    undo = parse_undo(read_text(undo_file), str(undo_file)) if undo_file else None
    change = plan_detach(aws, stream, undo, str(undo_file))
    if not as_json:
        if change.is_change:
            echo_diff(to_diff(change.before, change.after, stream, f"{stream}, detached"))
        else:
            click.echo(
                f"{stream}: " + ("already restored" if undo else "no function is attached") + "; nothing to change."
            )
        if change.grant:
            what = "is restored" if change.grant.before else "is deleted"
            click.echo(f"role {change.grant.role}: the inline policy {change.grant.policy} {what}")
    done = not plan_only and (change.is_change or change.grant is not None)
    effective = False
    if done:
        ask(f"Change {stream}?", yes)
        if change.is_change:
            apply_change(aws, change)
        if change.grant:
            revoke_grant(aws, change.grant)
        effective = wait_until_effective(aws, change, wait)
    if as_json:
        grant = {"role": change.grant.role, "policy": change.grant.policy} if change.grant else None
        echo_json({"stream": stream, "before": change.before, "after": change.after, "change": change.is_change,
                   "grant_taken_back": grant, "applied": done, "effective": effective})  # fmt: skip
    elif done:
        click.echo("Done.")
        if not effective:
            click.echo(NOT_VISIBLE_YET)
    return 0
