"""Countries of clients by a MaxMind DB file. Source: the MaxMind DB File Format Specification, 2.0."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import maxminddb

from streamtally.errors import SettingsError
from streamtally.report.agents import Members, top_of_groups
from streamtally.report.data import TopList
from streamtally.text import visible

MAX_CLIENTS: Final = 20_000
"""Distinct clients that are looked up, the most frequent first; the page states how many rows the others have."""
_DAMAGES: Final = (RecursionError, UnicodeError, IndexError, KeyError, TypeError)  # what reading a damaged file raises


class Countries:
    """A file with the countries of addresses.

    Raises: SettingsError: the file cannot be read, or is not a MaxMind DB.
    """

    def __init__(self, path: Path) -> None:
        self._name = f"--geoip {visible(str(path))}"
        try:
            self._reader = maxminddb.open_database(path)
        except (maxminddb.InvalidDatabaseError, ValueError, EOFError, *_DAMAGES):
            raise SettingsError(f"{self._name}: not a MaxMind DB (.mmdb) file") from None
        except OSError as error:
            raise SettingsError(f"{self._name}: cannot be read: {error.strerror or error}") from None

    def fields(self, hosts: TopList, limit: int) -> dict[str, Any]:
        """The fields of the report's data.

        Args:
            hosts: the most frequent clients, at most :data:`MAX_CLIENTS`.
            limit: entries of the list.
        Raises: SettingsError: the file is damaged.
        """
        return self.group(hosts, limit)[0]

    def group(self, hosts: TopList, limit: int) -> tuple[dict[str, Any], Members]:
        """The same, and the clients of each country."""
        groups: dict[str, list[str]] = {}
        for host, _ in hosts.entries:
            if (country := self._country(host)) is not None:
                groups.setdefault(country, []).append(host)
        top = top_of_groups(groups, dict(hosts.entries), limit, hosts.error)
        return {"countries": top, "unknown_countries": max(hosts.total - top.total, 0)}, {"countries": groups}

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def _country(self, host: str) -> str | None:
        try:
            record: Any = self._reader.get(host.partition("%")[0])
        except ValueError:  # a name, or an IPv6 address where the file has IPv4 alone
            return None
        except (maxminddb.InvalidDatabaseError, *_DAMAGES):
            raise SettingsError(f"{self._name}: is damaged") from None
        return _name_of(record)


def _name_of(record: Any) -> str | None:
    """The country as ``France (FR)``. Files of MaxMind and DB-IP have an object, those of IPinfo a text."""
    if not isinstance(record, dict):
        return None
    country = record.get("country")
    code = record.get("country_code")
    name = country if isinstance(country, str) else None
    if isinstance(country, dict):
        code = country.get("iso_code")
        names = country.get("names")
        name = names.get("en") if isinstance(names, dict) else None
    if isinstance(name, str) and name:
        return f"{name} ({code})" if isinstance(code, str) and code and code != name else name
    return code if isinstance(code, str) and code else None
