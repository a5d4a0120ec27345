"""The live page in a real browser: it follows without a reload, hostile lines stay text, it works without a script."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from markupsafe import Markup

from streamtally.local.live import follow_page
from streamtally.local.live.follow_page import FollowPage
from streamtally.local.live.status import tap_sections
from streamtally.local.live.tap import Tap
from streamtally.report.page import report_sections, report_tiles
from streamtally.report.view import Component
from tests.integration.browser.chromium import CHROMIUM, Chromium
from tests.unit.report.hostile import hostile_report

HOSTILE = b"<img src=x onerror=document.documentElement.dataset.owned=1><script>document.title='owned'</script>"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)"),
]


class Live:
    """A live page with the tap of a simulator, a report, and a line more each time that it is made."""

    def __init__(self) -> None:
        self.tap = Tap(())
        self.made = 0
        self.page = FollowPage("Streamtally: live", 0)
        self._stop = threading.Event()
        self._counting = threading.Thread(target=self._count)
        self._counting.start()

    def close(self) -> None:
        self._stop.set()
        self._counting.join()
        self.page.close()

    def _count(self) -> None:
        while not self._stop.wait(0.05):
            self.page.offer(self._show)

    def _show(self) -> list[Component]:
        self.made += 1
        self.tap.take("lines", [HOSTILE, b"line %d" % self.made])
        report = hostile_report()
        return [*tap_sections(self.tap), report_tiles(report), *report_sections(report)]


@pytest.fixture
def live() -> Iterator[Live]:
    live = Live()
    yield live
    live.close()


@pytest.fixture
def browser(live: Live, tmp_path: Path) -> Iterator[Callable[[str], Chromium]]:
    started: list[Chromium] = []

    def start(url: str) -> Chromium:
        started.append(Chromium(tmp_path, url))
        return started[-1]

    yield start
    for one in started:
        one.close()


def shows(text: str) -> str:
    return f"document.body.innerText.includes({text!r})"


# Sections come and are replaced, what is open stays open, a pause holds them; no hostile text acts, whenever it comes.
def test_it_follows(live: Live, browser: Callable[[str], Chromium]) -> None:
    page = browser(live.page.url)
    page.wait_for("document.querySelector('#as-of')?.textContent.startsWith('as of ')")
    page.evaluate("document.querySelector('details').open = true; window.stays = 1")
    first = live.made
    page.wait_for(shows(f"line {first + 2}\n") + f" || {shows(f'line {first + 3}')}")
    assert page.evaluate("window.stays") == 1  # never reloaded
    assert page.evaluate("document.querySelector('details').open") is True
    page.evaluate("document.querySelector('#pause').click()")
    assert page.evaluate("document.querySelector('#pause').getAttribute('aria-pressed')") == "true"
    held = page.evaluate("document.querySelector('main').innerHTML")
    paused = live.made
    page.wait_for("document.querySelector('#state').textContent === 'paused'")
    while live.made < paused + 3:
        page.evaluate("1")
    assert page.evaluate("document.querySelector('main').innerHTML") == held
    page.evaluate("document.querySelector('#pause').click()")
    page.wait_for(f"document.querySelector('main').innerText.includes('line {paused + 2}')")
    assert page.evaluate("document.title") == "Streamtally: live"
    assert page.evaluate("document.documentElement.dataset.owned ?? 'safe'") == "safe"
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert page.evaluate(shows("<img src=x onerror=")) is True


# What escaping had missed would be HTML in an event: the policy runs no script of it.
def test_the_policy_stops_what_escaping_had_missed(
    live: Live, browser: Callable[[str], Chromium], monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = Markup(f"<section id=bad>{HOSTILE.decode()}</section>")
    monkeypatch.setattr(follow_page, "render_parts", lambda _: missed)
    page = browser(live.page.url)
    page.wait_for("document.querySelector('#bad img') !== null")
    page.wait_for("document.querySelector('#as-of').textContent.startsWith('as of ')")
    assert page.evaluate("document.documentElement.dataset.owned ?? 'safe'") == "safe"
    assert page.evaluate("document.title") == "Streamtally: live"


def test_without_a_script_it_is_whole(live: Live, browser: Callable[[str], Chromium]) -> None:
    page = browser("about:blank")
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.call("Page.navigate", url=live.page.url)
    page.wait_for("document.querySelectorAll('main table').length > 3")  # the protocol may still look
    assert page.evaluate("document.querySelector('#state').textContent") == ""
    assert page.evaluate("document.querySelector('#pause').hidden") is True
    assert page.evaluate("document.querySelectorAll('.bar rect').length > 0") is True
    assert page.evaluate("document.querySelector('meta[http-equiv=refresh]').content") == "5"


@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_it_fits_its_window(live: Live, browser: Callable[[str], Chromium], width: int) -> None:
    page = browser("about:blank")
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    page.call("Page.navigate", url=live.page.url)
    page.wait_for("document.querySelectorAll('main table').length > 3")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
