"""``streamtally attach``: add the transform to an existing delivery stream."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from streamtally.attach.change import FunctionSettings, to_diff
from streamtally.attach.stream_settings import source_of
from streamtally.attach.undo import Undo
from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.streams.apply import (
    StaleError,
    UncertainError,
    apply_change,
    check_version,
    put_grant,
    revoke_grant,
    wait_until_effective,
)
from streamtally.aws.streams.attach import Change, plan_attach
from streamtally.aws.streams.describe import find_function
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import (
    NOT_VISIBLE_YET,
    ask,
    echo_diff,
    echo_findings,
    echo_json,
)
from streamtally.cli.shared.framing import framing_of
from streamtally.errors import SettingsError
from streamtally.findings import errors
from streamtally.local.folder import read_folder


@dataclass(frozen=True, slots=True)
class AttachOptions:
    """What is attached, and how Firehose is to call it. ``None`` stands for what the stream or Firehose has."""

    function: str | None
    """Name or ARN; None: the function of the stack."""
    stack: str
    grant: bool
    """Whether to allow the stream's role to invoke the function."""
    replace: bool
    """Whether to replace another function, and to enable processing that is disabled."""
    pipeline: Path | None
    """The deployed pipeline folder, read if the function's own pipeline cannot be."""
    buffer_mbs: float | None
    buffer_seconds: int | None
    retries: int | None

    def plan(self, aws: Aws, stream: str) -> Change:
        """The change of a stream. Raises: SettingsError, AwsError."""
        framing = framing_of(self.pipeline)
        arn = find_function(aws, self.function, self.stack)
        settings = FunctionSettings(arn, "", self.buffer_mbs, self.buffer_seconds, self.retries)
        source = source_of(read_folder(self.pipeline)) if self.pipeline else None
        return plan_attach(aws, stream, settings, framing, self.grant, self.replace, source)


def execute(
    aws: Aws,
    stream: str,
    plan_only: bool,
    out: Path | None,
    wait: int,
    yes: bool,
    as_json: bool,
    **attach_options: Any,
) -> int:
    """Run ``streamtally attach``. Returns: the exit status. Raises: SettingsError."""
    change = AttachOptions(**attach_options).plan(aws, stream)
    failed = bool(errors(change.findings))
    out = out or Path(f"{stream}.undo.json")
    if not as_json:
        _show(change)
    done = not plan_only and not failed and (change.is_change or change.grant is not None)
    effective = False
    if done:
        check_free(out)
        ask(f"Change {stream}?", yes)
        effective = _apply(aws, change, out, wait)
    if as_json:
        echo_json(_to_json(change, done, effective, out))
    elif failed:
        click.echo("\nNothing was changed. Fix the errors above first.")
    elif done:
        _show_done(change, effective, out)
    return EXIT_FOUND if failed else 0


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
        click.echo("The function is already attached; the stream does not change.")


def _apply(aws: Aws, change: Change, out: Path, wait: int) -> bool:
    """Make the change, after its undo file: no change without a way back. Returns: whether it has taken effect."""
    check_version(aws, change)
    write_undo(out, change.to_undo())
    try:
        if change.grant:
            put_grant(aws, change.grant)
        if change.is_change:
            apply_change(aws, change)
    except (StaleError, AwsError) as error:
        _clean_up(aws, change, out, error)
        raise
    except (UncertainError, KeyboardInterrupt):
        click.echo(f"streamtally: to undo what was done: streamtally detach {change.stream} --undo {out}", err=True)
        raise
    return wait_until_effective(aws, change, wait)


def _clean_up(aws: Aws, change: Change, out: Path, reason: Exception) -> None:
    """Revoke the permission and delete the undo file: the stream was not changed."""
    if change.grant:
        try:
            revoke_grant(aws, change.grant)
        except AwsError as error:
            undo = f"streamtally detach {change.stream} --undo {out}"
            raise AwsError(f"{reason}; the permission could not be revoked ({error}); run: {undo}") from None
    out.unlink()


_EXISTS = "{}: already exists; keep it and choose another name with --out"


def check_free(path: Path) -> None:
    """Raises: SettingsError: the file exists, or its folder does not."""
    if path.exists():
        raise SettingsError(_EXISTS.format(path))
    if not path.parent.is_dir():
        raise SettingsError(f"{path}: cannot be written: folder {path.parent} does not exist")


def write_undo(path: Path, undo: Undo) -> None:
    """Write an undo file; never overwrite one. Raises: SettingsError."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(undo.to_text())
    except FileExistsError:
        raise SettingsError(_EXISTS.format(path)) from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from None


def _to_json(change: Change, done: bool, effective: bool, out: Path) -> dict[str, Any]:
    return {
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


def _show_done(change: Change, effective: bool, out: Path) -> None:
    click.echo(f"\nDone. Undo: streamtally detach {change.stream} --undo {out}")
    if not effective:
        click.echo(NOT_VISIBLE_YET)
    click.echo("For a few minutes, records in flight are still processed the old way.")
