"""``streamtally report``: the report of a run again, from its DuckDB file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from streamtally.cli.shared.aws_options import echo_json
from streamtally.cli.shared.files import write_atomically
from streamtally.cli.shared.run_output import REPORT
from streamtally.errors import SettingsError
from streamtally.local.saved_run import SavedRun
from streamtally.report.page import render_report
from streamtally.report.saved import decode_report, report_json
from streamtally.report.texts import check_language
from streamtally.text import visible


def execute(file: Path, out: Path | None, as_json: bool, lang: str) -> int:
    """Run ``streamtally report``. Returns: the exit status. Raises: SettingsError."""
    if as_json and out is not None:
        raise SettingsError("--json and --out exclude each other: --json prints what the page shows")
    check_language(lang)
    with closing(SavedRun(file)) as saved:
        data = decode_report(saved.report())
    if as_json:
        echo_json(report_json(data))
        return 0
    page = out or Path(REPORT)
    write_atomically(page, render_report(data, lang))
    click.echo(visible(str(page)))
    return 0
