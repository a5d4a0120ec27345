"""What the core's tests share: pipelines by name, and events from payloads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.local.folder import read_folder
from streamtally.transform.pipeline import Pipeline, load_pipeline

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def default_document() -> dict[str, Any]:
    """The document of the pipeline that comes with the checkout."""
    return read_folder(ROOT / "layers/pipeline/pipeline")


@pytest.fixture(scope="session")
def default_pipeline(default_document: dict[str, Any]) -> Pipeline:
    return load_pipeline(default_document, ZoneInfo)


@pytest.fixture(scope="session")
def rows_pipeline() -> Pipeline:
    return load_pipeline(read_folder(ROOT / "pipelines/rows"), ZoneInfo)


@pytest.fixture(scope="session")
def with_changes(default_document: dict[str, Any]) -> Callable[..., Pipeline]:
    """The default pipeline with changes: source=…, output=…, settings=… are merged into its parts."""

    def change(**changes: dict[str, Any]) -> Pipeline:
        document = json.loads(json.dumps(default_document))
        document["source"] |= changes.get("source", {})
        document["plan"]["outputs"][0] |= changes.get("output", {})
        document["outputs"]["DESTINATION_SQL_STREAM"] |= changes.get("settings", {})
        return load_pipeline(document, ZoneInfo)

    return change
