"""Write docs/decisions/README.md, the index of decisions: python -m scripts.make_decisions_index."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs/decisions"
INDEX = FOLDER / "README.md"
TITLE = re.compile(r"# (\d{4}): (.+)")
HEAD = """# Decisions

Choices that are hard to undo, each with its reasons. Numbers are in no order of time or rank; they never change, since
code and pages refer to them. This page is made by `python -m scripts.make_decisions_index`.

| | decision |
|---|---|
"""


def entries() -> list[tuple[str, str, str]]:
    """(number, title, file name) of every decision, by number. Raises: ValueError: a page is not in the one form."""
    found = []
    for path in sorted(FOLDER.glob("[0-9]*.md")):
        title = TITLE.fullmatch(path.read_text(encoding="utf-8").partition("\n")[0])
        if title is None or not path.name.startswith(f"{title[1]}-"):
            raise ValueError(f"{path.name}: the first line is '# NNNN: title', with the number of the file's name")
        found.append((title[1], title[2], path.name))
    return found


def make() -> str:
    """The index as Markdown."""
    return HEAD + "".join(f"| {number} | [{title}]({name}) |\n" for number, title, name in entries())


if __name__ == "__main__":
    INDEX.write_text(make(), encoding="utf-8")
