"""The command line: each command's options are imported when its help is asked for, its work when it runs."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from streamtally.cli import EXIT_UNUSABLE
from streamtally.errors import StreamtallyError
from streamtally.text import near_names, one_line, visible

COMMANDS = {
    "init": ("init", "Make a pipeline folder for a log, and run it."),
    "run": ("commands.run", "Run the pipeline over local log files."),
    "report": ("commands.report", "Show the report of a run again, as a page or JSON."),
    "query": ("commands.query", "Ask the DuckDB file of a run in SQL."),
    "parse": ("commands.parse", "Parse log lines to JSON lines."),
    "invoke": ("commands.invoke", "Run the transform on an event file."),
    "compile": ("commands.compile", "Compile a pipeline folder, a program or an application."),
    "local": ("commands.local", "Run a Firehose simulator with the transform."),
    "redrive": ("commands.redrive", "Reprocess failed records without double counting."),
    "reconcile": ("commands.reconcile", "Compare the lines in S3 with the settled counts."),
    "backfill": ("commands.backfill", "Load old logs through the same transform."),
    "sample": ("commands.sample", "Generate a realistic access log."),
    "attach": ("commands.attach", "Add the transform to an existing stream."),
    "detach": ("commands.detach", "Restore a stream to its state before attach."),
    "status": ("commands.status", "Show a stream's transform and its health."),
    "migrate": ("commands.migrate", "Convert a Kinesis Analytics application."),
    "doctor": ("commands.doctor", "Diagnose a stream, agent or log, and suggest fixes."),
    "agent-config": ("commands.agent_config", "Write agent.json, or another shipper's config."),
    "indices": ("commands.indices", "Set up, inspect and settle OpenSearch indices."),
    "formats": ("commands.formats", "List the log formats, or show one."),
    "detect": ("commands.detect", "Detect a log's format."),
    "completion": ("completion", "Print the completion script of a shell."),
    "cost": ("commands.cost", "Show what a pipeline costs in AWS."),
}
"""Command → its module below streamtally.cli, which defines it as ``command``, and its summary; in help's order.

The summaries are here so that listing and completing names imports no command."""


class LazyCommands(click.Group):
    """A group that imports a command's module on demand, so that every command starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, summary = COMMANDS[cmd_name]
        command: click.Command = import_module(f"streamtally.cli.{module}").command
        command.short_help = summary
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            near = near_names(name, COMMANDS, 1)  # click's own looks among commands that are imported, which are none
            ctx.fail(f"No such command '{visible(name, 60)}'" + (f": did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        items = [
            CompletionItem(name, help=summary) for name, (_, summary) in COMMANDS.items() if name.startswith(incomplete)
        ]
        # click.Group.shell_complete would import every command for its summary; click.Command's completes options only.
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # click would exit with 1, which means here that a problem was found.
            raise ReaderGoneError from None


class ReaderGoneError(Exception):
    """The reader of standard output has closed it (``| head``)."""


def _print_version(ctx: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked and not ctx.resilient_parsing:
        from streamtally.local.version import describe_version  # starts git in a checkout

        click.echo(f"streamtally, version {describe_version()}")
        ctx.exit()


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
              help="Show the version and the commit it was built from, and exit.")  # fmt: skip
def cli() -> None:
    """Turn log lines into JSON and exact per-minute counts: on a laptop, or with Firehose, Lambda and OpenSearch.

    Example: streamtally run access.log
    """


def main() -> None:
    """Run a command. A user's mistake gives one line on standard error and exit status 2, never a traceback."""
    try:
        _check_streams()
        status = cli.main(standalone_mode=False, prog_name="streamtally")
        sys.stdout.flush()
    except click.Abort:
        status = 130
    except (BrokenPipeError, ReaderGoneError):
        _discard_buffered_output()
        status = 0
    except (click.ClickException, StreamtallyError, ModuleNotFoundError, OSError) as error:
        from streamtally.cli.shared.failures import explain_failure  # not needed to list and complete names

        for line in explain_failure(error):
            click.echo(line, err=True)
        if isinstance(error, OSError):
            _discard_buffered_output()
        status = EXIT_UNUSABLE
    except Exception as error:
        if not _is_full_or_broken_file(error):
            raise
        click.echo(f"streamtally: {one_line(error, 400)}", err=True)
        status = EXIT_UNUSABLE
    sys.exit(status if isinstance(status, int) else 0)


def _is_full_or_broken_file(error: Exception) -> bool:
    """Whether a database's file cannot be read or written: DuckDB and SQLite have their own errors for a full disk.

    They are known by name: importing either library costs what most commands take to start.
    """
    kind = type(error)
    return (kind.__module__, kind.__name__) in (("_duckdb", "IOException"), ("sqlite3", "OperationalError"))


def _check_streams() -> None:
    """Replace standard streams that a shell has closed (``<&-``, ``>&-``) by the null device."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor, so that no later file gets it
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        # A terminal with another character set shows escapes for the characters it lacks, not a traceback.
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _discard_buffered_output() -> None:
    """Send buffered output to the null device: flushing it at exit would raise again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
