"""The report follows a selection: by pointer, touch, keyboard and address, with the numbers that the log itself has."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from streamtally.cli.main import cli
from tests.integration.browser.chromium import CHROMIUM, Chromium
from tests.integration.browser.test_accessibility import AXE, violations

START = 1_740_787_200  # 2025-03-01 00:00:00 UTC
MINUTES = 60
HOSTILE = "/x?<script>document.documentElement.dataset.owned=1</script>"
PATHS = ("/", "/cart", "/login", "/api", "/img/a.png", HOSTILE)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)"),
]


class Request(NamedTuple):
    """A line of the log."""

    minute: int
    host: str
    path: str
    status: int
    size: int

    @property
    def line(self) -> str:
        """As the log has it."""
        time = datetime.fromtimestamp(START + 60 * self.minute, UTC)
        return (
            f'{self.host} - - [{time:%d/%b/%Y:%H:%M:%S +0000}] "GET {self.path} HTTP/1.1" {self.status} {self.size} '
            '"https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"'
        )


def make_requests() -> list[Request]:
    """An hour, in which one path is frequent only for ten minutes, and a hundred paths are rare."""
    some = random.Random(7)
    requests = [
        Request(
            some.randrange(MINUTES),
            f"192.0.2.{some.randrange(1, 60)}",
            some.choice(PATHS),
            some.choice((200, 200, 200, 302, 404, 503)),
            some.randrange(5000),
        )
        for _ in range(2_500)
    ]
    requests += [Request(some.randrange(20, 30), "198.51.100.7", f"/rare/{number}", 404, 9) for number in range(100)]
    requests += [Request(some.randrange(20, 30), "198.51.100.7", "/late", 200, 70) for _ in range(40)]
    return sorted(requests)


REQUESTS = make_requests()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the report of the log."""
    folder = tmp_path_factory.mktemp("selection")
    log = folder / "access.log"
    log.write_text("".join(f"{request.line}\n" for request in REQUESTS))
    arguments = ["run", str(log), "--format", "combined", "--out", str(folder / "out"), "--workers", "1", "--json"]
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert result.return_value == 0, result.output[-1000:]
    return (folder / "out/report.html").as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    browser = Chromium(tmp_path_factory.mktemp("browser"), "about:blank")
    browser.call("Page.enable")
    yield browser
    browser.close()


@pytest.fixture
def show(browser: Chromium, report: str) -> Callable[..., Chromium]:
    """Open the report at a width, with a fragment."""

    def shown(fragment: str = "", width: int = 1200) -> Chromium:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.call("Emulation.setDeviceMetricsOverride", **metrics)
        browser.call("Page.navigate", url="about:blank")
        browser.call("Page.navigate", url=report + fragment)
        browser.wait_for(f"location.href.startsWith({report!r}) && document.querySelector('.handle') !== null")
        wait_for_frame(browser)
        return browser

    return shown


def wait_for_frame(browser: Chromium) -> None:
    """Wait until the page has drawn what changed."""
    browser.evaluate(
        "window.drawn = false; requestAnimationFrame(() => requestAnimationFrame(() => { drawn = true; }))"
    )
    browser.wait_for("drawn")


def selected(first: int, end: int, *kinds: int) -> list[Request]:
    """The requests of some minutes and classes."""
    return [
        request
        for request in REQUESTS
        if first <= request.minute < end and (not kinds or request.status // 100 in kinds)
    ]


SECTIONS = "[...document.querySelectorAll('section, .tiles')].map((one) => one.innerText).join('|')"
TABLE = """JSON.stringify([...[...document.querySelectorAll("section")]
  .find((one) => one.querySelector("h2").textContent === %s).querySelectorAll("tbody tr")]
  .filter((row) => !row.hidden)
  .map((row) => [...row.cells].filter((cell) => !cell.hidden).map((cell) => cell.textContent)))"""


def table(browser: Chromium, heading: str) -> list[list[str]]:
    """The rows of a section's table that are shown."""
    rows: list[list[str]] = json.loads(browser.evaluate(TABLE % json.dumps(heading)))
    return rows


def tile(browser: Chromium, name: str) -> str:
    """A tile's number."""
    text: str = browser.evaluate(f"document.querySelector('[data-tile={name}] b').textContent")
    return text


def assert_follows(browser: Chromium, requests: Sequence[Request]) -> None:
    """Every number that follows is that of these requests."""
    assert tile(browser, "rows") == f"{len(requests):,}"
    sizes = sum(request.size for request in requests)
    bandwidth = table(browser, "Bandwidth")
    assert sum(int(row[2].replace(",", "")) for row in bandwidth) == sizes
    for heading, texts in (
        ("Paths, without the query", [r.path.partition("?")[0] for r in requests if not r.path.endswith(".png")]),
        ("Static files", [r.path for r in requests if r.path.endswith(".png")]),
        ("Not found (404)", [r.path.partition("?")[0] for r in requests if r.status == 404]),
        ("Top hosts", [r.host for r in requests]),
        ("Methods", ["GET" for _ in requests]),
        ("Browsers and tools", ["Firefox" for _ in requests]),
        ("Referring sites", ["www.example.com" for _ in requests]),
    ):
        counts = Counter(texts)
        shown = table(browser, heading)
        for text, count, share in shown:
            assert (text, count, share) == (text, f"{counts[text]:,}", f"{100 * counts[text] / len(texts):.1f} %")
        numbers = [counts[text] for text, _, _ in shown]
        assert numbers == sorted(numbers, reverse=True)
        if not any(request.path.startswith("/rare") for request in requests):  # rare paths are not all known
            assert len(shown) == min(len(counts), 20)
    sizes_by_path: Counter[str] = Counter()
    for request in requests:
        sizes_by_path[request.path.partition("?")[0]] += request.size
    for path, _, size, _ in table(browser, "Bandwidth by path"):
        assert int(size.replace(",", "")) == sizes_by_path[path]
    rows = table(browser, "Status classes over time")
    assert sum(int(cell.replace(",", "")) for row in rows for cell in row[1:]) == len(requests)


def chart_box(browser: Chromium) -> dict[str, float]:
    """Where the chart over time is in the window."""
    browser.evaluate("document.querySelector('.brush').scrollIntoView({block: 'center'})")
    box: dict[str, float] = json.loads(
        browser.evaluate("JSON.stringify(document.querySelector('.brush').getBoundingClientRect())")
    )
    return box


def position(box: dict[str, float], minute: float) -> float:
    """The x of a minute on the chart."""
    return box["x"] + box["width"] * minute / MINUTES


def mouse(browser: Chromium, kind: str, x: float, y: float) -> None:
    browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)


def press(browser: Chromium, key: str, *, shift: bool = False) -> None:
    for kind in ("rawKeyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, modifiers=8 if shift else 0)


def fragment_of(browser: Chromium) -> str:
    fragment: str = browser.evaluate("location.hash")
    return fragment


# A span brushed by the mouse: tiles, lists and tables are those of its lines, the address has it, Escape clears it.
def test_brush_by_mouse(show: Callable[..., Chromium]) -> None:
    browser = show()
    whole = browser.evaluate(SECTIONS)
    box = chart_box(browser)
    mouse(browser, "mousePressed", position(box, 20.4), box["y"] + 100)
    mouse(browser, "mouseMoved", position(box, 25), box["y"] + 90)
    mouse(browser, "mouseMoved", position(box, 29.6), box["y"] + 90)
    mouse(browser, "mouseReleased", position(box, 29.6), box["y"] + 90)
    wait_for_frame(browser)
    assert fragment_of(browser) == "#from=2025-03-01T00:20&to=2025-03-01T00:30"
    requests = selected(20, 30)
    assert_follows(browser, requests)
    assert ["/late", "40"] in [row[:2] for row in table(browser, "Paths, without the query")]
    words = browser.evaluate("document.querySelector('.chosen p').textContent")
    assert words == f"Selection: 2025-03-01 00:20 to 2025-03-01 00:30: {len(requests):,} of {len(REQUESTS):,} rows."
    browser.wait_for(f"document.querySelector('[role=status]').textContent === {words!r}")
    press(browser, "Escape")
    wait_for_frame(browser)
    assert browser.evaluate(SECTIONS) == whole
    assert fragment_of(browser) in ("", "#")
    assert browser.evaluate("document.documentElement.dataset.owned ?? 'safe'") == "safe"


# A click selects one step.
def test_click_a_step(show: Callable[..., Chromium]) -> None:
    browser = show()
    box = chart_box(browser)
    for kind in ("mousePressed", "mouseReleased"):
        mouse(browser, kind, position(box, 7.5), box["y"] + 100)
    wait_for_frame(browser)
    assert_follows(browser, selected(7, 8))


# By touch.
def test_brush_by_touch(show: Callable[..., Chromium]) -> None:
    browser = show("", 360)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    box = chart_box(browser)
    for kind, minute in (("touchStart", 10.5), ("touchMove", 15), ("touchMove", 39.5), ("touchEnd", None)):
        points = [] if minute is None else [{"x": position(box, minute), "y": box["y"] + 100}]
        browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=False)
    wait_for_frame(browser)
    assert fragment_of(browser) == "#from=2025-03-01T00:10&to=2025-03-01T00:40"
    assert_follows(browser, selected(10, 40))
    assert browser.evaluate("document.documentElement.scrollWidth <= 360")


# By keyboard: each handle moves by a step, and by ten with shift; the other one is never passed.
def test_brush_by_keyboard(show: Callable[..., Chromium]) -> None:
    browser = show()
    browser.evaluate("document.querySelectorAll('.handle')[0].focus()")
    for key, shift in (("ArrowRight", True), ("ArrowRight", True), ("ArrowRight", False), ("ArrowLeft", False)):
        press(browser, key, shift=shift)
    browser.evaluate("document.querySelectorAll('.handle')[1].focus()")
    press(browser, "ArrowLeft", shift=True)
    press(browser, "ArrowLeft")
    wait_for_frame(browser)
    assert_follows(browser, selected(20, 49))
    assert browser.evaluate("document.activeElement.getAttribute('aria-valuetext')") == "2025-03-01 00:49"
    assert browser.evaluate("document.activeElement.getAttribute('aria-label')") == "End of the selection"
    press(browser, "Home")
    wait_for_frame(browser)
    assert_follows(browser, selected(20, 21))
    browser.evaluate("document.querySelector('.chosen button').click()")
    wait_for_frame(browser)
    assert browser.evaluate("document.activeElement.getAttribute('aria-label')") == "Start of the selection"
    assert tile(browser, "rows") == f"{len(REQUESTS):,}"


# Classes are chosen in the legend, together with a time.
def test_classes(show: Callable[..., Chromium]) -> None:
    browser = show("#from=2025-03-01T00:05&to=2025-03-01T00:25")
    buttons = "[...document.querySelectorAll('.legend button')]"
    assert browser.evaluate(f"{buttons}.map((one) => one.textContent.slice(0, 3)).join()") == "2xx,3xx,4xx,5xx"
    browser.evaluate(f"{buttons}[2].click()")
    wait_for_frame(browser)
    assert_follows(browser, selected(5, 25, 4))
    browser.evaluate(f"{buttons}[3].click()")
    wait_for_frame(browser)
    assert_follows(browser, selected(5, 25, 4, 5))
    assert (
        browser.evaluate(f"{buttons}.map((one) => one.getAttribute('aria-pressed')).join()") == "false,false,true,true"
    )
    assert fragment_of(browser) == "#from=2025-03-01T00:05&to=2025-03-01T00:25&class=4xx,5xx"
    browser.evaluate(f"{buttons}[2].click()")
    wait_for_frame(browser)
    assert_follows(browser, selected(5, 25, 5))


# The page says what it cannot say: more than the kept entries may be there, and some parts are of the whole log.
def test_it_says_what_it_does_not_know(show: Callable[..., Chromium]) -> None:
    browser = show("#class=4xx")
    notes = """[...document.querySelectorAll("section")].find((one) => one.querySelector("h2").textContent === %r)
      .querySelector("p.soft").textContent"""
    assert "of the 60 most frequent of the whole log" in browser.evaluate(notes % "Not found (404)")
    assert browser.evaluate(notes % "Methods") == "Exact counts, of the selection."
    assert "Of the whole log" in browser.evaluate(notes % "Unique visitors")
    assert browser.evaluate("document.querySelector('[data-tile=visitors] small').textContent") == " (whole log)"


# What no page wrote: a fragment of nonsense selects nothing, one that reaches beyond the log what there is of it.
@pytest.mark.parametrize(
    ("fragment", "requests"),
    [
        ("#from=x&to=%00&class=9xx,<b>", REQUESTS),
        ("#class=constructor,__proto__", REQUESTS),
        ("#from=1999-01-01T00:00&to=2025-03-01T00:02", selected(0, 2)),
        ("#from=2025-03-01T00:58&to=2999-01-01T00:00", selected(58, 60)),
        ("#to=2025-03-01T00:10&from=2025-03-01T00:50", selected(50, 51)),
    ],
)
def test_fragments(show: Callable[..., Chromium], fragment: str, requests: Sequence[Request]) -> None:
    assert tile(show(fragment), "rows") == f"{len(requests):,}"


# On paper the selection is stated; nothing that is only to be operated is printed.
def test_print(show: Callable[..., Chromium]) -> None:
    browser = show("#class=5xx")
    browser.call("Emulation.setEmulatedMedia", media="print")
    shown = "[...document.querySelectorAll('%s')].map((one) => getComputedStyle(one).display).join()"
    assert browser.evaluate(shown % ".chosen") == "flex"
    assert browser.evaluate(shown % ".handle, .chosen button") == "none,none,none"
    browser.call("Emulation.setEmulatedMedia", media="screen")


# Without scripts there is nothing to operate, and every number is there.
def test_without_scripts(show: Callable[..., Chromium], report: str) -> None:
    browser = show()  # has handles
    browser.call("Page.navigate", url="about:blank")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.call("Page.navigate", url=report)
    browser.wait_for(f"location.href === {report!r} && document.readyState === 'complete'")
    document = browser.evaluate("document.documentElement.outerHTML")
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert 'class="handle"' not in document
    assert f"<b>{len(REQUESTS):,}</b>" in document


# axe-core finds nothing with a selection either, on a phone and a large screen, light and dark.
@pytest.mark.large
@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: scripts/ci/install-tool axe")
@pytest.mark.parametrize("width", [360, 1920])
def test_no_violation(show: Callable[..., Chromium], width: int) -> None:
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser = show("#from=2025-03-01T00:20&to=2025-03-01T00:30&class=4xx", width)
        browser.call("Emulation.setEmulatedMedia", media="screen", features=features)
        browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert violations(browser) == []


AXIS = """(() => { const chart = [...document.querySelectorAll("section")]
  .find((one) => one.querySelector("h2").textContent === "Bandwidth").querySelector(".chart");
  return JSON.stringify([...chart.querySelectorAll(":scope > text:not([x])")].map((one) => one.textContent)); })()"""


# A class with few bytes is drawn as large as the whole log was, against an axis of its own.
def test_the_axis_fits_what_is_selected(show: Callable[..., Chromium]) -> None:
    browser = show()
    whole = json.loads(browser.evaluate(AXIS))
    browser = show("#from=2025-03-01T00:20&to=2025-03-01T00:25&class=3xx")
    steps = [int(row[2].replace(",", "")) for row in table(browser, "Bandwidth")]
    power = 10 ** (len(str(max(steps))) - 1)
    end = next(factor * power for factor in (1, 2, 4, 6, 8, 10) if factor * power >= max(steps))
    assert json.loads(browser.evaluate(AXIS)) == [f"{end / 2000:g} kB", f"{end / 1000:g} kB"]
    assert json.loads(browser.evaluate(AXIS)) != whole
    browser.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))")
    wait_for_frame(browser)
    assert json.loads(browser.evaluate(AXIS)) == whole
