"""What a built layer ships: its packages with version and licence, what is compiled into them, and the layer's digest.

Licences are SPDX expressions, from the package's metadata or, if that names none, from requirements/licences.toml for
exactly that version. Runs in .tools/supply (license-expression).
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from license_expression import ExpressionError, LicenseSymbol, get_spdx_licensing
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("StreamtallyLayer", "OpenSearchLayer")
KERNEL = "streamtally-kernel"
"""Streamtally's own, like the library; it is a package because its wheel is built apart."""
LICENCES = ROOT / "requirements/licences.toml"


@dataclass(frozen=True)
class Part:
    """A library compiled into a package, from the SBOM that its wheel carries (PEP 770)."""

    name: str
    version: str
    purl: str
    licence: str


@dataclass(frozen=True)
class Package:
    """A distribution in a layer; ``licence`` is empty if it is unknown."""

    name: str
    version: str
    licence: str
    requires: tuple[str, ...]
    parts: tuple[Part, ...]


@cache
def policy() -> dict[str, Any]:
    """The accepted licences, and those read from licence files (requirements/licences.toml)."""
    return tomllib.loads(LICENCES.read_text())


def _spdx(text: str | None) -> str:
    """``text`` if it is an SPDX expression of known identifiers, else an empty string."""
    if not text:
        return ""
    try:
        return str(get_spdx_licensing().parse(text, validate=True, strict=True))
    except ExpressionError:
        return ""


def _parts(distribution: Distribution) -> Iterator[Part]:
    for file in distribution.files or ():
        if file.parts[-2:-1] == ("sboms",) and file.name.endswith(".json"):
            for component in json.loads(Path(str(file.locate())).read_text()).get("components", ()):
                texts = [
                    entry.get("expression") or entry.get("license", {}).get("id", "")
                    for entry in component.get("licenses", ())
                ]
                licence = " AND ".join(f"({text})" if len(texts) > 1 else text for text in texts)
                yield Part(component["name"], component.get("version", ""), component.get("purl", ""), _spdx(licence))


def packages(layer: Path) -> list[Package]:
    """The packages in the folder of a built layer, by name."""
    shipped = []
    for distribution in distributions(path=[str(layer / "python")]):
        name, metadata = canonicalize_name(distribution.name), distribution.metadata
        stated = policy()["read"].get(f"{name} {distribution.version}", "")
        licence = _spdx(stated or metadata.get("License-Expression") or metadata.get("License"))
        requires = tuple(distribution.requires or ())
        parts = tuple(sorted(_parts(distribution), key=lambda part: (part.name, part.version)))
        shipped.append(Package(name, distribution.version, licence, requires, parts))
    return sorted(shipped, key=lambda package: package.name)


def is_allowed(expression: str) -> bool:
    """Whether allowed licences alone satisfy an SPDX expression. (An SPDX exception only permits more.)"""
    if not expression:
        return False
    licensing = get_spdx_licensing()

    def met(node: Any) -> bool:
        if isinstance(node, LicenseSymbol):
            return node.key in policy()["allowed"]
        if hasattr(node, "license_symbol"):
            return met(node.license_symbol)
        results = [met(argument) for argument in node.args]
        return any(results) if isinstance(node, licensing.OR) else all(results)

    return met(licensing.parse(expression))


def refused(layer: Path) -> list[str]:
    """What may not be shipped, one line each."""
    lines = []
    for package in packages(layer):
        own = package.name == KERNEL
        named: list[tuple[str, str]] = [] if own else [(f"{package.name} {package.version}", package.licence)]
        named += [(f"{part.name} {part.version} in {package.name}", part.licence) for part in package.parts]
        for what, licence in named:
            if not licence:
                lines.append(
                    f"{what}: its metadata names no SPDX licence; read its licence and add it to {LICENCES.name}"
                )
            elif not is_allowed(licence):
                lines.append(f"{what}: {licence} is not on the list in {LICENCES.name}")
    return lines


def digest(folder: Path) -> str:
    """SHA-256 of all files and folders in a folder: path, mode, modification time, content or link target."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        entry = [
            str(path.relative_to(folder)),
            status.st_mode,
            int(status.st_mtime),
            hashlib.sha256(content).hexdigest(),
        ]
        total.update(json.dumps(entry).encode())
    return total.hexdigest()
