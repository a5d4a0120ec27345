"""The sample events are what their script makes, and keep on being usable."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.make_events import FOLDER, make_events

EVENTS = make_events()


def _decoded(event: dict[str, Any]) -> dict[str, Any]:
    """The event with plain data: compressed bytes differ between zlib's releases."""
    for record in event["records"]:
        data = base64.b64decode(record["data"])
        record["data"] = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    return event


@pytest.mark.parametrize("name", EVENTS)
def test_a_sample_event_is_what_its_script_makes(name: str) -> None:
    """Nobody edits an event by hand and leaves the script behind."""
    stored = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert _decoded(stored) == _decoded(make_events()[name])


def test_every_transform_event_has_its_shape_in_the_script() -> None:
    """events/ holds nothing that the script does not know, but what is not for the transform."""
    transforms = {path.name for path in Path(FOLDER).glob("*.json") if "records" in json.loads(path.read_text())}
    assert transforms == set(EVENTS)
