"""What commands that load old logs into OpenSearch share: the span of times, and replacing closed windows."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from streamtally.cli.shared.aws_options import ask
from streamtally.errors import SettingsError
from streamtally.text import visible

if TYPE_CHECKING:
    from streamtally.indices.load_entries import Span
    from streamtally.local.load_spool import LoadOptions


def load_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--from --to --replace-span``, passed to the command as ``between`` and ``replace_span``."""

    @click.option("--from", "from_text", help="Load only windows and rows from this time on, ISO 8601 (UTC).")
    @click.option("--to", "to_text", help="Load only windows and rows before this time.")
    @click.option(
        "--replace-span",
        is_flag=True,
        help="Recompute windows that were closed with counts in them, from these logs alone.",
    )
    @functools.wraps(function)
    def wrapper(*args: Any, from_text: str | None, to_text: str | None, replace_span: bool, **options: Any) -> Any:
        return function(*args, between=parse_span(from_text, to_text), replace_span=replace_span, **options)

    return wrapper


def make_load_options(between: Span, replace_span: bool, yes: bool) -> LoadOptions:
    """The options of a load; without ``yes``, a replacement needs confirmation."""
    from streamtally.local.load_spool import LoadOptions  # not for the options alone

    return LoadOptions(between, replace_span, lambda spans: ask(f"Replace the counts in {spans}?", yes))


@contextmanager
def explaining_interruption() -> Iterator[None]:
    """If the user interrupts a load, print what state that leaves."""
    try:
        yield
    except KeyboardInterrupt:
        text = "what was written stays and its days stay open until you run the same command again (see indices status)"
        click.echo(f"streamtally: interrupted: {text}", err=True)
        raise


def echo_load(notes: Sequence[str], left_out: int, problems: Sequence[str]) -> None:
    """Print a load's notes and problems on standard error."""
    for note in notes:
        click.echo(f"note: {note}", err=True)
    for problem in problems:
        click.echo(f"failed: {problem}", err=True)
    if left_out:
        click.echo(f"note: {left_out} documents outside --from and --to were skipped", err=True)


def parse_span(from_text: str | None, to_text: str | None) -> Span:
    """The times of ``--from`` and ``--to`` in ms since the epoch. Raises: SettingsError: not a time, or no span."""
    from streamtally.indices.loads import EVER

    span = _parse_time(from_text, "--from", EVER[0]), _parse_time(to_text, "--to", EVER[1])
    if span[0] >= span[1]:
        raise SettingsError(f"--from {from_text} is not before --to {to_text}")
    return span


def _parse_time(text: str | None, option: str, default: int) -> int:
    """An option's time in ms since the epoch, in UTC if it has no offset. Raises: SettingsError: not a time."""
    if text is None:
        return default
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{option} {visible(text, 60)} is not a time: write it like 2025-03-01T00:00") from None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
