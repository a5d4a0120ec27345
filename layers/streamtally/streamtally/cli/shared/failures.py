"""What a command says when it cannot work: one line, or a program's problems in place."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from streamtally.errors import ProgramFileError
from streamtally.text import near_names

AWS_MODULES = frozenset({"boto3", "botocore", "opensearchpy", "requests", "requests_aws4auth"})
"""What ``make setup`` leaves out, because the commands that work on this machine do not need it."""

_WRONG_CHOICE = re.compile(r"'([^']*)' is not one of ")
_OUT_OF_RANGE = re.compile(r" is not in the range \S+(?<!\.)")
_NO_NUMBER = re.compile(r"a valid (integer|float)(?: range)?")


def explain_failure(error: Exception) -> Sequence[str]:
    """The lines for standard error. Raises: the error itself: a module of our own is missing."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return [error.format_message()]
    if isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        advice = f" (see {context.command_path} --help)" if context else ""
        message = _rephrase(error, " ".join(error.format_message().split()))  # click lists choices one a line
        return [f"streamtally: {message.rstrip('.')}{advice}"]
    if isinstance(error, ProgramFileError):
        return error.shown
    if isinstance(error, ModuleNotFoundError):
        return [_missing_module(error)]
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return [f"streamtally: {where}{error.strerror or error}"]
    return [f"streamtally: {error}"]


def _rephrase(error: click.ClickException, message: str) -> str:
    """click's message, with the near name of a choice, and bounds and kinds of numbers in words.

    An option that another command has is named with that command: ``report`` shows what ``run --geoip`` counted.
    """
    if isinstance(error, click.NoSuchOption) and (owners := _commands_with(error)):
        owned = " and ".join(f"streamtally {owner}" for owner in owners)
        return f"No such option {error.option_name!r}: {owned} {'has' if len(owners) == 1 else 'have'} it"
    kind = error.param.type if isinstance(error, click.BadParameter) and error.param else None
    if isinstance(kind, click.Choice) and (wrong := _WRONG_CHOICE.search(message)):
        near = near_names(wrong[1], [str(choice) for choice in kind.choices], 1, 0.5)
        return message.rstrip(".") + (f": did you mean {near[0]!r}?" if near else "")
    if isinstance(kind, click.IntRange | click.FloatRange):
        message = _OUT_OF_RANGE.sub(f" must be {_bounds(kind)}", message)
    return _NO_NUMBER.sub(lambda match: "a whole number" if match[1] == "integer" else "a number", message)


def _commands_with(error: click.NoSuchOption) -> list[str]:
    """The commands that have an option of exactly this name, in the order of the help; at most two.

    ``run`` alone, where it is among them: it reads the log.
    """
    context = error.ctx
    group = context.parent.command if context is not None and context.parent is not None else None
    if context is None or context.parent is None or not isinstance(group, click.Group):
        return []
    owners = []
    for name in group.list_commands(context.parent):
        command = group.get_command(context.parent, name)
        if command is not None and any(error.option_name in option.opts for option in command.params):
            owners.append(name)
    return ["run"] if "run" in owners else owners[:2]


def _bounds(kind: click.IntRange | click.FloatRange) -> str:
    low = "" if kind.min is None else f"{'above' if kind.min_open else 'at least'} {_number(kind.min)}"
    high = "" if kind.max is None else f"{'below' if kind.max_open else 'at most'} {_number(kind.max)}"
    return " and ".join(bound for bound in (low, high) if bound)


def _number(value: float) -> str:
    return f"{value:,.12g}" if value < 1e12 else f"{value:,.0f}"


def _missing_module(error: ModuleNotFoundError) -> str:
    package = (error.name or "").partition(".")[0]
    if package == "streamtally" or not package:  # a mistake of ours, whose place matters
        raise error
    if package in AWS_MODULES:
        return (
            f"streamtally: {error.name} is not installed, which commands need that reach AWS or OpenSearch: "
            "run make setup-aws in the checkout, or install streamtally with pip, pipx or uv"
        )
    return (
        f"streamtally: {error.name} is not installed: what this version needs is not what was installed with another; "
        "run make setup in the checkout, or install streamtally again"
    )
