"""``streamtally run``: run the whole pipeline over log files on this machine."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from streamtally.aws.clock import now_ms
from streamtally.aws.sinks.objects import Folder
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import json_option
from streamtally.cli.shared.console import Console
from streamtally.cli.shared.load_options import echo_load, explaining_interruption, load_options, make_load_options
from streamtally.cli.shared.source_options import SourceOptions, format_options, time_options
from streamtally.errors import SettingsError
from streamtally.ids import digest
from streamtally.indices.load_entries import Span
from streamtally.indices.loads import EVER
from streamtally.local.arrival import ReadLine, arrive_when_logged, read_lines
from streamtally.local.folder import DEFAULT_FOLDER, read_folder
from streamtally.local.load_spool import LoadOptions
from streamtally.local.logs import STANDARD_INPUT, LogLine, check_logs, is_read_once, read_log
from streamtally.local.run import LocalRun
from streamtally.local.store import DuckDbStore, plain_document
from streamtally.report.chart import counts_table, ledger_table, minutes_chart, outputs_table, unparsed_table
from streamtally.report.data import ReportData
from streamtally.report.page import render_report
from streamtally.text import visible
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline, load_pipeline

if TYPE_CHECKING:
    from streamtally.local.opensearch_store import OpenSearchStore

DEFAULT_OUT = Path("streamtally-out")
BUCKET, DATABASE, REPORT = "log-bucket", "log-summary.duckdb", "report.html"
MAX_TABLE_ROWS = 30
PROGRESS_BYTES = 1 << 20


@click.command("run")
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@format_options
@time_options
@click.option(
    "--pipeline", "folder", type=click.Path(path_type=Path), help="Pipeline folder; default: the bundled one."
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help=f"Output folder.  [default: {DEFAULT_OUT}]"
)
@click.option("--lines-per-record", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
              help="Lines in each Firehose record.")  # fmt: skip
@click.option(
    "--arrival",
    type=click.Choice(["logged", "now"]),
    default="logged",
    show_default=True,
    help="Arrival time of a line: when it was logged, or now.",
)
@click.option("--opensearch", "url", help="Write the documents to this cluster instead of a DuckDB file.")
@load_options
@json_option
def command(
    logs: tuple[str, ...],
    folder: Path | None,
    out: Path | None,
    lines_per_record: int,
    arrival: str,
    url: str | None,
    between: Span,
    replace_span: bool,
    as_json: bool,
    **source_options: str | None,
) -> None:
    """Run log files (plain or gzip; - is standard input) through the pipeline and show the counts.

    Writes log-bucket/ (the S3 side), log-summary.duckdb (the settled counts) and report.html to --out.

    Example: streamtally run access.log --out result
    """
    if url is None and (replace_span or between != EVER):
        raise SettingsError("--from, --to and --replace-span need --opensearch")
    document = read_folder(folder)
    document["source"] = SourceOptions(**source_options).apply(document["source"])
    pipeline = load_pipeline(document, ZoneInfo)
    names = list(logs)
    check_logs(names)
    with _staging(out or DEFAULT_OUT) as staged:
        run_id = identify_logs(names) if url else ""
        loading = make_load_options(between, replace_span, yes=True)
        store = _open_store(url, pipeline, run_id, loading) if url else DuckDbStore(staged / DATABASE)
        run = LocalRun(pipeline, Folder(staged / BUCKET), store, run_id)
        run.run(_read_all(names, pipeline, arrival), lines_per_record)
        with explaining_interruption() if url else nullcontext():
            store.settle(pipeline)
        if not isinstance(store, DuckDbStore):
            echo_load(store.notes, store.left_out, store.problems)
        if as_json:
            _print_result(run.ledger, pipeline, store)
        shown_outputs = [_last_documents(name, store.documents(output)) for name, output in pipeline.outputs.items()]
        store.close()
        shown = folder or DEFAULT_FOLDER
        data = run.summary.report_data(run.ledger, shown.name, names, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
        (staged / REPORT).write_text(render_report(data), encoding="utf-8")
    if not as_json:
        _show(Console(), data, shown_outputs, out or DEFAULT_OUT)
    if not isinstance(store, DuckDbStore) and store.problems:
        sys.exit(EXIT_FOUND)


def _open_store(url: str, pipeline: Pipeline, run_id: str, options: LoadOptions) -> OpenSearchStore:
    from streamtally.cli.shared.cluster_options import open_cluster
    from streamtally.local.opensearch_store import OpenSearchStore

    return OpenSearchStore(open_cluster(url), pipeline, run_id, options)


def identify_logs(names: list[str]) -> str:
    """An id that is the same for the same logs, so that loading them twice counts once (never for standard input)."""
    parts: list[Any] = []
    for name in names:
        if is_read_once(name):
            parts.append(time.time_ns())
            continue
        with Path(name).open("rb") as log:
            parts.append([Path(name).stat().st_size, hashlib.sha256(log.read(PROGRESS_BYTES)).hexdigest()])
    return digest(parts)


@contextmanager
def _staging(out: Path) -> Iterator[Path]:
    """A folder whose content moves to ``out`` only after success, so that nothing is left half-written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=".run-", dir=out))
    except OSError as error:
        raise SettingsError(f"--out {out}: cannot be written: {error.strerror}") from None
    try:
        yield staged
        for part in (BUCKET, DATABASE, REPORT):
            _replace(staged / part, out / part)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _replace(new: Path, old: Path) -> None:
    if old.is_dir():
        shutil.rmtree(old)
    else:
        old.unlink(missing_ok=True)
    if new.exists():
        new.rename(old)


def _read_all(names: list[str], pipeline: Pipeline, arrival: str) -> Iterator[ReadLine]:
    """The lines of all logs with their arrival times, with a progress bar on the terminal."""
    sizes = {name: Path(name).stat().st_size for name in names if name != STANDARD_INPUT}
    with _progress() as bar:
        for name in names:
            task = bar.add_task(visible(Path(name).name, 40), total=sizes.get(name))
            lines = read_lines(_advancing(read_log(name), bar, task, name), pipeline.source, _file_ms(name))
            if arrival == "now":
                yield from _arrive_now(lines)
            else:
                yield from arrive_when_logged(lines, _file_ms(name))


def _advancing(lines: Iterator[LogLine], bar: Progress, task: TaskID, name: str) -> Iterator[LogLine]:
    # A compressed file has more bytes than its size says, so its bar shows activity without a percentage.
    if name.endswith(".gz"):
        bar.update(task, total=None)
    done = 0
    for line in lines:
        done += line.size_bytes
        if done >= PROGRESS_BYTES:
            bar.advance(task, done)
            done = 0
        yield line
    bar.advance(task, done)


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _file_ms(name: str) -> int:
    return now_ms() if name == STANDARD_INPUT else Path(name).stat().st_mtime_ns // 1_000_000


def _arrive_now(lines: Iterator[ReadLine]) -> Iterator[ReadLine]:
    for line in lines:
        line.arrival = now_ms()
        yield line


def _print_result(ledger: Ledger, pipeline: Pipeline, store: DuckDbStore | OpenSearchStore) -> None:
    """Print the result as one JSON object, document by document: a row output may have any number of them."""
    counts: dict[str, Any] = {**ledger.line_classes()}
    if not isinstance(store, DuckDbStore):
        counts |= {"left_out": store.left_out, "notes": store.notes, "problems": store.problems}
    write = sys.stdout.write
    write(json.dumps(counts)[:-1] + ', "outputs": {')
    for index, (name, output) in enumerate(pipeline.outputs.items()):
        write(f"{', ' if index else ''}{json.dumps(name)}: [")
        for number, document in enumerate(store.documents(output)):
            write(f"{', ' if number else ''}{json.dumps(plain_document(document))}")
        write("]")
    write("}}\n")


@dataclass(frozen=True, slots=True)
class _LastDocuments:
    """The last documents of an output, as its table shows them."""

    name: str
    columns: list[str]
    rows: list[list[Any]]
    total: int


def _last_documents(name: str, documents: Iterable[dict[str, Any]]) -> _LastDocuments:
    last: deque[dict[str, Any]] = deque(maxlen=MAX_TABLE_ROWS)
    total = 0
    for document in documents:
        last.append(document)
        total += 1
    rows = [plain_document(document) for document in last]
    return _LastDocuments(name, list(rows[0]) if rows else [], [list(row.values()) for row in rows], total)


def _show(console: Console, data: ReportData, outputs: list[_LastDocuments], out: Path) -> None:
    ascii_only = not console.encoding.lower().startswith("utf")
    for output in outputs:
        title = (
            output.name
            if output.total <= len(output.rows)
            else f"{output.name}: the last {len(output.rows)} of {output.total:,}"
        )
        console.print(counts_table(title, output.columns, output.rows, max_rows=MAX_TABLE_ROWS, ascii_only=ascii_only))
    console.print(minutes_chart(data.status_by_minute, console.width, ascii_only=ascii_only))
    console.print(ledger_table(data, ascii_only=ascii_only))
    console.print(outputs_table(data.outputs, ascii_only=ascii_only))
    if data.unparsed_lines:
        missing = data.unparsed + data.failed
        console.print(unparsed_table(data.unparsed_lines[:10], missing, console.width, ascii_only=ascii_only))
    for part in (BUCKET, DATABASE, REPORT):
        console.print(f"{out / part}", highlight=False, soft_wrap=True, markup=False)
