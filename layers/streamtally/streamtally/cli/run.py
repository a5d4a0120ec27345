"""``streamtally run``: run the whole pipeline over log files on this machine."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamtally.aws.clients import Aws
from streamtally.aws.handlers.kernel import load_kernel
from streamtally.aws.sinks.objects import Folder
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import Auth
from streamtally.cli.shared.comparing import check_compare, compare_with
from streamtally.cli.shared.console import Console
from streamtally.cli.shared.following import FollowOptions, follow_logs
from streamtally.cli.shared.load_options import echo_load, explaining_interruption, make_load_options
from streamtally.cli.shared.log_lines import identify_logs, iter_raw_logs
from streamtally.cli.shared.look_ups import add_look_ups, open_countries
from streamtally.cli.shared.reference_options import open_pipeline
from streamtally.cli.shared.run_output import BUCKET, DATABASE, DEFAULT_OUT, REPORT, staging
from streamtally.cli.shared.run_result import keep_report, last_documents, print_result, show_result
from streamtally.cli.shared.source_options import SourceOptions
from streamtally.cli.shared.uncounted import echo_uncounted
from streamtally.errors import SettingsError
from streamtally.indices.load_entries import Span
from streamtally.indices.loads import EVER
from streamtally.local.by_fields import split_names
from streamtally.local.folder import find_folder, own_folder, read_folder
from streamtally.local.likely_format import likely_format
from streamtally.local.load_spool import LoadOptions
from streamtally.local.logs import shown_name
from streamtally.local.processes import available_cores
from streamtally.local.report_counts import ReportOptions
from streamtally.local.run import LocalRun
from streamtally.local.store import DuckDbStore, interrupted_queries
from streamtally.local.team import Job, Team
from streamtally.report.data import ReportData
from streamtally.report.page import render_report
from streamtally.report.texts import check_language
from streamtally.transform.known_columns import check_plan
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline

if TYPE_CHECKING:
    from streamtally.local.by_program import ByProgram
    from streamtally.local.opensearch_store import OpenSearchStore


def execute(
    aws: Aws,
    logs: tuple[str, ...],
    folder: Path | None,
    references: tuple[str, ...],
    by_texts: tuple[str, ...],
    out: Path | None,
    lines_per_record: int,
    arrival: str,
    workers: int | None,
    no_report: bool,
    duration_unit: str | None,
    geoip: Path | None,
    compare: str | None,
    lang: str,
    url: str | None,
    auth: Auth | None,
    between: Span,
    replace_span: bool,
    as_json: bool,
    follow: bool,
    from_end: bool,
    interval: float | None,
    page: int | None,
    **source_options: str | None,
) -> int:
    """Run ``streamtally run``. Returns: the exit status. Raises: SettingsError."""
    following = FollowOptions(follow, from_end, interval, page)
    following.check(url, workers)
    check_language(lang)
    if url is None and (replace_span or between != EVER):
        raise SettingsError("--from, --to and --replace-span need --opensearch")
    options = SourceOptions(**source_options)
    if not by_texts and folder is None:
        folder = own_folder()
    by = _program_by(by_texts, folder, options) if by_texts else None
    pipeline = open_pipeline(by.document if by else _folder_document(folder, options), references, aws)
    if folder is not None and options.changes_fields:
        check_plan(pipeline.document["plan"], pipeline.source)
    names = list(logs)
    countries = open_countries(geoip, no_report)
    check_compare(compare, no_report)
    load_kernel(os.environ, lambda line: click.echo(line, err=True))  # says once why it is not used
    follower = following.open(names)
    with interrupted_queries(), staging(out or DEFAULT_OUT) as staged:
        run_id = identify_logs(names) if url else ""
        loading = make_load_options(between, replace_span, yes=True)
        store = _open_store(url, aws, auth, pipeline, run_id, loading) if url else DuckDbStore(staged / DATABASE)
        counted = ReportOptions(follow or not no_report, duration_unit or "")  # the live view shows paths
        job = Job(pipeline, run_id, by.fields if by else {}, counted)
        if follower is not None and isinstance(store, DuckDbStore):
            run = follow_logs(
                job,
                follower,
                Folder(staged / BUCKET),
                store,
                names,
                following,
                lines_per_record,
                arrival,
                lang,
                countries,
            )
        else:
            run = LocalRun(pipeline, Folder(staged / BUCKET), store, run_id)
            run.summary.watch(job.watched)
            run.run_logs(iter_raw_logs(names, arrival), lines_per_record, Team(job, workers or available_cores()))
        with explaining_interruption() if url else nullcontext():
            store.settle(pipeline)
        if not isinstance(store, DuckDbStore):
            echo_load(store.notes, store.left_out, store.problems)
        if folder is None and by is None:
            pipeline = _without_unused(pipeline, run.ledger)
        shown_outputs = [last_documents(name, store, output) for name, output in pipeline.outputs.items()]
        shown = f"by {', '.join(by.fields)}" if by else find_folder(folder).resolve().name
        data = run.summary.report_data(run.ledger, shown, names, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
        data = replace(data, inputs=[shown_name(name) for name in names], last_documents=shown_outputs)
        data = data if no_report else add_look_ups(data, run.summary, countries)
        data = compare_with(data, run.summary, job, compare, workers or available_cores(), countries)
        if as_json:
            print_result(run.ledger, pipeline, store, by, None if no_report else data)
        _write_report(data, staged, store, None if no_report else lang)
        store.close()
    if not as_json:
        show_result(Console(), data, shown_outputs, out or DEFAULT_OUT, by)
    is_nothing = _echo_uncounted(run, pipeline, names, follow)
    return EXIT_FOUND if is_nothing or _has_problems(store) else 0


def _echo_uncounted(run: LocalRun, pipeline: Pipeline, names: list[str], follow: bool) -> bool:
    """Print what was not counted. Returns: whether nothing of the logs' lines was."""
    if not run.ledger.lines:
        click.echo(f"note: {', '.join(map(shown_name, names))}: nothing to count: no lines", err=True)
    read_as = run.summary.read_as(names)
    if 2 * run.ledger.rows < run.ledger.lines:
        read_as = replace(read_as, likeliest=likely_format(["-"] if follow else names, run.summary.unread_texts()))
    return echo_uncounted(run.ledger, pipeline, read_as)


def _write_report(data: ReportData, folder: Path, store: DuckDbStore | OpenSearchStore, language: str | None) -> None:
    """Write the page, unless there is no language for it."""
    if language is not None:
        (folder / REPORT).write_text(render_report(data, language), encoding="utf-8")
        if isinstance(store, DuckDbStore):
            keep_report(store, data)


def _has_problems(store: DuckDbStore | OpenSearchStore) -> bool:
    return not isinstance(store, DuckDbStore) and bool(store.problems)


def _folder_document(folder: Path | None, options: SourceOptions) -> dict[str, Any]:
    document = read_folder(folder)
    return {**document, "source": options.apply(document["source"])}


def _without_unused(pipeline: Pipeline, ledger: Ledger) -> Pipeline:
    """The bundled pipeline without outputs that the log has nothing for: access logs have no levels to be counted.

    They are those that filtered every row. If that is all of them, the first one stays.
    """
    used = {
        name: output
        for name, output in pipeline.outputs.items()
        if (account := ledger.outputs.get(name)) is not None
        and account.emitted + account.eval_failed + account.out_of_range
    }
    return replace(pipeline, outputs=used or dict(list(pipeline.outputs.items())[:1]))


def _program_by(texts: tuple[str, ...], folder: Path | None, options: SourceOptions) -> ByProgram:
    if folder is not None:
        raise SettingsError("--by and --pipeline exclude each other: a pipeline says itself what is counted")
    from streamtally.local.by_program import program_by  # imports sqlglot, which compiled pipelines do not need

    return program_by(split_names(texts), options.apply({}))


def _open_store(
    url: str, aws: Aws, auth: Auth | None, pipeline: Pipeline, run_id: str, options: LoadOptions
) -> OpenSearchStore:
    from streamtally.cli.shared.cluster_options import open_cluster
    from streamtally.local.opensearch_store import OpenSearchStore

    return OpenSearchStore(open_cluster(url, aws=aws, auth=auth), pipeline, run_id, options)
