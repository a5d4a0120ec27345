"""The report and the live page by axe-core's rules and by keyboard, light and dark, on a phone and a large screen.

Needs axe-core: `scripts/ci/install-tool axe`. With AXE_REQUIRED=1 its absence is a failure.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streamtally.local.destinations import Settled
from streamtally.local.live.follow_page import FollowPage
from streamtally.local.live.rates import RecentRate
from streamtally.local.live.status import Status, status_parts, tap_sections
from streamtally.local.live.tap import Tap
from streamtally.report.data import UnparsedLine
from streamtally.report.page import render_report
from streamtally.report.texts import speaking
from streamtally.report.view import Component
from streamtally.transform.ledger import Ledger
from tests.integration.browser.chromium import CHROMIUM, Chromium
from tests.unit.report.hostile import hostile_report

AXE = Path(__file__).resolve().parents[3] / ".tools/axe/node_modules/axe-core/axe.min.js"
REQUIRED = os.environ.get("AXE_REQUIRED") == "1"
# A violation: its rule, the element, and what is wrong with it.
CHECK = """axe.run(document, %s).then((result) => JSON.stringify(result.violations.flatMap(
  (rule) => rule.nodes.map((node) => [rule.id, node.html.slice(0, 200), node.failureSummary]))))"""
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
# What a reader can open, press or scroll. A part of a closed section is reached after it is opened.
OPERABLE = "document.querySelectorAll('summary, button:not([hidden]), select, input, a[href], [tabindex=\"0\"]').length"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)"),
    pytest.mark.skipif(not AXE.exists() and not REQUIRED, reason="needs axe-core: scripts/ci/install-tool axe"),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Page, with its language where it is not English → its URL."""
    folder, shown, lives = tmp_path_factory.mktemp("pages"), {}, []
    for language, suffix in (("en", ""), ("ja", " ja")):
        report = folder / f"{language}.html"
        report.write_text(render_report(hostile_report(), language), encoding="utf-8")
        live = FollowPage("Streamtally: live", 0, language=language)
        lives.append((live, live_parts(language)))
        shown |= {f"report{suffix}": report.as_uri(), f"live{suffix}": live.url}
    stop = threading.Event()

    def count() -> None:
        while not stop.wait(0.05):
            for live, parts in lives:
                live.offer(lambda parts=parts: parts)  # type: ignore[misc]  # only while a browser shows the page

    counting = threading.Thread(target=count)
    counting.start()
    yield shown
    stop.set()
    counting.join()
    for live, _ in lives:
        live.close()


def live_parts(language: str) -> list[Component]:
    """All that a live page can show."""
    tap = Tap(("summaries",))
    tap.take("lines", [b"a line"])
    tap.take("summaries", [b"{}"])
    counters = {"lines": {"IncomingRecords": 1.0}, "summaries": {"IncomingRecords": 2.0}}
    seconds = iter(range(1000))
    rate = RecentRate(lambda: float(next(seconds)))
    for second in range(300):
        rate.note(second * second)
    status = Status(
        counters=counters,
        settled={"counts": Settled([{"path": "/", "count": 1}], 1)},
        ledger=Ledger(reasons=Counter({"of no known format": 1})),
        data=hostile_report(),
        newest=[UnparsedLine("lines", 1, "of no known format", "text")],
        rate=rate,
        now_ms=max(start for start, _, _ in hostile_report().status_by_minute),
    )
    with speaking(language):
        before, after = status_parts(status)
        return [*before, *tap_sections(tap), *after]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    browser = Chromium(tmp_path_factory.mktemp("browser"), "about:blank")
    browser.call("Page.enable")
    yield browser
    browser.close()


@pytest.fixture
def show(browser: Chromium, pages: dict[str, str]) -> Callable[[str, int, str], Chromium]:
    """Open a page at a width in pixels and in a colour scheme."""

    def shown(page: str, width: int, scheme: str) -> Chromium:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.call("Emulation.setDeviceMetricsOverride", **metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.call("Emulation.setEmulatedMedia", media="screen", features=features)
        browser.call("Page.navigate", url=pages[page])
        browser.wait_for(f"location.href === {pages[page]!r} && document.readyState === 'complete'")
        if page.startswith("live"):
            browser.wait_for("document.querySelector('main section') !== null")
        return browser

    return shown


def violations(browser: Chromium, *rules: str) -> list[Any]:
    """What axe-core finds, by all its rules or by some. The page's policy does not apply to what DevTools evaluates."""
    assert AXE.exists(), "axe-core is not installed: scripts/ci/install-tool axe"
    browser.evaluate(AXE.read_text("utf-8"))
    options = {"resultTypes": ["violations"], "preload": False, **({"runOnly": list(rules)} if rules else {})}
    expression = CHECK % json.dumps(options)
    answer = browser.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
    listed: list[Any] = json.loads(answer["result"]["value"])
    return listed


# With everything opened, no rule is broken. The colour scheme changes colours only.
@pytest.mark.large
@pytest.mark.parametrize(
    ("page", "width"),
    [*itertools.product(["report", "live"], [360, 1920]), ("report ja", 360), ("live ja", 1920)],
)
def test_no_violation(show: Callable[[str, int, str], Chromium], page: str, width: int) -> None:
    browser = show(page, width, "light")
    browser.evaluate(OPEN_ALL)
    assert violations(browser) == []
    browser = show(page, width, "dark")
    browser.evaluate(OPEN_ALL)
    assert violations(browser, "color-contrast") == []
    assert browser.evaluate("document.documentElement.lang") == ("ja" if page.endswith("ja") else "en")
    if page.startswith("live"):
        assert browser.evaluate("document.querySelector('svg[data-step=\"5000\"]') !== null")  # that of the rate


# The guard of the test above: text that is hardly lighter than its ground, and a picture without a text, are found.
@pytest.mark.large
def test_violations_are_found(show: Callable[[str, int, str], Chromium]) -> None:
    browser = show("report", 1920, "light")
    browser.evaluate("document.querySelector('h1').style.color = '#eee'; document.body.append(new Image())")
    assert {"color-contrast", "image-alt"} <= {
        rule for rule, _, _ in violations(browser, "color-contrast", "image-alt")
    }


# Everything that can be opened or scrolled is reached by Tab, in the order of the page, and shows that it is.
@pytest.mark.large
@pytest.mark.parametrize("page", ["report", "live"])
def test_tab_reaches_everything(show: Callable[[str, int, str], Chromium], page: str) -> None:
    browser = show(page, 1920, "light")
    browser.evaluate(OPEN_ALL)
    count = browser.evaluate(OPERABLE)
    assert count > 10
    browser.evaluate("window.reached = []; document.activeElement.blur()")
    browser.evaluate(
        "document.addEventListener('focusin', ({target}) => "
        "reached.push([target, getComputedStyle(target).outlineStyle]))"
    )
    for _ in range(count):
        for kind in ("rawKeyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert browser.evaluate("new Set(reached.map(([element]) => element)).size") == count
    assert browser.evaluate("reached.every(([, outline]) => outline !== 'none')")


# Enter opens the table of a chart.
@pytest.mark.large
def test_enter_opens_a_table(show: Callable[[str, int, str], Chromium]) -> None:
    browser = show("report", 1920, "light")
    browser.evaluate("document.querySelector('summary').focus()")
    for kind, text in (("keyDown", "\r"), ("keyUp", "")):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Enter", windowsVirtualKeyCode=13, text=text)
    browser.wait_for("document.querySelector('details').open")


# On paper the page is dark on white, also where the system is dark, and no table is cut at the height of its box.
@pytest.mark.large
def test_print(show: Callable[[str, int, str], Chromium]) -> None:
    browser = show("report", 1280, "dark")
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.call("Emulation.setEmulatedMedia", media="print", features=features)
    browser.evaluate(OPEN_ALL)
    assert browser.evaluate("getComputedStyle(document.body).color") == "rgb(27, 35, 48)"
    cut = "[...document.querySelectorAll('.scroll')].filter((box) => box.scrollHeight > box.clientHeight + 1).length"
    assert browser.evaluate(cut) == 0
