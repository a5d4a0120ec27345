"""``run --compare``: another log is counted as the first one is, for the report alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from streamtally.cli.shared.log_lines import iter_raw_logs
from streamtally.errors import SettingsError
from streamtally.local.logs import STANDARD_INPUT, check_logs, shown_name
from streamtally.local.report_counts import TOP_ENTRIES
from streamtally.local.run import LocalRun
from streamtally.local.summary import Summary
from streamtally.local.team import Job, Team
from streamtally.report.comparison import compare_lists
from streamtally.report.data import ReportData

_LISTS: Final = ("paths", "not_found", "server_errors")


class _Nowhere:
    """Neither documents nor objects of the other log are kept."""

    def put(self, *_: Any) -> None:
        """Keep nothing."""


def check_compare(other: str | None, no_report: bool) -> None:
    """Raises: SettingsError: the other log cannot be read, or there is no report to show it in."""
    if other is None:
        return
    if no_report:
        raise SettingsError("--compare and --no-report exclude each other: the comparison is in the report")
    if other == STANDARD_INPUT:
        raise SettingsError("--compare needs a file, not standard input")
    check_logs([other])


def compare_with(data: ReportData, summary: Summary, job: Job, other: str | None, workers: int) -> ReportData:
    """The data with those of another log."""
    if other is None:
        return data
    nowhere: Any = _Nowhere()
    run = LocalRun(job.pipeline, nowhere, nowhere)
    run.run_logs(iter_raw_logs([other], "logged"), 1, Team(job, workers))
    compared = run.summary.report_data(run.ledger, data.pipeline, [shown_name(other)], data.generated_at)
    lists = compare_lists(summary.lists(_LISTS), run.summary.lists(_LISTS), TOP_ENTRIES)
    return replace(data, compared=compared, compared_lists=lists)
