"""The page in a real browser: charts are drawn, no script of a label runs, nothing is asked of the network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
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


# Opened from a file, the hostile report draws its four charts, and only the file itself is ever asked for.
def test_hostile_report_in_chromium(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_report(hostile_report()), encoding="utf-8")
    document, urls = opened(page, tmp_path)
    assert document.count('class="main-svg"') >= 4
    assert 'data-drawn="yes"' in document
    assert document.count('class="point"') >= 90 * 4 + 3 * 17
    assert "<title>Streamtally: " in document
    assert not OWNED.search(document)
    assert [url for url in urls if not url.startswith(("file:", "data:", "blob:"))] == []


# The guard of the test above: on a page without policy and escaping, the same probe sees the script and the request.
def test_probe_sees_what_it_should(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<title>x</title><img src=http://127.0.0.1:9/owned.png><script>document.documentElement.dataset.owned=1</script>"
    )
    document, urls = opened(page, tmp_path)
    assert OWNED.search(document)
    assert "http://127.0.0.1:9/owned.png" in urls
