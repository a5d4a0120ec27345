"""Writes docs/cli.md from the commands' help: python -m scripts.make_cli_docs (make docs-cli)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from streamtally.cli.main import cli

PATH = Path("docs/cli.md")
HEAD = """# The command line

Generated from the commands' own help by `make docs-cli`; a test keeps it up to date.

Every command exits with 0 on success, 1 if it worked and found a problem, 2 if it could not work with its input; one
line on standard error then says why. Commands that talk to AWS accept `--profile`, `--region` and `--endpoint-url` like
the AWS CLI, and respect `AWS_PROFILE`, `AWS_REGION` and `AWS_ENDPOINT_URL`. Output is coloured on terminals only;
`NO_COLOR` turns that off. Nothing in AWS is changed without confirmation.

Shell completion: `eval "$(streamtally completion bash)"` in `~/.bashrc`; zsh and fish below.
"""


def walk(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """Every command's full name and help, at a width of 100."""
    settings = {**command.context_settings, "terminal_width": 100, "max_content_width": 100}
    context = click.Context(command, parent, name.rpartition(" ")[2] if parent else name, **settings)
    yield name, command.get_help(context)
    if isinstance(command, click.Group):
        for subname in command.list_commands(context):
            subcommand = command.get_command(context, subname)
            if subcommand is not None:
                yield from walk(subcommand, f"{name} {subname}", context)


def make() -> str:
    """The page."""
    parts = [HEAD]
    for name, text in walk(cli, "streamtally"):
        parts.append(f"## `{name}`\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PATH.write_text(make(), encoding="utf-8")
