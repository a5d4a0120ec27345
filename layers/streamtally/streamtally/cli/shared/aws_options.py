"""What the commands that talk to AWS share: the AWS CLI's options, findings, diffs, confirmation before a change."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import click

from streamtally.aws.clients import Aws
from streamtally.cli.shared.completions import complete_profile, complete_region
from streamtally.errors import SettingsError
from streamtally.findings import Finding
from streamtally.text import visible

_COLOURS = {"ok": "green", "note": "cyan", "warning": "yellow", "error": "red"}

NOT_VISIBLE_YET = "The change is not visible yet: check streamtally status in a few minutes."

json_option = click.option("--json", "as_json", is_flag=True, help="Print a single JSON value and nothing else.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")

EFFECTIVE_SECONDS = 300
wait_option = click.option(
    "--wait",
    type=click.IntRange(min=0),
    default=EFFECTIVE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the change to take effect.",
)
"""``--wait`` of the commands that change a stream, passed to the command as ``wait``."""

Auth = Literal["sigv4", "basic", "none"]
"""How a command authenticates to OpenSearch."""

USER_VARIABLE, PASSWORD_VARIABLE = "OPENSEARCH_USERNAME", "OPENSEARCH_PASSWORD"

auth_option = click.option(
    "--auth",
    type=click.Choice(["sigv4", "basic", "none"]),
    help=f"How to authenticate to OpenSearch: sigv4; basic ({USER_VARIABLE} and {PASSWORD_VARIABLE}, or asked for); "
    "none. Default: sigv4 for hosts of AWS, basic if the address names a user.",
)
"""``--auth``, passed to the command as ``auth``."""

_profile_option = click.option("--profile", metavar="NAME", shell_complete=complete_profile, help="AWS profile.")
_region_option = click.option("--region", metavar="REGION", shell_complete=complete_region, help="AWS region.")


def aws_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--profile --region --endpoint-url`` and pass the command an :class:`Aws` as ``aws``."""

    @_profile_option
    @_region_option
    @click.option("--endpoint-url", metavar="URL", help="Endpoint to use instead of AWS's (also AWS_ENDPOINT_URL).")
    @functools.wraps(function)
    def wrapper(*args: Any, profile: str | None, region: str | None, endpoint_url: str | None, **options: Any) -> Any:
        aws = click.get_current_context().obj or Aws(profile, region, endpoint_url)
        return function(*args, aws=aws, **options)

    return wrapper


def profile_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--profile --region``, for commands that call no AWS service but may sign requests."""

    @_profile_option
    @_region_option
    @functools.wraps(function)
    def wrapper(*args: Any, profile: str | None, region: str | None, **options: Any) -> Any:
        aws = click.get_current_context().obj or Aws(profile, region)
        return function(*args, aws=aws, **options)

    return wrapper


def style(text: str, colour: str, **how: Any) -> str:
    """Coloured text if standard output is a terminal and NO_COLOR is not set."""
    return text if os.environ.get("NO_COLOR") or not sys.stdout.isatty() else click.style(text, fg=colour, **how)


def echo_json(document: Any) -> None:
    """Print the value of ``--json``."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


MAX_SHOWN_CHARS = 20_000
"""Of a finding: an error record of Firehose is shown whole; an OpenSearch reason may quote a document."""


def echo_findings(findings: Iterable[Finding], show_ok: bool = True) -> None:
    """Print findings, each problem with its fix on the next line."""
    for finding in findings:
        if finding.level == "ok" and not show_ok:
            continue
        where = f"{visible(finding.where)}: " if finding.where else ""
        click.echo(
            f"{style(f'{finding.level:8}', _COLOURS[finding.level])}{where}{visible(finding.text, MAX_SHOWN_CHARS)}"
        )
        if finding.fix and finding.level != "ok":
            click.echo(f"        fix: {visible(finding.fix, 400)}")


def echo_diff(lines: Sequence[str]) -> None:
    """Print a unified diff in colour."""
    for line in lines:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        click.echo(style(line, colour) if colour else line)


def ask(question: str, yes: bool) -> None:
    """Ask for confirmation unless ``yes``. Raises: SettingsError: the answer is no, or there is no terminal to ask."""
    if yes:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        click.echo(err=True)  # the prompt has no line end yet
        raise SettingsError("aborted, nothing changed (use --yes to skip the prompt)") from None
    if not agreed:
        raise SettingsError("aborted, nothing changed")
