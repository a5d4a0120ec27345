"""The page in a real browser: charts are drawn and fit, no script runs, nothing is asked of the network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape
from pathlib import Path

import pytest

from streamtally.report.page import render_report
from tests.unit.report.hostile import hostile_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=10000"),
    # Chromium has errands of its own; in a test they reach nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# What a script of a label would leave behind.
OWNED = re.compile(r"<html[^>]* data-owned|<title>owned")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)"),
]


def opened(page: Path, folder: Path, *flags: str) -> tuple[str, list[str]]:
    """The page's document after its scripts, and every URL that the page (not the browser itself) asked for."""
    log = folder / "net.json"
    profile = folder / "profile"
    profile.mkdir()
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", f"--log-net-log={log}", *flags]
    done = subprocess.run(
        [*command, "--dump-dom", page.as_uri()], capture_output=True, timeout=120, check=True, cwd=folder
    )
    net = json.loads(log.read_text("utf-8", "replace"))
    events = [event["params"] for event in net["events"] if "url" in event.get("params", {})]
    urls = [event["url"] for event in events if event.get("initiator", "not an origin") != "not an origin"]
    return done.stdout.decode("utf-8", "replace"), urls


# Measures the page in its frame: whether it is wider than that, how many bars have a size, how many colours they have.
PROBE = """<script>
document.querySelector("iframe").addEventListener("load", ({ target }) => {
  const page = target.contentDocument;
  const bars = [...page.querySelectorAll("path, .bar rect")].filter((bar) => bar.getBoundingClientRect().width > 0);
  const colours = new Set(bars.map((bar) => getComputedStyle(bar).fill));
  document.body.append(`window:${page.defaultView.innerWidth} page:${page.documentElement.scrollWidth} `
    + `bars:${bars.length} colours:${colours.size} ground:${getComputedStyle(page.body).backgroundColor}`);
});
</script>"""


def framed(page: str, width: int) -> str:
    """A page with the given one in a frame and a probe beside it. Chromium's own window is at least 500 px wide."""
    return f'<!DOCTYPE html><body><iframe width="{width}" height="900" srcdoc="{escape(page)}"></iframe>{PROBE}</body>'


# Opened from a file, the hostile report runs nothing, and only the file itself is ever asked for.
def test_hostile_report_in_chromium(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_report(hostile_report()), encoding="utf-8")
    document, urls = opened(page, tmp_path)
    assert "<title>Streamtally: " in document
    assert not OWNED.search(document)
    assert [url for url in urls if not url.startswith(("file:", "data:", "blob:"))] == []


# The policy of the page does not let the script of a line run that escaping had missed.
def test_policy_stops_a_script(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    script = "<script>document.documentElement.dataset.owned=1</script><img src=http://127.0.0.1:9/owned.png>"
    page.write_text(render_report(hostile_report()).replace("</body>", f"{script}</body>"), encoding="utf-8")
    document, urls = opened(page, tmp_path)
    assert script[:8] in document
    assert not OWNED.search(document)
    assert "http://127.0.0.1:9/owned.png" not in urls


# At the width of a telephone, of a desktop and of a 4K screen the charts are drawn in colours and nothing is cut.
@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_report_fits_its_window(tmp_path: Path, width: int) -> None:
    page = tmp_path / "report.html"
    page.write_text(framed(render_report(hostile_report()), width), encoding="utf-8")
    document, _ = opened(page, tmp_path)
    measured = re.search(r"window:(\d+) page:(\d+) bars:(\d+) colours:(\d+)", document)
    assert measured is not None
    window, drawn, bars, colours = map(int, measured.groups())
    assert window == width
    assert drawn <= window
    assert bars == 9 + 19 * 17 + 2  # the comparison is a table
    assert colours == 7  # with none, of the curves


# The page is dark where the system is.
def test_dark(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(framed(render_report(hostile_report()), 1280), encoding="utf-8")
    document, _ = opened(page, tmp_path, "--blink-settings=preferredColorScheme=0")
    assert "ground:rgb(17, 21, 27)" in document


# The guard of the test above: on a page without policy and escaping, the same probe sees the script and the request.
def test_probe_sees_what_it_should(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<title>x</title><img src=http://127.0.0.1:9/owned.png><script>document.documentElement.dataset.owned=1</script>"
    )
    document, urls = opened(page, tmp_path)
    assert OWNED.search(document)
    assert "http://127.0.0.1:9/owned.png" in urls
