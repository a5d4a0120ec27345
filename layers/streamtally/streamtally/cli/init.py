"""``streamtally init``: a log, an agent's configuration or an application → a pipeline folder that works."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.files import write_new_files
from streamtally.errors import SettingsError
from streamtally.text import visible

RESULT = "result"
STREAM = "log-ingestion-stream"
_LAYER = "layers/pipeline/pipeline"


@click.command("init")
@click.argument("log", required=False, metavar="[LOG]")
@click.option("--from", "given", type=click.Path(path_type=Path), metavar="FILE",
              help="An agent.json, whose log and stream are used; or an application as AWS describes it.")  # fmt: skip
@click.option("--application", "name", metavar="NAME", help="Which application of a template with several.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Folder to create; default: named after the log.")  # fmt: skip
def command(log: str | None, given: Path | None, name: str | None, out: Path | None) -> int:
    """Make a pipeline folder for LOG: detect its format, show what would be counted, and run it.

    Writes pipeline.toml with comments, the SQL, the compiled pipeline and an event to try, runs the log, and prints the
    commands to run next. Nothing that exists is overwritten.

    Example: streamtally init access.log --out my-pipeline
    """
    if log is None and given is None:
        raise click.UsageError("name a log, or --from agent.json or an application's file")
    if log == "-":
        raise SettingsError("init reads a log more than once: name a file instead of standard input")
    flow = _flow(given, log) if given is not None else None
    if given is not None and flow is None:
        folder = out or Path(_folder_name(given.stem))
        return _from_application(given, name, folder, log)
    if name is not None:
        raise SettingsError("--application is only for --from an application's file")
    log = flow.log if flow is not None else log
    if log is None:
        raise SettingsError("init needs a log")
    folder = out or Path(_folder_name(log))
    _from_log(log, folder, flow)
    status = _run(log, folder)
    stream, data_stream = (flow.stream, flow.data_stream) if flow else ("", "")
    _show_next(folder, stream or STREAM, is_event=True, data_stream="" if stream else data_stream)
    return status


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow of agent.json.

    Attributes:
        log: its newest log.
        stream: its delivery stream; "" if it has none.
        data_stream: its Kinesis data stream, from which a delivery stream may read; "" if it has none.
        options: how the agent converts lines.
        is_multi_line: whether a record may have several lines.
    """

    log: str
    stream: str
    data_stream: str
    options: list[Any]
    is_multi_line: bool


def _folder_name(log: str) -> str:
    from streamtally.local.new_folder import folder_name

    return folder_name(log)


def _from_log(log: str, folder: Path, flow: Flow | None) -> None:
    from streamtally.aws.clock import now_ms
    from streamtally.local.logs import check_logs
    from streamtally.local.new_folder import describe_log

    check_logs([log])
    made = describe_log(log, now_ms(), flow.options if flow else None)
    click.echo(f"{visible(log)}: {made.read_as}")
    for role, name in made.roles.items():
        click.echo(f"  {role}: {visible(name, 60)}")
    click.echo(f"counted: {made.counted}")
    for path in write_new_files(folder, made.files):
        click.echo(str(path))
    if flow and flow.is_multi_line:
        click.echo(
            "note: records of this flow may have several lines (multiLineStartPattern), but the function reads each "
            "line by itself: keep SINGLELINE as the flow's only option, so that the agent joins them",
            err=True,
        )
    elif flow and flow.options:
        click.echo(
            "note: the function converts lines as the agent did: remove dataProcessingOptions from the flow, so that "
            "it sends them unmodified",
            err=True,
        )


def _flow(path: Path, log: str | None) -> Flow | None:
    """The flow of an agent.json that a log belongs to; None: the file is no agent.json. Raises: SettingsError."""
    from streamtally.doctor.agent_json import flows_of
    from streamtally.local.evidence import find_newest
    from streamtally.local.folder import read_marked_text

    text = read_marked_text(path)
    in_file = flows_of(text)
    _check_flows(path, text, in_file)
    flows = [flow for flow in in_file if isinstance(flow.get("filePattern"), str)]
    if not flows:
        return None
    patterns = ", ".join(dict.fromkeys(str(flow["filePattern"]) for flow in flows))
    logs = [(flow, str(newest)) for flow in flows if (newest := find_newest(flow["filePattern"])) is not None]
    if log is not None:
        absolute = Path(log).absolute()
        own = [flow for flow in flows if absolute.match(flow["filePattern"])] or flows[:1] * (len(flows) == 1)
        logs = [(flow, log) for flow in own]
    if not logs:
        raise SettingsError(f"{path}: no log here matches {patterns}: name one of its logs before --from")
    if len(logs) > 1:
        raise SettingsError(f"{path}: several flows have logs here ({patterns}): name the log before --from")
    flow, chosen = logs[0]
    options = flow.get("dataProcessingOptions")
    return Flow(
        log=chosen,
        stream=str(flow.get("deliveryStream") or ""),
        data_stream=str(flow.get("kinesisStream") or ""),
        options=options if isinstance(options, list) else [],
        is_multi_line=bool(flow.get("multiLineStartPattern")),
    )


def _check_flows(path: Path, text: str, flows: Sequence[Mapping[str, Any]]) -> None:
    """Raises: SettingsError: the file is an agent.json, and has no flow that can be used."""
    from streamtally.doctor.agent_json import load

    if '"flows"' not in text or any(isinstance(flow.get("filePattern"), str) for flow in flows):
        return
    try:
        load(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: is not JSON as the agent reads it: {error}") from None
    raise SettingsError(f"{path}: no flow has a filePattern: streamtally doctor {path} names what is wrong")


def _from_application(path: Path, name: str | None, folder: Path, log: str | None) -> int:
    from streamtally.cli.shared.applications import compile_application

    compile_application(path, check=False, explain=False, out=folder, name=name)
    status = _run(log, folder) if log is not None else 0
    _show_next(folder, STREAM, is_event=False)
    return status


def _run(log: str, folder: Path) -> int:
    from streamtally.cli.commands.run import command as run

    operands = ["--pipeline", str(folder), "--out", str(folder / RESULT), "--", log]
    return int(run.main(operands, prog_name="streamtally run", standalone_mode=False) or 0)


def _show_next(folder: Path, stream: str, is_event: bool, data_stream: str = "") -> None:
    """Print the commands that come next: try the function, deploy, attach."""
    shown = shlex.quote(f"./{folder}" if str(folder).startswith("-") else str(folder))
    trial = f"invoke {shown}/event.json" if is_event else "local"
    click.echo("\nNext:")
    click.echo("  # try the function")
    click.echo(f"  streamtally {trial} --pipeline {shown}")
    click.echo("  # deploy it, in a clone of the repository")
    click.echo(
        f"  rm {_LAYER}/*.sql && cp {shown}/*.sql {shown}/pipeline.* {_LAYER} && sam build && sam deploy --guided"
    )
    if data_stream:
        click.echo(f"  # attach it to the delivery stream that reads from the data stream {visible(data_stream, 60)}")
        click.echo("  # (put its name here); --plan changes nothing")
    else:
        click.echo("  # attach it to a stream that exists; --plan changes nothing")
    click.echo(f"  streamtally attach {shlex.quote(stream)} --function streamtally-transform --grant --plan")
