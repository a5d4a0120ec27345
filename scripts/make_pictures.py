"""Draw the pictures of the README and the docs: diagrams from their Mermaid sources, screenshots of the pages.

    .venv/bin/python -m scripts.make_pictures             # everything (`make pictures`)
    .venv/bin/python -m scripts.make_pictures diagrams    # docs/pictures/*.mmd → *.svg
    .venv/bin/python -m scripts.make_pictures report      # docs/pictures/report*.png
    .venv/bin/python -m scripts.make_pictures live        # docs/pictures/live*.png

All need Chromium. Diagrams need npm too: Mermaid is installed from `scripts/pictures/package-lock.json` into a
temporary folder. An SVG names the hash of its source, which `tests/unit/scripts/test_make_pictures.py` compares.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from urllib.request import Request, urlopen

from streamtally.local.sample import generate

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs/pictures"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--force-device-scale-factor=1"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
AT_ONCE = ("--virtual-time-budget=10000",)
# Events never end, so a live page is taken after a while (ms).
AFTER_A_WHILE = ("--timeout=4000",)
# Labels are SVG text, not HTML in the SVG: viewers that show an SVG as an image need not draw HTML.
SETTINGS = {
    "startOnLoad": False,
    "deterministicIds": True,
    "htmlLabels": False,
    "theme": "neutral",
    "fontFamily": "sans-serif",
    "flowchart": {"htmlLabels": False, "wrappingWidth": 300, "nodeSpacing": 40, "rankSpacing": 36},
}
PAGE = """<!DOCTYPE html><meta charset="utf-8"><body><script src="{library}"></script><script>
mermaid.initialize({settings});
mermaid.render("diagram", {source}).then(({{ svg }}) => {{
  const drawn = new DOMParser().parseFromString(svg, "text/html").querySelector("svg");
  document.body.innerHTML = "";
  document.body.append(Object.assign(document.createElement("pre"), {{
    textContent: new XMLSerializer().serializeToString(drawn) }}));
}});
</script>"""
# File → size of the window in pixels, and Chromium's flags. The dark page is what a system in dark mode shows.
SCREENSHOTS: Mapping[str, tuple[int, int, tuple[str, ...]]] = {
    "report.png": (1200, 900, ()),
    "report-dark.png": (1200, 900, ("--blink-settings=preferredColorScheme=0",)),
    "live.png": (1200, 900, ()),
}
LIVE_MINUTES, LIVE_RATE = 50, 4.0
LINES_A_PUT = 500


def source_hash(source: str) -> str:
    """The mark by which an SVG names its source."""
    return f"source sha256:{hashlib.sha256(source.encode('utf-8')).hexdigest()}"


def chromium(*arguments: str) -> str:
    """Run headless Chromium without the network, and return what it prints."""
    if CHROMIUM is None:
        sys.exit("chromium: not installed (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as profile:
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def install_mermaid(folder: Path) -> Path:
    """Install Mermaid from its lock, and return the file that a page loads."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy2(ROOT / "scripts/pictures" / name, folder / name)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    return folder / "node_modules/mermaid/dist/mermaid.min.js"


def draw(source: str, library: Path, folder: Path) -> str:
    """One diagram as an SVG document with a white ground and the mark of its source."""
    page = folder / "page.html"
    settings = json.dumps(SETTINGS)
    page.write_text(PAGE.format(library=library.as_uri(), settings=settings, source=json.dumps(source)), "utf-8")
    document = chromium(*AT_ONCE, "--dump-dom", "--allow-file-access-from-files", page.as_uri())
    drawn = re.search(r"<pre>(.*)</pre>", document, re.DOTALL)
    if drawn is None:
        sys.exit(f"no diagram was drawn: {document[-500:]}")
    svg = html.unescape(drawn[1]).replace('style="', 'style="background: white; ', 1)
    return f"<!-- {source_hash(source)} -->\n{svg}\n"


def make_diagrams() -> None:
    """Draw every Mermaid source next to itself."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = install_mermaid(folder)
        for path in sorted(PICTURES.glob("*.mmd")):
            svg = draw(path.read_text("utf-8"), library, folder)
            path.with_suffix(".svg").write_text(svg, "utf-8")
            print(path.with_suffix(".svg").relative_to(ROOT))


def make_report_pictures() -> None:
    """Photograph the report of a generated shop's morning, as `make demo` writes it."""
    command = str(Path(sys.executable).with_name("streamtally"))
    with tempfile.TemporaryDirectory() as name:
        sample = [command, "sample", "--lines", "20000", "--seed", "7", "--rate", "1", "--out", "shop.log"]
        subprocess.run(sample, cwd=name, check=True, stdout=subprocess.DEVNULL)
        run = [command, "run", "shop.log", "--out", "shop"]
        subprocess.run(run, cwd=name, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        page = Path(name, "shop/report.html").as_uri()
        photograph("report", page, *AT_ONCE)


def photograph(kind: str, address: str, *flags: str) -> None:
    """Take the screenshots whose names begin so."""
    for file, (width, height, own_flags) in SCREENSHOTS.items():
        if file.startswith(kind):
            size, out = f"--window-size={width},{height}", f"--screenshot={PICTURES / file}"
            chromium(*flags, *own_flags, size, out, address)
            print((PICTURES / file).relative_to(ROOT))


def make_live_picture() -> None:
    """Photograph the page of `streamtally local` while a generated shop's last minutes are sent to it."""
    command = str(Path(sys.executable).with_name("streamtally"))
    now = datetime.now(UTC).replace(microsecond=0)
    start = now - timedelta(minutes=LIVE_MINUTES)
    # More than there are, since the rate depends on the hour of the day.
    drawn = generate(int(LIVE_MINUTES * 60 * LIVE_RATE * 3), 7, start=start, rate=LIVE_RATE)
    lines = list(takewhile(lambda line: f"{now:[%d/%b/%Y:%H:%M}:" not in line, drawn))
    with tempfile.TemporaryDirectory() as name:
        options = [command, "local", "--port", "0", "--interval", "0.5", "--store", str(Path(name, "state"))]
        simulator = subprocess.Popen(options, stderr=subprocess.PIPE, text=True)
        try:
            assert simulator.stderr is not None
            address = simulator.stderr.readline().partition(" at ")[2].partition(",")[0]
            for index in range(0, len(lines), LINES_A_PUT):
                put_lines(address, lines[index : index + LINES_A_PUT])
                time.sleep(0.5)  # as an agent does, so that there is a rate
            photograph("live", address, *AFTER_A_WHILE)
        finally:
            simulator.terminate()
            simulator.wait(30)


def put_lines(address: str, lines: Sequence[str]) -> None:
    """Send lines to a simulator, each as a record."""
    records = [{"Data": b64encode(line.encode("utf-8", "replace") + b"\n").decode()} for line in lines]
    body = json.dumps({"DeliveryStreamName": "log-ingestion-stream", "Records": records}).encode()
    headers = {"X-Amz-Target": "Firehose_20150804.PutRecordBatch", "Content-Type": "application/x-amz-json-1.1"}
    with urlopen(Request(address, body, headers), timeout=30) as answer:
        answer.read()


def main() -> None:
    """Draw what the first argument names, or everything."""
    makers = {"diagrams": make_diagrams, "report": make_report_pictures, "live": make_live_picture}
    wanted = sys.argv[1:] or list(makers)
    if unknown := [name for name in wanted if name not in makers]:
        sys.exit(f"{unknown[0]}: neither of {', '.join(makers)}")
    for name in wanted:
        makers[name]()


if __name__ == "__main__":
    main()
