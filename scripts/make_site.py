"""Build the docs as a site that can be searched and loads nothing from other hosts: out/docs-site (`make docs`).

    .tools/docs/bin/python -m scripts.make_site

The home page is README.md. Pages of the root are copied next to those of docs/, and links between the two are changed;
links to other files of the repository lead to copies of them. The build fails if a link or an anchor leads nowhere
(Zensical's strict mode, and the check of the built pages below), if a page is in no menu, or if a page would load
anything from another host.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
# Pages of the root, and what each is called on the site.
ROOT_PAGES = {name: name for name in ("README.ja.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")}
ROOT_PAGES["README.md"] = "index.md"
# formats.in.md is what docs/formats.md is generated from.
LEFT_OUT = {"formats.in.md"}
TARGET = re.compile(r"(?P<before>\]\(|(?:src|srcset|href)=\")(?P<target>[^)\s\"]+)(?=[)\"])")
# A line of a paragraph that should have begun a list or a table.
RUN_IN = re.compile(r"<p>(?:(?!</p>).)*?\n((?:[-*] |\d\. |\|).{,60})", re.DOTALL)
# Elements whose address a browser loads by itself, unlike a link that someone follows.
LOADED = {"img": "src", "script": "src", "source": "srcset", "iframe": "src"}


def site_path(path: str) -> str:
    """Where a file of the repository lies on the site: docs/ is its root."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return ROOT_PAGES.get(path, f"files/{path}")


def moved_target(target: str, page: str, linked: set[str]) -> str:
    """A link of a page (a path of the repository) as it is on the site; adds the file that it needs to `linked`."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not parts.path:
        return target
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), parts.path))
    moved = site_path(path)
    if moved.startswith("files/"):
        if not (ROOT / path).is_file():
            raise SystemExit(f"{page}: {target}: no such file")
        linked.add(path)
    relative = posixpath.relpath(moved, posixpath.dirname(site_path(page)) or ".")
    return relative + (f"#{parts.fragment}" if parts.fragment else "")


def moved_page(text: str, page: str, linked: set[str]) -> str:
    """A page with its links as they are on the site."""

    def moved(match: re.Match[str]) -> str:
        return match["before"] + moved_target(match["target"], page, linked)

    return TARGET.sub(moved, text)


def gather(folder: Path) -> None:
    """Write what the site is built from to an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    pages = [*ROOT_PAGES, *(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md"))]
    linked: set[str] = set()
    for page in pages:
        if Path(page).name not in LEFT_OUT:
            text = moved_page((ROOT / page).read_text("utf-8"), page, linked)
            (folder / site_path(page)).write_text(text, "utf-8")
    for path in linked:
        (folder / "files" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, folder / "files" / path)


def menu_pages(nav: object) -> Iterator[str]:
    """The pages that a menu of zensical.toml names, at any depth."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for value in nav.values():
            yield from menu_pages(value)
    elif isinstance(nav, list):
        for value in nav:
            yield from menu_pages(value)


class Page(HTMLParser):
    """What a built page refers to: ids, links and what the browser loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element's id and address."""
        values = {name: value for name, value in attrs if value}
        self.ids.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and values.get("rel") not in {"canonical", "prev", "next", "alternate", "edit"}:
            self.loaded.append(values.get("href", ""))
        if tag in LOADED and LOADED[tag] in values:
            self.loaded.append(values[LOADED[tag]])


def problems(site: Path) -> Iterator[str]:
    """What is wrong with the built pages: links and anchors that lead nowhere, what would come from elsewhere, and
    lists and tables that GitHub shows and Python-Markdown does not, for want of an empty line before them."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        for run_in in RUN_IN.findall(path.read_text("utf-8")):
            yield f"{name}: needs an empty line before it: {run_in}"
        yield from (f"{name}: loads {address}" for address in page.loaded if urlsplit(address).netloc)
        for address in [*page.links, *page.loaded]:
            parts = urlsplit(address)
            # 404.html is served under any address, so its links are absolute.
            if parts.scheme or parts.netloc or name.name == "404.html":
                continue
            target = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                yield f"{name}: {address}: no such file"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                yield f"{name}: {address}: no such anchor"


def main() -> None:
    """Build the site and check it; exit status 1 with one line for each problem."""
    with (ROOT / "zensical.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    source, site = ROOT / project["docs_dir"], ROOT / project["site_dir"]
    gather(source)
    written = {str(path.relative_to(source)) for path in source.glob("*.md")}
    if missing := sorted(written - set(menu_pages(project["nav"]))):
        sys.exit(f"zensical.toml: in no menu: {', '.join(missing)}")
    shutil.rmtree(site, ignore_errors=True)
    program = Path(sys.executable).with_name("zensical")
    done = subprocess.run([program, "build", "--strict", "--clean"], cwd=ROOT, env={**os.environ, "NO_COLOR": "1"})
    if done.returncode:
        sys.exit(1)
    if wrong := list(problems(site)):
        sys.exit("\n".join(wrong))
    print(f"{site.relative_to(ROOT)}/index.html: {len(list(site.rglob('*.html')))} pages")


if __name__ == "__main__":
    main()
