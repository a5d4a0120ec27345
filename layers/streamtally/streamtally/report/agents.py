"""Browsers, systems and bots by the user agents of a log, with the patterns of the ua-parser project.

The patterns run in RE2, whose time is linear in the text, however hostile an agent is. Source: ua-parser/uap-core.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final

from streamtally.report.data import TopList

MAX_AGENTS: Final = 1_000
"""Distinct agents that are looked at, the most frequent first; the page states how many rows the others have."""
_SPIDER: Final = "Spider"
_OTHER: Final = "Other"  # as the project itself calls what it has no name for


Members = dict[str, dict[str, list[str]]]
"""Name of a list → entry → the texts of the log that it stands for."""


def agent_fields(agents: TopList, limit: int) -> dict[str, Any]:
    """The fields of the report's data.

    Args:
        agents: the most frequent agents, at most :data:`MAX_AGENTS`.
        limit: entries of a list.
    """
    return group_agents(agents, limit)[0]


def group_agents(agents: TopList, limit: int) -> tuple[dict[str, Any], Members]:
    """The same, and the agents of each browser, system and bot."""
    rows_of = dict(agents.entries)
    members: Members = {"browsers": {}, "systems": {}, "bots": {}}
    unknown = seen = 0
    for agent, (browser, system, is_bot) in _look_up(agents.entries):
        seen += rows_of[agent]
        if is_bot:
            members["bots"].setdefault(browser or _OTHER, []).append(agent)
            continue
        unknown += rows_of[agent] if not browser else 0
        if browser:
            members["browsers"].setdefault(browser, []).append(agent)
        if system:
            members["systems"].setdefault(system, []).append(agent)
    tops = {name: top_of_groups(groups, rows_of, limit, agents.error) for name, groups in members.items()}
    return {**tops, "unknown_agents": unknown, "unseen_agents": max(agents.total - seen, 0)}, members


def top_of_groups(groups: Mapping[str, Sequence[str]], rows_of: Mapping[str, int], limit: int, error: int) -> TopList:
    """The largest groups. Args: groups: name → its texts; rows_of: text → rows; error: of these."""
    counts = {name: sum(map(rows_of.__getitem__, texts)) for name, texts in groups.items()}
    entries = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:limit]
    return TopList(entries, sum(counts.values()), error)


@cache
def _resolver() -> tuple[Any, Any]:
    """What looks an agent up, and all that it looks for; None: an installation of the library alone has no patterns."""
    try:
        from ua_parser import Domain
        from ua_parser.loaders import load_lazy_builtins
        from ua_parser.re2 import Resolver
    except ModuleNotFoundError:
        return None, None
    # All patterns of devices: those of telephones come before the general ones of bots, which would take them.
    return Resolver(load_lazy_builtins()), Domain.ALL


def _look_up(entries: Sequence[tuple[str, int]]) -> Iterable[tuple[str, tuple[str | None, str | None, bool]]]:
    """For each agent (browser or tool, system, whether it is a bot)."""
    if not entries:
        return
    if _resolver()[0] is None:
        return
    for agent, _ in entries:
        yield agent, _look_up_one(agent)


@lru_cache(4 * MAX_AGENTS)
def _look_up_one(agent: str) -> tuple[str | None, str | None, bool]:
    """What an agent is; remembered, since a live page asks for the same ones each time."""
    resolve, domains = _resolver()
    result = resolve(agent.encode("utf-8", "replace").decode(), domains)
    browser = result.user_agent.family if result.user_agent is not None else None
    system = result.os.family if result.os is not None else None
    return browser, system, result.device is not None and result.device.family == _SPIDER
