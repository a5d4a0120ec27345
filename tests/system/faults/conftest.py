"""A real OpenSearch for all modules of this folder, moto's server where it is installed, a world for redrive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.moto.conftest import moto_url  # noqa: F401
from tests.integration.opensearch.conftest import opensearch  # noqa: F401
from tests.system.faults.world import NOW, Faults, MemoryEnd, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world without OpenSearch, in which every try of a batch may fail."""
    world = World(tmp_path, MemoryEnd(), NOW, Faults(1))
    world.max_failed_tries = 4
    yield world
    world.laptop.close()
