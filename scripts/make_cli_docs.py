"""Writes docs/cli.md from the commands' help: python -m scripts.make_cli_docs (make docs-cli)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from streamtally.cli.main import cli

PATH = Path("docs/cli.md")
HEAD = """# The command line

Made from the commands' own help by `make docs-cli`; a test keeps it in step.

Every command exits with 0 where all is well, 1 where it worked and found something wrong, 2 where it could not work
with what it was given, which is then one line on standard error. Commands that talk to AWS take `--profile`, `--region`
and `--endpoint-url` as the AWS CLI does, and respect `AWS_PROFILE`, `AWS_REGION` and `AWS_ENDPOINT_URL`. Colour is for
terminals alone; `NO_COLOR` turns it off there too. Nothing in AWS is changed without a yes.

Shell completion: `eval "$(_STREAMTALLY_COMPLETE=bash_source streamtally)"` in `~/.bashrc` (`zsh_source` and
`fish_source` for the others).
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
