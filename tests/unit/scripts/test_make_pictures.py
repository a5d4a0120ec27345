"""The pictures of the README and the docs are drawn from their sources, small, and none is missing or left over."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scripts.make_pictures import PICTURES, ROOT, SCREENSHOTS, source_hash

SOURCES = sorted(PICTURES.glob("*.mmd"))
# A label of a diagram: text in quotes, or between the bars of an arrow.
LABEL = re.compile(r'"([^"]+)"|\|([^|]+)\|')


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_diagram_is_drawn_from_its_source(source: Path) -> None:
    text = source.read_text("utf-8")
    svg = source.with_suffix(".svg").read_text("utf-8")
    assert svg.startswith(f"<!-- {source_hash(text)} -->"), "run make pictures"
    drawn = re.sub(r"\s+", "", "".join(ElementTree.fromstring(svg).itertext()))
    labels = [label.replace("<br/>", "") for pair in LABEL.findall(text) for label in pair if label]
    assert labels
    for label in labels:
        assert re.sub(r"\s+", "", label) in drawn, label


# A diagram needs nothing but itself, also where it is shown as an image: no script, no HTML, no other file.
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_diagram_stands_alone(source: Path) -> None:
    svg = source.with_suffix(".svg").read_text("utf-8")
    assert not re.search(r"<script|<foreignObject|<image|\bon\w+=|url\((?!#|&quot;#)|@import", svg)


def test_pictures_are_those_of_the_script() -> None:
    drawn = {name for source in SOURCES for name in (source.name, source.with_suffix(".svg").name)}
    assert {path.name for path in PICTURES.iterdir()} == drawn | set(SCREENSHOTS)


@pytest.mark.parametrize("name", SCREENSHOTS)
def test_screenshot_is_small_and_of_its_size(name: str) -> None:
    data = (PICTURES / name).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(data) < 200_000
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == SCREENSHOTS[name][:2]


# Each picture is shown somewhere, with a text for those who do not see it.
@pytest.mark.parametrize("name", [*(source.with_suffix(".svg").name for source in SOURCES), *SCREENSHOTS])
def test_picture_is_shown(name: str) -> None:
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md")]
    assert any(f"pictures/{name}" in page.read_text("utf-8") for page in pages)


def test_every_picture_has_a_text() -> None:
    for page in [*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md")]:
        text = page.read_text("utf-8")
        for tag in re.findall(r"<img[^>]*>", text):
            assert re.search(r'alt="[^"]{10,}"', tag), f"{page.name}: {tag}"
        for alternative in re.findall(r"!\[([^]]*)\]", text):
            assert len(alternative) >= 10, page.name
