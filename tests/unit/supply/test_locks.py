"""One source of versions: what a layer ships, and what stands in for the runtime, is what the tests run on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LAYERS = ("streamtally", "opensearch")
LOCKS = [*sorted((ROOT / "requirements").glob("*.txt")), *sorted((ROOT / "layers").glob("*/lock.txt"))]


def read_lock(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Package → version and hashes."""
    pins: dict[str, tuple[str, frozenset[str]]] = {}
    for entry in re.split(r"(?m)^(?=[A-Za-z0-9])", path.read_text()):
        head = entry.split("\\")[0].strip()
        if not entry.startswith("#") and head:
            requirement = Requirement(head)
            (pin,) = requirement.specifier
            assert pin.operator == "==", head
            hashes = frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})\b", entry))
            pins.setdefault(canonicalize_name(requirement.name), (pin.version, hashes))
    return pins


# The layers' locks are a part of the tests' lock: same version, and no wheel that the tests' lock does not know.
@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_ships_the_versions_that_are_tested(layer: str) -> None:
    tested = read_lock(ROOT / "requirements/dev.txt")
    shipped = read_lock(ROOT / "layers" / layer / "lock.txt")
    assert shipped
    for name, (version, hashes) in shipped.items():
        assert version == tested[name][0], name
        assert hashes, name
        assert hashes <= tested[name][1], name


# What stands in for the Lambda runtime (boto3 and what it needs) is what the tests import.
def test_the_stand_in_runtime_has_the_versions_that_are_tested() -> None:
    tested = read_lock(ROOT / "requirements/dev.txt")
    runtime = read_lock(ROOT / "requirements/runtime.txt")
    assert {"boto3", "botocore"} <= runtime.keys() & tested.keys()
    assert {n: v for n, (v, _) in runtime.items() if n in tested} == {n: tested[n][0] for n in runtime if n in tested}


# What the package asks for is in its layer's lock, and in no other version.
@pytest.mark.parametrize("layer", LAYERS)
def test_the_lock_holds_what_the_package_asks_for(layer: str) -> None:
    shipped = read_lock(ROOT / "layers" / layer / "lock.txt")
    for line in (ROOT / "layers" / layer / "requirements.txt").read_text().splitlines():
        requirement = Requirement(line)
        assert requirement.specifier.contains(shipped[canonicalize_name(requirement.name)][0]), line


# A marker would be evaluated for the machine that builds; the lock is for Lambda's Python 3.13 alone.
@pytest.mark.parametrize("layer", LAYERS)
def test_a_layers_lock_depends_on_no_machine(layer: str) -> None:
    assert ";" not in (ROOT / "layers" / layer / "lock.txt").read_text()


# Every lock names packages by name, version and hash: never by an address, never without a hash.
@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_lock_is_hashed_and_names_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"https?://|git\+|--index-url|--find-links| @ ", text)
    assert all(hashes for _, hashes in read_lock(lock).values())


# SAM hands a makefile its layer's folder alone, so there are two copies; they are one text.
def test_the_layers_are_built_by_one_makefile() -> None:
    first, second = (ROOT / "layers" / layer / "Makefile" for layer in LAYERS)
    assert first.read_bytes() == second.read_bytes()


# The folder in which SAM runs the makefile names that processor alone, and no C library newer than Lambda's.
@pytest.mark.parametrize(("folder", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
@pytest.mark.parametrize("layer", LAYERS)
def test_platforms_are_those_of_the_processor(layer: str, folder: str, machine: str) -> None:
    names = (ROOT / "layers" / layer / folder / "platforms").read_text().split()
    for name in names:
        match = re.fullmatch(r"manylinux(?:2014|_2_(\d+))_(.+)", name)
        assert match, name
        assert match[2] == machine
        assert int(match[1] or 17) <= 34  # Amazon Linux 2023: glibc 2.34
