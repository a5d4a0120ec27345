"""Writes docs/licences.md: what the built layers ship, with licences; `--check` says whether the page is in step.

    make_licences_doc.py [--check] FOLDER...

FOLDER: a build for one processor. Exit status 1: the page differs (with --check). Runs in .tools/supply.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.shipped import LAYERS, ROOT, packages

PAGE = ROOT / "docs/licences.md"
HEAD = """# What is shipped, and under which licences

Made by `make supply-chain` from the built layers; not edited by hand. The identifiers are SPDX's. Which are accepted,
and what was read where a package's metadata names none, is in `requirements/licences.toml`; a build that ships anything
else fails. Indented: libraries compiled into a package, as its own SBOM says. The function's code and the library are
Streamtally's own. boto3 and botocore are the Lambda runtime's, and not shipped.
"""


def page(folders: list[Path]) -> str:
    text = HEAD
    for name in LAYERS:
        rows: dict[tuple[str, str, str], str] = {}
        for folder in folders:
            for package in packages(folder / name):
                rows[(package.name, package.version, "")] = package.licence
                for part in package.parts:
                    rows[(package.name, package.version, f"{part.name} {part.version}".strip())] = part.licence
        text += f"\n## {name}\n\n| package | version | licence |\n| --- | --- | --- |\n"
        for (package_name, version, part_name), licence in sorted(rows.items()):
            text += (
                f"| &emsp;{part_name} | | {licence} |\n"
                if part_name
                else f"| {package_name} | {version} | {licence} |\n"
            )
    return text


def main(arguments: list[str]) -> int:
    check = arguments[:1] == ["--check"]
    folders = [Path(argument) for argument in arguments[check:]]
    if not folders or not all((folder / name / "python").is_dir() for folder in folders for name in LAYERS):
        print("make_licences_doc.py: give the folders of builds, each with both layers", file=sys.stderr)
        return 2
    text = page(folders)
    if not check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        print(f"docs/{PAGE.name} is not what the layers ship; make licences-doc", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
