"""A command as ``main`` runs it, with what it printed and its exit status."""

from __future__ import annotations

from dataclasses import dataclass

import click
from click.testing import CliRunner

from streamtally.aws.clients import Aws
from streamtally.cli.main import cli
from streamtally.errors import StreamtallyError


@dataclass(frozen=True)
class Ran:
    status: int
    stdout: str
    error: str
    """The one line of a user's mistake."""


def run(*args: str, answer: str = "", aws: Aws | None = None) -> Ran:
    """Anything that is not a user's mistake goes up, as a traceback would."""
    result = CliRunner().invoke(cli, list(args), input=answer, obj=aws, standalone_mode=False)
    if isinstance(result.exception, StreamtallyError | click.ClickException):
        text = result.exception.message if isinstance(result.exception, click.ClickException) else str(result.exception)
        return Ran(2, result.stdout, text)
    if result.exception is not None:
        raise result.exception
    return Ran(result.return_value or 0, result.stdout, result.stderr)
