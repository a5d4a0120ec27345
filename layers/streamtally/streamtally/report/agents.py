"""Browsers, systems and bots by the user agents of a log, with the patterns of the ua-parser project.

The patterns run in RE2, whose time is linear in the text, however hostile an agent is. Source: ua-parser/uap-core.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, Final

from streamtally.report.data import TopList

MAX_AGENTS: Final = 1_000
"""Distinct agents that are looked at, the most frequent first; the page states how many rows the others have."""
_SPIDER: Final = "Spider"
_OTHER: Final = "Other"  # as the project itself calls what it has no name for


def agent_fields(agents: TopList, limit: int) -> dict[str, Any]:
    """The fields of the report's data.

    Args:
        agents: the most frequent agents, at most :data:`MAX_AGENTS`.
        limit: entries of a list.
    """
    browsers: Counter[str] = Counter()
    systems: Counter[str] = Counter()
    bots: Counter[str] = Counter()
    unknown = seen = 0
    for (browser, system, is_bot), rows in _look_up(agents.entries):
        seen += rows
        if is_bot:
            bots[browser or _OTHER] += rows
            continue
        unknown += rows if not browser else 0
        if browser:
            browsers[browser] += rows
        if system:
            systems[system] += rows
    return {
        "browsers": _top(browsers, limit, agents.error),
        "systems": _top(systems, limit, agents.error),
        "bots": _top(bots, limit, agents.error),
        "unknown_agents": unknown,
        "unseen_agents": max(agents.total - seen, 0),
    }


def _top(counts: Counter[str], limit: int, error: int) -> TopList:
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


def _look_up(entries: Sequence[tuple[str, int]]) -> Iterable[tuple[tuple[str | None, str | None, bool], int]]:
    """(browser or tool, system, whether it is a bot) and rows for each agent."""
    if not entries:
        return
    if _resolver()[0] is None:
        return
    for agent, rows in entries:
        yield _look_up_one(agent), rows


@lru_cache(4 * MAX_AGENTS)
def _look_up_one(agent: str) -> tuple[str | None, str | None, bool]:
    """What an agent is; remembered, since a live page asks for the same ones each time."""
    resolve, domains = _resolver()
    result = resolve(agent.encode("utf-8", "replace").decode(), domains)
    browser = result.user_agent.family if result.user_agent is not None else None
    system = result.os.family if result.os is not None else None
    return browser, system, result.device is not None and result.device.family == _SPIDER
