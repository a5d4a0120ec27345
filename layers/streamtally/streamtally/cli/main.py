"""The command line: one file a command, loaded when it is called."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from streamtally import __version__
from streamtally.errors import ProgramFileError, StreamtallyError

COMMANDS = {
    "run": ("run", "Run the pipeline over local log files."),
    "parse": ("parse", "Parse log lines to JSON lines."),
    "invoke": ("invoke", "Run the transform on an event file."),
    "compile": ("compile", "Compile a pipeline folder, a program or an application."),
    "local": ("local", "Run a Firehose simulator with the transform."),
    "redrive": ("redrive", "Reprocess failed records without double counting."),
    "reconcile": ("reconcile", "Compare the lines in S3 with the settled counts."),
    "backfill": ("backfill", "Load old logs through the same transform."),
    "sample": ("sample", "Generate a realistic access log."),
    "attach": ("attach", "Add the transform to an existing stream."),
    "detach": ("detach", "Restore a stream to its state before attach."),
    "status": ("status", "Show a stream's transform and its health."),
    "migrate": ("migrate", "Convert a Kinesis Analytics application."),
    "doctor": ("doctor", "Diagnose a stream, agent or log, and suggest fixes."),
    "agent-config": ("agent_config", "Write agent.json, or another shipper's config."),
    "indices": ("indices", "Set up, inspect and settle OpenSearch indices."),
    "formats": ("formats", "List the log formats, or show one."),
    "detect": ("detect", "Detect a log's format."),
}
"""Command → its module below streamtally.cli, which holds it as ``command``, and its line in the list; in help's order.

The lines stand here so that listing and completing names loads no command."""

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
        module, summary = COMMANDS[cmd_name]
        command: click.Command = import_module(f"streamtally.cli.{module}").command
        command.short_help = summary
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        items = [
            CompletionItem(name, help=summary) for name, (_, summary) in COMMANDS.items() if name.startswith(incomplete)
        ]
        # A group's own would load every command for its line; a command's completes the options alone.
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # click would exit with 1, which here says that something wrong was found.
            raise ReaderGoneError from None


class ReaderGoneError(Exception):
    """Whoever reads standard output has seen enough (``| head``)."""


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="streamtally")
def cli() -> None:
    """Log lines to JSON and exact per-minute counts: on a laptop, and through Firehose, Lambda and OpenSearch.

    Example: streamtally run access.log
    """


def main() -> None:
    """Run a command: a user's mistake is one line on standard error and exit status 2, never a traceback."""
    try:
        _check_streams()
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
    except (BrokenPipeError, ReaderGoneError):
        _drop_what_is_buffered()
        status = 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"streamtally: {where}{error.strerror or error}", err=True)
        _drop_what_is_buffered()
        status = EXIT_UNUSABLE
    sys.exit(status if isinstance(status, int) else 0)


def _check_streams() -> None:
    """A shell's ``<&-`` and ``>&-`` leave Python without these streams: then they are empty, or read by nobody."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: no file of ours gets it
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another character set shows an escape for what it has not, in place of a traceback.
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _drop_what_is_buffered() -> None:
    """It would raise again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
