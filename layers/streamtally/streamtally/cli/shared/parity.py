"""A program run on a recorded input, compared with what the application itself made of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from msgspec import structs

from streamtally.aws.sinks.objects import Folder
from streamtally.config.source import FORMATS_OWN
from streamtally.errors import SettingsError
from streamtally.local.arrival import ReadLine, arrive_when_logged, read_lines
from streamtally.local.logs import check_logs, read_log
from streamtally.local.run import LocalRun
from streamtally.local.store import DuckDbStore
from streamtally.migrate.parity import Parity, columns_of, compare
from streamtally.text import visible
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.source import Source


@dataclass
class Comparison:
    """How the program's result on the recorded input compares with the recorded output."""

    outputs: dict[str, Parity]
    """By name."""
    lines: int = 0
    """Lines of the input."""
    unparsed: int = 0
    """Of these, lines that do not parse."""
    untimed: int = 0
    """Of these, lines that do not say when they were logged."""
    reason: str = ""
    """Why the first line that does not parse does not."""

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs and at least one row is equal."""
        parities = self.outputs.values()
        return all(parity.is_equal for parity in parities) and any(parity.equal for parity in parities)


def compare_recordings(pipeline: Pipeline, log: str, recorded: str) -> Comparison:
    """Run the program on the recorded input and compare with the recorded output.

    Args:
        log: the path of the recorded input.
        recorded: the path of the recorded output, JSON objects.

    Raises: SettingsError: a recording cannot be read, or has rows that no output has.
    """
    document = pipeline.document
    check_logs([log])
    comparison = Comparison({})
    with tempfile.TemporaryDirectory() as folder:
        store = DuckDbStore(Path(folder) / "parity.duckdb")
        run = LocalRun(pipeline, Folder(Path(folder) / "bucket"), store)
        file_ms = int(Path(log).stat().st_mtime * 1000)
        lines = _counted(read_lines(read_log(log), _timed_source(pipeline.source), file_ms), comparison)
        run.run(arrive_when_logged(lines, file_ms), 1)
        ours = {name: [dict(row) for row in store.documents(output)] for name, output in pipeline.outputs.items()}
        store.close()
    rows = list(_recorded(recorded))
    for node in document["plan"]["outputs"]:
        names = {column["name"].lower() for column in node["columns"]}
        # A recording may hold the rows of several streams: a row belongs to the output that has exactly its columns.
        theirs = [row for row in rows if {key.lower() for key in row} == names]
        comparison.outputs[node["name"]] = compare(ours[node["name"]], theirs, columns_of(node))
    unmatched = len(rows) - sum(1 for row in rows if any(_fits(row, node) for node in document["plan"]["outputs"]))
    if unmatched:
        raise SettingsError(f"{recorded}: {unmatched} rows have columns that no output of the program has")
    return comparison


def _timed_source(source: Source) -> Source:
    """The source, which reads when a line was logged even if the program does not.

    ROWTIME is not recorded, so any time in a JSON line stands for it.
    """
    if source.settings.format != "json" or source.settings.time_field != FORMATS_OWN:
        return source
    return Source(structs.replace(source.settings, time_field="auto", time_format="auto"), ZoneInfo)


def _counted(lines: Iterable[ReadLine], comparison: Comparison) -> Iterator[ReadLine]:
    for line in lines:
        comparison.lines += 1
        comparison.unparsed += line.row is None and bool(line.reason)
        comparison.untimed += line.row is not None and line.time is None
        comparison.reason = comparison.reason or line.reason
        yield line


def _fits(row: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    return {key.lower() for key in row} == {column["name"].lower() for column in node["columns"]}


def _recorded(path: str) -> Iterator[dict[str, Any]]:
    for line in read_log(path):
        try:
            rows = list(_objects(line.data.decode()))
        except (ValueError, RecursionError):
            rows = [None]
        for row in rows:
            if not isinstance(row, dict):
                raise SettingsError(
                    f"{path}:{line.number}: not a JSON object: the recorded output must have one per line"
                )
            yield row


def _objects(text: str) -> Iterator[Any]:
    """The values of a line: a delivery stream that adds no line ends puts several records on one line."""
    decoder, text = json.JSONDecoder(), text.strip()
    position = 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        yield value
        while text[position : position + 1].isspace():
            position += 1


def parity_json(parity: Parity) -> dict[str, Any]:
    """An output's comparison, as ``--json`` prints it."""
    return {name: getattr(parity, name) for name in Parity.__dataclass_fields__} | {"is_equal": parity.is_equal}


def show_comparison(comparison: Comparison) -> None:
    """Print a comparison."""
    click.echo(f"\ninput: {comparison.lines:,} lines, {comparison.unparsed:,} of them do not parse")
    if comparison.unparsed:
        click.echo(f"  {visible(comparison.reason, 200)}: is the recorded input what the application read?")
    if comparison.untimed:
        advice = "name the column with time_field under [source]"
        click.echo(f"  {comparison.untimed:,} do not say when they were logged: {advice}")
    for output, parity in comparison.outputs.items():
        _show(output, parity)
    if not any(parity.equal for parity in comparison.outputs.values()):
        click.echo("\nNothing is equal. Windows go by the time lines were logged: the recording must cover that time.")


def _show(output: str, parity: Parity) -> None:
    counts = ("equal", "different", "missing", "extra", "repeated", "edge")
    click.echo(f"\n{output}: " + ", ".join(f"{getattr(parity, name):,} {name}" for name in counts))
    for example in parity.examples:
        click.echo(f"  {visible(example, 200)}")
