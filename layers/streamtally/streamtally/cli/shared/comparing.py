"""``run --compare``: another log is counted as the first one is, for the report alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from streamtally.cli.shared.log_lines import iter_raw_logs
from streamtally.errors import SettingsError
from streamtally.local.logs import STANDARD_INPUT, check_logs, shown_name
from streamtally.local.report_counts import TOP_ENTRIES
from streamtally.local.run import LocalRun
from streamtally.local.summary import Summary
from streamtally.local.team import Job, Team
from streamtally.report.agents import MAX_AGENTS, group_agents
from streamtally.report.comparison import compare_lists
from streamtally.report.data import ReportData, TopList

if TYPE_CHECKING:
    from streamtally.local.countries import Countries

_LISTS: Final = ("paths", "not_found", "server_errors", "agents")


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


def compare_with(
    data: ReportData, summary: Summary, job: Job, other: str | None, workers: int, countries: Countries | None = None
) -> ReportData:
    """The data with those of another log."""
    if other is None:
        return data
    nowhere: Any = _Nowhere()
    run = LocalRun(job.pipeline, nowhere, nowhere)
    run.run_logs(iter_raw_logs([other], "logged"), 1, Team(job, workers))
    compared = run.summary.report_data(run.ledger, data.pipeline, [shown_name(other)], data.generated_at)
    these, others = (_lists_of(one, countries) for one in (summary, run.summary))
    both = {kind: top for kind, top in these.items() if kind in others}
    return replace(data, compared=compared, compared_lists=compare_lists(both, others, TOP_ENTRIES))


def _lists_of(summary: Summary, countries: Countries | None) -> dict[str, TopList]:
    """The lists of a log. What is only known of the most frequent agents or clients is left out: a rest is no 0."""
    lists = summary.lists(_LISTS)
    fields, _ = group_agents(summary.agents(MAX_AGENTS), MAX_AGENTS)
    if not fields["unseen_agents"]:
        lists |= {name: fields[name] for name in ("browsers", "systems", "bots")}
    if countries is not None:
        from streamtally.local.countries import MAX_CLIENTS

        hosts = summary.hosts(MAX_CLIENTS)
        if sum(rows for _, rows in hosts.entries) == hosts.total:
            lists["countries"] = countries.group(hosts, MAX_CLIENTS)[0]["countries"]
    return lists
