"""What a report looks up once a log is read: browsers, systems and bots by the agents, countries by the clients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamtally.errors import SettingsError
from streamtally.local.report_counts import TOP_ENTRIES
from streamtally.local.summary import Summary
from streamtally.report.agents import MAX_AGENTS, group_agents
from streamtally.report.data import ReportData
from streamtally.report.selection import ENTRIES, cut_list

if TYPE_CHECKING:
    from streamtally.local.countries import Countries


def open_countries(path: Path | None, no_report: bool) -> Countries | None:
    """The file of ``--geoip``. Raises: SettingsError: it is not a MaxMind DB."""
    if path is None:
        return None
    if no_report:
        raise SettingsError("--geoip and --no-report exclude each other: countries are shown in the report")
    from streamtally.local.countries import Countries  # what few runs need

    return Countries(path)


def add_look_ups(
    data: ReportData, summary: Summary, countries: Countries | None, *, is_live: bool = False
) -> ReportData:
    """The data with browsers, systems, bots and countries.

    Args: is_live: whether it is for a page that is renewed; it does not follow a selection.
    """
    fields, members = group_agents(summary.agents(MAX_AGENTS), ENTRIES)
    if countries is not None:
        from streamtally.local.countries import MAX_CLIENTS

        more, clients = countries.group(summary.hosts(MAX_CLIENTS), ENTRIES)
        fields, members = {**fields, **more}, {**members, **clients}
    selection = None if is_live else summary.selection(fields, members)
    shown: dict[str, Any] = {
        name: cut_list(value, TOP_ENTRIES) if name in members else value for name, value in fields.items()
    }
    return replace(data, **shown, selection=selection)
