"""Licences and SBOMs of a built layer, by the tools' own environment (.tools/supply)."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.unit.supply.test_locks import LAYERS, read_lock

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / ".tools/supply/bin/python"
HASH = "a" * 64


@pytest.fixture
def tools() -> None:
    if not PYTHON.exists():
        reason = "no .tools/supply: scripts/ci/install-tool supply"
        if os.environ.get("SUPPLY_REQUIRED"):
            pytest.fail(reason)
        pytest.skip(reason)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PYTHON, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=120)


def make_build(
    folder: Path, licence: str = "License-Expression: MIT", parts: list[dict[str, object]] | None = None
) -> Path:
    """Both layers with a package each, and pip's reports of them."""
    for layer in ("StreamtallyLayer", "OpenSearchLayer"):
        info = folder / layer / "python/Some_Thing-1.0.dist-info"
        (info / "sboms").mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: Some_Thing\nVersion: 1.0\n{licence}\n")
        record = "some_thing.py,,\n"
        if parts is not None:
            (info / "sboms/parts.json").write_text(json.dumps({"bomFormat": "CycloneDX", "components": parts}))
            record += f"{info.name}/sboms/parts.json,,\n"
        (info / "RECORD").write_text(record)
        reports = folder.parent / "reports"
        reports.mkdir(exist_ok=True)
        item = {
            "metadata": {"name": "some.thing", "version": "1.0"},
            "download_info": {"archive_info": {"hashes": {"sha256": HASH}}},
        }
        (reports / f"{layer}.json").write_text(json.dumps({"install": [item]}))
    return folder


def sbom(folder: Path) -> subprocess.CompletedProcess[str]:
    return run("-m", "scripts.make_sbom", folder, "arm64", folder.parent / "reports")


# Name, version, licence and the hash of the wheel; no time, no address of a registry; the same bytes twice.
def test_an_sbom_says_what_is_in_the_layer(tools: None, tmp_path: Path) -> None:
    crate = {
        "name": "itoa",
        "version": "1.0.0",
        "purl": "pkg:cargo/itoa@1.0.0",
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    }
    folder = make_build(tmp_path / "build", parts=[crate])
    done = sbom(folder)
    assert done.returncode == 0, done.stderr
    text = (folder / "StreamtallyLayer.cdx.json").read_text()
    document = json.loads(text)
    (component,) = document["components"]
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert (component["name"], component["version"], component["purl"]) == (
        "some-thing",
        "1.0",
        "pkg:pypi/some-thing@1.0",
    )
    assert component["hashes"] == [{"alg": "SHA-256", "content": HASH}]
    assert component["licenses"] == [{"expression": "MIT"}]
    assert [part["purl"] for part in component["components"]] == ["pkg:cargo/itoa@1.0.0"]
    assert "timestamp" not in document["metadata"]
    assert sbom(folder).returncode == 0
    assert (folder / "StreamtallyLayer.cdx.json").read_text() == text


# A package that pip did not report, or in another version, is in no SBOM: the build fails.
def test_a_layer_that_is_not_what_pip_reported_is_refused(tools: None, tmp_path: Path) -> None:
    folder = make_build(tmp_path / "build")
    extra = folder / "OpenSearchLayer/python/slipped_in-2.dist-info"
    extra.mkdir()
    (extra / "METADATA").write_text("Metadata-Version: 2.4\nName: slipped-in\nVersion: 2\nLicense-Expression: MIT\n")
    done = sbom(folder)
    assert done.returncode == 1
    assert "slipped-in is 2 in the layer, absent in pip's report" in done.stderr


LICENCES = [
    ("License-Expression: MIT", True),
    ("License: Apache-2.0", True),
    ("License-Expression: MPL-2.0 AND (Apache-2.0 OR MIT)", True),
    ("License-Expression: GPL-3.0-only OR MIT", True),  # MIT may be chosen
    ("License-Expression: Apache-2.0 WITH LLVM-exception", True),
    ("License-Expression: GPL-3.0-only", False),
    ("License-Expression: MIT AND AGPL-3.0-or-later", False),
    ("License-Expression: GPL-2.0-only WITH Classpath-exception-2.0", False),
    ("License-Expression: LicenseRef-Proprietary", False),
    ("License: Dual License", False),
    ("License: BSD", False),
    ("License: see the LICENSE file\n        of this package", False),
    ("Classifier: License :: OSI Approved :: MIT License", False),  # no identifier: somebody reads it
]


@pytest.mark.parametrize(("licence", "allowed"), LICENCES)
def test_licences(tools: None, tmp_path: Path, licence: str, allowed: bool) -> None:
    done = sbom(make_build(tmp_path / "build", licence))
    assert (done.returncode == 0) is allowed, done.stderr
    if not allowed:
        assert done.stderr.startswith("some-thing 1.0: ")


# A library compiled into a package counts as shipped.
def test_the_licence_of_a_compiled_part_is_checked(tools: None, tmp_path: Path) -> None:
    part = {"name": "readline", "version": "8", "licenses": [{"license": {"id": "GPL-3.0-or-later"}}]}
    done = sbom(make_build(tmp_path / "build", parts=[part]))
    assert done.returncode == 1
    assert "readline 8 in some-thing: GPL-3.0-or-later is not on the list" in done.stderr


# The page of licences lists exactly the locked packages of each layer, in their locked versions.
@pytest.mark.parametrize(("layer", "heading"), list(zip(LAYERS, ("StreamtallyLayer", "OpenSearchLayer"), strict=True)))
def test_the_page_of_licences_is_in_step_with_the_locks(layer: str, heading: str) -> None:
    section = (ROOT / "docs/licences.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ") and "&emsp;" not in line][2:]
    listed = {row[0].removeprefix("| "): row[1] for row in rows}
    assert listed == {name: version for name, (version, _) in read_lock(ROOT / "layers" / layer / "lock.txt").items()}


# What was read of a licence file was read of the version that is shipped.
def test_nothing_is_stated_of_what_is_not_shipped() -> None:
    shipped = {f"{n} {v}" for layer in LAYERS for n, (v, _) in read_lock(ROOT / "layers" / layer / "lock.txt").items()}
    stated = tomllib.loads((ROOT / "requirements/licences.toml").read_text())["read"]
    assert set(stated) <= shipped
