"""The command line: one file a command, loaded when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from streamtally import __version__
from streamtally.errors import ProgramFileError, StreamtallyError

COMMANDS = {
    "run": "streamtally.cli.run",
    "parse": "streamtally.cli.parse",
    "invoke": "streamtally.cli.invoke",
    "compile": "streamtally.cli.compile",
    "local": "streamtally.cli.local",
    "redrive": "streamtally.cli.redrive",
    "reconcile": "streamtally.cli.reconcile",
    "backfill": "streamtally.cli.backfill",
    "sample": "streamtally.cli.sample",
    "attach": "streamtally.cli.attach",
    "detach": "streamtally.cli.detach",
    "status": "streamtally.cli.status",
    "migrate": "streamtally.cli.migrate",
    "doctor": "streamtally.cli.doctor",
    "agent-config": "streamtally.cli.agent_config",
    "indices": "streamtally.cli.indices",
    "formats": "streamtally.cli.formats",
    "detect": "streamtally.cli.detect",
}
"""Command → its module, which holds it as ``command``; in the order in which help lists them."""

EXIT_FOUND = 1
"""The command worked, and found something wrong."""
EXIT_UNUSABLE = 2
"""The command could not work with what it was given."""


class LazyCommands(click.Group):
    """A group that imports a command's module when it is asked for, so that each starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name]).command
        return command


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="streamtally")
def cli() -> None:
    """Log lines to JSON and exact per-minute counts: on a laptop, and through Firehose, Lambda and OpenSearch.

    Example: streamtally run access.log
    """


def main() -> None:
    """Run a command: a user's mistake is one line on standard error and exit status 2, never a traceback."""
    try:
        status = cli.main(standalone_mode=False, prog_name="streamtally")
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        status = EXIT_UNUSABLE
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        help_ = f" (see {context.command_path} --help)" if context else ""
        click.echo(f"streamtally: {error.format_message().rstrip('.')}{help_}", err=True)
        status = EXIT_UNUSABLE
    except click.Abort:
        status = 130
    except ProgramFileError as error:
        for line in error.shown:
            click.echo(line, err=True)
        status = EXIT_UNUSABLE
    except StreamtallyError as error:
        click.echo(f"streamtally: {error}", err=True)
        status = EXIT_UNUSABLE
    except BrokenPipeError:
        # The reader has seen enough (``| head``); what is still buffered would raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
