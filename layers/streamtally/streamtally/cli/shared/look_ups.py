"""What a report looks up once a log is read: browsers, systems and bots by the agents, countries by the clients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from streamtally.errors import SettingsError
from streamtally.local.report_counts import TOP_ENTRIES
from streamtally.local.summary import Summary
from streamtally.report.agents import MAX_AGENTS, agent_fields
from streamtally.report.data import ReportData

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


def add_look_ups(data: ReportData, summary: Summary, countries: Countries | None) -> ReportData:
    """The data with browsers, systems, bots and countries."""
    data = replace(data, **agent_fields(summary.agents(MAX_AGENTS), TOP_ENTRIES))
    if countries is None:
        return data
    from streamtally.local.countries import MAX_CLIENTS

    return replace(data, **countries.fields(summary.hosts(MAX_CLIENTS), TOP_ENTRIES))
