"""Browsers, systems and bots, as the agents' own vendors describe them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from streamtally.report.agents import MAX_AGENTS, agent_fields
from streamtally.report.data import TopList
from streamtally.report.page import render_report
from tests.unit.report.test_page import EMPTY

pytest.importorskip("ua_parser")

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36"
EDGE = f"{CHROME} Edg/131.0.0.0"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 "
    "Mobile/15E148 Safari/604.1"
)
SILK = f"Mozilla/5.0 (Linux; Android 9; KFMAWI) {WEBKIT} Silk/108.5 like Chrome/108.0.5359.220 Safari/537.36"
GOOGLEBOT = (
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)
BINGBOT = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"


@pytest.mark.parametrize(
    "agent, browser, system, bot",
    [
        (CHROME, "Chrome", "Windows", None),
        (EDGE, "Edge", "Windows", None),
        (FIREFOX, "Firefox", "Linux", None),
        (SAFARI, "Mobile Safari", "iOS", None),
        (SILK, "Amazon Silk", "Android", None),
        ("curl/8.12.1", "curl", None, None),
        ("Wget/1.21", "Wget", None, None),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "IE", "Windows", None),
        (GOOGLEBOT, None, None, "Googlebot"),
        (BINGBOT, None, None, "bingbot"),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)", None, None, "GPTBot"),
        ("\ud800", None, None, None),
        ("${jndi:ldap://203.0.113.66/a}", None, None, None),
        ("", None, None, None),
    ],
)
def test_agents(agent: str, browser: str | None, system: str | None, bot: str | None) -> None:
    fields = agent_fields(TopList([(agent, 3)], 3), 9)
    names = ("browsers", "systems", "bots")
    named = {name: fields[name].entries[0] if fields[name].entries else None for name in names}
    expected = {"browsers": browser, "systems": system, "bots": bot}
    assert named == {name: (text, 3) if text else None for name, text in expected.items()}
    assert fields["unknown_agents"] == (0 if browser or bot else 3)


# Rows add up, bots are apart, and what was not looked at is shown with its number.
def test_rows() -> None:
    agents = TopList([(CHROME, 5), (EDGE, 4), (CHROME.replace("131", "130"), 2), (BINGBOT, 7), ("x", 1)], 30)
    fields = agent_fields(agents, 9)
    assert fields["browsers"] == TopList([("Chrome", 7), ("Edge", 4)], 11)
    assert fields["systems"] == TopList([("Windows", 11)], 11)
    assert fields["bots"] == TopList([("bingbot", 7)], 7)
    assert (fields["unknown_agents"], fields["unseen_agents"]) == (1, 11)
    page = render_report(replace(EMPTY, **fields))
    assert "11 rows have agents that were not looked at" in page
    assert "1 rows have an agent without a known name" in page


# Hostile agents take linear time: a thousand of them are done in the time of the limit.
def test_hostile_agents() -> None:
    texts = ["Mozilla/5.0 " + "(" * 480, "a;" * 240, "Android " * 60, "SV1; " * 99, "1." * 240, "bot" * 160]
    begin = time.process_time()
    agent_fields(TopList([(text[:500], 1) for text in texts * 10], 60), 9)
    assert time.process_time() - begin < 3
    assert MAX_AGENTS == 1_000
