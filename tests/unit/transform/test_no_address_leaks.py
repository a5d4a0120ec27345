"""No full address of a line is in anything that is written under anonymize, for any format: generic over REGISTRY.

The lines are the formats' own examples, with generated addresses in place of theirs, in lists and in queries.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streamtally.formats import REGISTRY
from streamtally.local.folder import read_folder
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import iter_documents, transform
from tests.unit.cli.operator_runner import run
from tests.unit.events import ARRIVAL, records_of

ROOT = Path(__file__).resolve().parents[3]
QUAD = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
NEEDS_OPTIONS = {"regex", "csv", "tsv"}


DEFAULT = json.dumps(read_folder(ROOT / "layers/pipeline/pipeline"))


@cache
def pipeline(name: str) -> Pipeline:
    document = json.loads(DEFAULT)
    document["source"] = {"format": name, "anonymize": True}
    return load_pipeline(document, ZoneInfo)


class Addresses:
    """Generated addresses of the documentation's ranges, never with a zero at the end."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.made: list[str] = []

    def four(self) -> str:
        self.made.append(f"203.0.113.{self._random.randrange(11, 255)}")
        return self.made[-1]

    def six(self) -> str:
        self.made.append(f"2001:db8:{self._random.randrange(1, 65536):x}:a{self._random.randrange(256):x}::7b7b")
        return self.made[-1]


WAYS: dict[str, Callable[[Addresses, str], str]] = {
    "address": lambda made, line: QUAD.sub(lambda _: made.four(), line),
    "IPv6": lambda made, line: QUAD.sub(lambda _: made.six(), line),
    "list": lambda made, line: QUAD.sub(lambda _: f"{made.four()}, {made.six()}", line),
    "list without a space": lambda made, line: QUAD.sub(lambda _: f"{made.four()},{made.four()}", line),
    "list of W3C": lambda made, line: QUAD.sub(lambda _: f"{made.four()},+{made.six()}", line),
    "encoded list": lambda made, line: QUAD.sub(lambda _: f"{made.four()},%20{made.four()}", line),
    "query": lambda made, line: re.sub(r" /\S*", lambda _: f" /lookup/{made.four()}?ip={made.six()}", line, count=1),
    "appended": lambda made, line: f'{line} "{made.four()}, {made.six()}"',
    "Forwarded": lambda made, line: f'{line} for="[{made.six()}]:4711";by={made.four()}',
    "cut off": lambda made, line: f"{made.four()} [{made.six()}]:443 " + line[: len(line) // 2],
    "texts": lambda made, line: re.sub(r'":\s*"[^"]*"', lambda _: f'":"{made.four()}|{made.six()}"', line),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [*(name for name in REGISTRY if name not in NEEDS_OPTIONS), "auto"])
def test_nothing_written_holds_an_address(name: str, way: str) -> None:
    formats = [REGISTRY[name]] if name != "auto" else list(REGISTRY.values())
    made = Addresses(len(name) + len(way))
    lines = [WAYS[way](made, example.line) for log_format in formats for example in log_format.examples]
    outcome = transform(pipeline(name), decode_records(records_of([line.encode() for line in lines]), now_ms=ARRIVAL))
    written = b"".join(
        [*(response.data for response in outcome.responses), *iter_documents(outcome.deliveries)]
    ).decode() + repr(outcome.ledger)
    assert [address for address in made.made if re.search(rf"{re.escape(address)}(?![0-9a-f])", written)] == []
    if way == "appended":
        assert made.made


# The same on a terminal and in the report.
def test_nothing_shown_holds_an_address(tmp_path: Path) -> None:
    made = Addresses(5)
    log, folder = tmp_path / "a.log", tmp_path / "pipeline"
    lines = [way(made, example.line) for way in WAYS.values() for example in REGISTRY["apache_combined"].examples]
    log.write_text("".join(f"{line}\n" for line in [*lines, f"no format {made.four()}"]))
    shown = run("parse", str(log), "--anonymize")
    assert "no format 203.0.113.0" in shown.error
    text = shown.stdout + shown.error
    folder.mkdir()
    for file in (ROOT / "layers/pipeline/pipeline").iterdir():
        if file.name != "pipeline.json":
            (folder / file.name).write_bytes(file.read_bytes())
    settings = folder / "pipeline.toml"
    settings.write_text(settings.read_text().replace("[source]", "[source]\nanonymize = true", 1))
    ran = run("run", str(log), "--pipeline", str(folder), "--out", str(tmp_path / "out"))
    text += ran.stdout + ran.error + (tmp_path / "out/report.html").read_text()
    assert "no format 203.0.113.0" in text
    assert [address for address in made.made if re.search(rf"{re.escape(address)}(?![0-9a-f])", text)] == []
