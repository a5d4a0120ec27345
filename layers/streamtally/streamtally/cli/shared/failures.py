"""What a command says when it cannot work: one line, or a program's problems in place."""

from __future__ import annotations

from collections.abc import Sequence

import click

from streamtally.errors import ProgramFileError

AWS_MODULES = frozenset({"boto3", "botocore", "opensearchpy", "requests", "requests_aws4auth"})
"""What ``make setup`` leaves out, because the commands that work on this machine do not need it."""


def explain_failure(error: Exception) -> Sequence[str]:
    """The lines for standard error. Raises: the error itself: a module is missing that is not left out on purpose."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return [error.format_message()]
    if isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        advice = f" (see {context.command_path} --help)" if context else ""
        message = " ".join(error.format_message().split())  # click lists choices one a line
        return [f"streamtally: {message.rstrip('.')}{advice}"]
    if isinstance(error, ProgramFileError):
        return error.shown
    if isinstance(error, ModuleNotFoundError):
        return [_missing_module(error)]
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return [f"streamtally: {where}{error.strerror or error}"]
    return [f"streamtally: {error}"]


def _missing_module(error: ModuleNotFoundError) -> str:
    if (error.name or "").partition(".")[0] not in AWS_MODULES:
        raise error
    return (
        f"streamtally: {error.name} is not installed, which commands need that reach AWS or OpenSearch: "
        "run make setup-aws in the checkout, or install streamtally with pip, pipx or uv"
    )
