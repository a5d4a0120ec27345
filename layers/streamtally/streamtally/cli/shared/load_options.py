"""What commands that load old logs into OpenSearch have in common: which times, and replacing what is closed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click

from streamtally.cli.shared.aws_options import ask
from streamtally.errors import SettingsError
from streamtally.indices.load_entries import Span
from streamtally.indices.loads import EVER
from streamtally.local.load_spool import LoadOptions
from streamtally.text import visible


def load_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--from --to --replace-span``, handed over as ``between`` and ``replace_span``."""

    @click.option("--from", "from_text", help="Into OpenSearch only windows and rows from here on, ISO 8601 (UTC).")
    @click.option("--to", "to_text", help="… and only those before this.")
    @click.option(
        "--replace-span",
        is_flag=True,
        help="Where windows were closed with counts in them: recompute counts and lines from these logs alone.",
    )
    @functools.wraps(function)
    def wrapper(*args: Any, from_text: str | None, to_text: str | None, replace_span: bool, **options: Any) -> Any:
        between = parse_time_option(from_text, "--from", EVER[0]), parse_time_option(to_text, "--to", EVER[1])
        if between[0] >= between[1]:
            raise SettingsError(f"--from {from_text} is not before --to {to_text}: there is no time between them")
        return function(*args, between=between, replace_span=replace_span, **options)

    return wrapper


def make_load_options(between: Span, replace_span: bool, yes: bool) -> LoadOptions:
    """The options of a load; without ``yes`` a replacement is asked for."""
    return LoadOptions(between, replace_span, lambda spans: ask(f"Replace what is counted in {spans}?", yes))


@contextmanager
def saying_what_stays() -> Iterator[None]:
    """Whoever interrupts a load hears what that leaves."""
    try:
        yield
    except KeyboardInterrupt:
        text = "what was put stays, and its days are open, until the same command is run again (see indices status)"
        click.echo(f"streamtally: interrupted: {text}", err=True)
        raise


def echo_load(notes: Sequence[str], left_out: int, problems: Sequence[str]) -> None:
    """What is to be known of a load, on standard error."""
    for note in notes:
        click.echo(f"note: {note}", err=True)
    for problem in problems:
        click.echo(f"failed: {problem}", err=True)
    if left_out:
        click.echo(f"note: {left_out} documents are outside of --from and --to, and were left out", err=True)


def parse_time_option(text: str | None, option: str, default: int) -> int:
    """An option's time in ms since the epoch; UTC where it names no offset. Raises: SettingsError: it is no time."""
    if text is None:
        return default
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{option} {visible(text, 60)} is no time: write it like 2025-03-01T00:00") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
