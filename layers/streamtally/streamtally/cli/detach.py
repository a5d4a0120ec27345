"""``streamtally detach``: take the transform off a delivery stream, or restore exactly what was."""

from __future__ import annotations

from pathlib import Path

import click

from streamtally.attach.change import to_diff
from streamtally.attach.undo import parse_undo
from streamtally.aws.clients import Aws
from streamtally.aws.streams.apply import EFFECTIVE_SECONDS, apply_change, revoke_grant, wait_until_effective
from streamtally.aws.streams.attach import plan_detach
from streamtally.cli.shared.aws_options import ask, aws_options, echo_diff, echo_json, json_option, yes_option
from streamtally.local.folder import read_text


@click.command("detach")
@click.argument("stream")
@click.option("--undo", "undo_file", type=click.Path(dir_okay=False, path_type=Path), help="The file attach wrote.")
@click.option("--plan", "plan_only", is_flag=True, help="Show the change, and do nothing.")
@click.option("--wait", type=click.IntRange(min=0), default=EFFECTIVE_SECONDS, show_default=True, metavar="SECONDS",
              help="How long to wait until the change shows.")  # fmt: skip
@yes_option
@json_option
@aws_options
def command(aws: Aws, stream: str, undo_file: Path | None, plan_only: bool, wait: int, yes: bool, as_json: bool) -> int:
    """Restore what STREAM was before attach; without an undo file, take the function alone off it.

    With --undo the stream's processing and the role's permission are exactly as they were; if somebody has changed the
    processing since, nothing is done.

    Example: streamtally detach log-ingestion-stream --undo log-ingestion-stream.undo.json
    """
    undo = parse_undo(read_text(undo_file), str(undo_file)) if undo_file else None
    change = plan_detach(aws, stream, undo, str(undo_file))
    if not as_json:
        if change.is_change:
            echo_diff(to_diff(change.before, change.after, stream, f"{stream}, detached"))
        else:
            click.echo(f"{stream}: " + ("is as it was" if undo else "no function is on it") + ": it stays as it is.")
        if change.grant:
            what = "is put back as it was" if change.grant.before else "is taken away"
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
        click.echo("Done." if effective else "Done; it does not show yet: see streamtally status in some minutes.")
    return 0
