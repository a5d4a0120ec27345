"""``streamtally attach``: put the transform on a delivery stream that exists."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from streamtally.attach.change import FunctionSettings, to_diff
from streamtally.attach.undo import Undo
from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.streams.apply import (
    EFFECTIVE_SECONDS,
    StaleError,
    UncertainError,
    apply_change,
    check_version,
    put_grant,
    revoke_grant,
    wait_until_effective,
)
from streamtally.aws.streams.attach import Change, plan_attach
from streamtally.aws.streams.describe import DEFAULT_STACK, find_function
from streamtally.cli.shared.aws_options import (
    ask,
    aws_options,
    echo_diff,
    echo_findings,
    echo_json,
    json_option,
    yes_option,
)
from streamtally.cli.shared.framing import framing_of
from streamtally.errors import SettingsError
from streamtally.findings import errors


@click.command("attach")
@click.argument("stream")
@click.option("--function", "function", metavar="NAME|ARN[:ALIAS]", help="The transform; default: the stack's.")
@click.option("--stack", default=DEFAULT_STACK, show_default=True, help="The stack that --function defaults to.")
@click.option("--plan", "plan_only", is_flag=True, help="Show checks and change, and do nothing.")
@click.option("--grant", is_flag=True, help="Also permit the stream's role to call the function.")
@click.option("--replace", is_flag=True, help="Take the place of another function; switch on what is switched off.")
@click.option("--pipeline", type=click.Path(path_type=Path), metavar="DIR",
              help="The folder that is deployed, for where the function's pipeline cannot be read.")  # fmt: skip
@click.option("--buffer-mbs", type=click.FloatRange(0.2, 3), help="What Firehose collects for a call.  [default: 1]")
@click.option("--buffer-seconds", type=click.IntRange(0, 900), help="… and for how long.  [default: 60]")
@click.option("--retries", type=click.IntRange(0, 300), help="How often a failed call is repeated.  [default: 3]")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Undo file.  [default: STREAM.undo.json]")
@click.option("--wait", type=click.IntRange(min=0), default=EFFECTIVE_SECONDS, show_default=True, metavar="SECONDS",
              help="How long to wait until the change shows.")  # fmt: skip
@yes_option
@json_option
@aws_options
def command(
    aws: Aws,
    stream: str,
    function: str | None,
    stack: str,
    plan_only: bool,
    grant: bool,
    replace: bool,
    pipeline: Path | None,
    buffer_mbs: float | None,
    buffer_seconds: int | None,
    retries: int | None,
    out: Path | None,
    wait: int,
    yes: bool,
    as_json: bool,
) -> int:
    """Put the transform on STREAM, keeping everything else that is on it.

    Shows checks and the change as a diff, asks, writes an undo file, and makes the change. Exit status 1: a check says
    no, and nothing was done. Attaching what is attached changes nothing.

    Example: streamtally attach log-ingestion-stream --function streamtally-transform --plan
    """
    framing = framing_of(pipeline)
    arn = find_function(aws, function, stack)
    settings = FunctionSettings(arn, "", buffer_mbs, buffer_seconds, retries)
    change = plan_attach(aws, stream, settings, framing, grant, replace)
    wrong = bool(errors(change.findings))
    out = out or Path(f"{stream}.undo.json")
    if not as_json:
        _show(change)
    done = not plan_only and not wrong and (change.is_change or change.grant is not None)
    effective = False
    if done:
        check_free(out)
        ask(f"Change {stream}?", yes)
        effective = _apply(aws, change, out, wait)
    _tell(change, as_json, wrong, done, effective, out)
    return 1 if wrong else 0


def _show(change: Change) -> None:
    kind = change.destination.kind.name
    click.echo(f"stream   {change.stream} ({kind}, version {change.description['VersionId']})")
    click.echo(f"function {change.function_arn}\n")
    echo_findings(change.findings)
    click.echo("")
    if change.grant:
        grant = change.grant
        click.echo(f"role {grant.role}, inline policy {grant.policy}:")
        echo_diff(to_diff(grant.before or {}, grant.document, "policy", "policy, granted"))
    if change.is_change:
        echo_diff(to_diff(change.before, change.after, change.stream, f"{change.stream}, attached"))
    else:
        click.echo("The function is attached already: the stream stays as it is.")


def _apply(aws: Aws, change: Change, out: Path, wait: int) -> bool:
    """The undo file first: a change that nobody can take back is not made. Whether the change shows by now."""
    check_version(aws, change)
    write_undo(out, change.to_undo())
    try:
        if change.grant:
            put_grant(aws, change.grant)
        if change.is_change:
            apply_change(aws, change)
    except (StaleError, AwsError) as error:
        _give_up(aws, change, out, error)
        raise
    except (UncertainError, KeyboardInterrupt):
        click.echo(f"streamtally: what was done is taken back by: streamtally detach {change.stream} --undo {out}",
                   err=True)  # fmt: skip
        raise
    return wait_until_effective(aws, change, wait)


def _give_up(aws: Aws, change: Change, out: Path, why: Exception) -> None:
    """Nothing was done to the stream: the permission and the undo file go too."""
    if change.grant:
        try:
            revoke_grant(aws, change.grant)
        except AwsError as error:
            undo = f"streamtally detach {change.stream} --undo {out}"
            raise AwsError(f"{why}; the permission could not be taken back ({error}): {undo}") from None
    out.unlink()


def check_free(path: Path) -> None:
    """Raises: SettingsError: the file is there already, or its folder is not."""
    if path.exists():
        raise SettingsError(f"{path}: there already; keep it, and give --out another name")
    if not path.parent.is_dir():
        raise SettingsError(f"{path}: cannot be written: there is no folder {path.parent}")


def write_undo(path: Path, undo: Undo) -> None:
    """Write an undo file, never over another. Raises: SettingsError."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(undo.to_text())
    except FileExistsError:
        raise SettingsError(f"{path}: there already; keep it, and give --out another name") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from None


def _tell(change: Change, as_json: bool, wrong: bool, done: bool, effective: bool, out: Path) -> None:
    if as_json:
        document: dict[str, Any] = {
            "stream": change.stream,
            "destination": change.destination.kind.name,
            "function": change.function_arn,
            "checks": [finding.to_json() for finding in change.findings],
            "before": change.before,
            "after": change.after,
            "change": change.is_change,
            "grant": asdict(change.grant) if change.grant else None,
            "applied": done,
            "effective": effective,
            "undo": str(out) if done else None,
        }
        echo_json(document)
    elif wrong:
        click.echo("\nNothing was changed: mend what is marked error first.")
    elif done:
        click.echo(f"\nDone. Undo: streamtally detach {change.stream} --undo {out}")
        if not effective:
            click.echo("It does not show yet: see streamtally status in some minutes.")
        click.echo("For some minutes, what is in flight still goes the old way.")
