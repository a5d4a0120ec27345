"""The site of the docs: links between the pages of docs/ and of the root, its menu, and what its check finds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from scripts.make_site import LEFT_OUT, ROOT, ROOT_PAGES, menu_pages, moved_page, moved_target, problems, site_path

PROJECT = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]


@pytest.mark.parametrize(
    ("page", "target", "moved"),
    [
        ("README.md", "docs/run.md", "run.md"),
        ("README.md", "docs/sql.md#sliding-windows", "sql.md#sliding-windows"),
        ("README.md", "docs/pictures/report.png", "pictures/report.png"),
        ("README.md", "SECURITY.md", "SECURITY.md"),
        ("README.ja.md", "README.md", "index.md"),
        ("docs/operate.md", "../examples/spark/load.py", "files/examples/spark/load.py"),
        ("docs/decisions/0160-folders-without-circles.md", "../architecture.md", "../architecture.md"),
        ("docs/run.md", "report.md", "report.md"),
        ("docs/run.md", "#count-by-any-field", "#count-by-any-field"),
        ("docs/run.md", "https://example.com/docs/run.md", "https://example.com/docs/run.md"),
    ],
)
def test_links_move_with_their_pages(page: str, target: str, moved: str) -> None:
    assert moved_target(target, page, set()) == moved


def test_linked_files_are_noted_and_must_exist() -> None:
    linked: set[str] = set()
    moved_target("../examples/cdk/app.cjs", "docs/deploy.md", linked)
    assert linked == {"examples/cdk/app.cjs"}
    with pytest.raises(SystemExit, match=r"docs/deploy.md: ../examples/nothing.py: no such file"):
        moved_target("../examples/nothing.py", "docs/deploy.md", set())


def test_pictures_and_links_of_a_page_are_changed() -> None:
    text = '<source srcset="docs/pictures/report-dark.png"><img src="docs/pictures/report.png">'
    text += " [run](docs/run.md) `docs/x`"
    assert moved_page(text, "README.md", set()) == text.replace("docs/pictures", "pictures").replace("(docs/", "(")


# Every page is in the menu once, and the menu names no other; decisions are reached by their list.
def test_menu_has_every_page_once() -> None:
    pages = [site_path(name) for name in ROOT_PAGES]
    pages += [path.name for path in ROOT.glob("docs/*.md") if path.name not in LEFT_OUT]
    assert sorted(menu_pages(PROJECT["nav"])) == sorted([*pages, "decisions/README.md"])


def _site(folder: Path, **pages: str) -> list[str]:
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return list(problems(folder))


def test_whole_site_has_no_problem(tmp_path: Path) -> None:
    first = '<h1 id="top">A</h1><a href="#top"></a><a href="two.html#there"></a><a href="https://example.com/"></a>'
    assert _site(tmp_path, one=first, two='<p id="there">Two,\nthree</p>', index='<a href="."></a>') == []


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ('<a href="nowhere.html">', "one.html: nowhere.html: no such file"),
        ('<a href="#nowhere">', "one.html: #nowhere: no such anchor"),
        ('<img src="none.png">', "one.html: none.png: no such file"),
        ('<script src="https://cdn.example.com/x.js">', "one.html: loads https://cdn.example.com/x.js"),
        ('<link rel="stylesheet" href="//cdn.example.com/x.css">', "one.html: loads //cdn.example.com/x.css"),
        ("<p>The steps:\n- one</p>", "one.html: needs an empty line before it: - one"),
        ("<p>A table:\n| a | b |</p>", "one.html: needs an empty line before it: | a | b |"),
    ],
)
def test_problems_are_found(tmp_path: Path, page: str, problem: str) -> None:
    assert problem in [line.removesuffix("</p>") for line in _site(tmp_path, one=page)]
