"""Every output gets a dashboard that shows something."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamtally.indices.dashboards import to_queries, to_saved_objects
from streamtally.indices.spec import read_specs


def _titles(document: dict[str, Any]) -> dict[str, list[str]]:
    """Index → the titles of its visualizations; each is on the index's dashboard."""
    titles = {}
    for spec in read_specs(document, "log-summary-stream"):
        objects = to_saved_objects([spec])
        panels = json.loads(objects[-1]["attributes"]["panelsJSON"])
        titles[spec.index] = list(to_queries(spec))
        assert len(panels) == len(titles[spec.index]) == len(objects) - 2 > 0
    return titles


def test_the_bundled_pipeline(default_document: dict[str, Any]) -> None:
    assert _titles(default_document) == {
        "request_data": ["Status per minute", "Error share"],
        "level_data": ["Level per minute"],
    }


@pytest.mark.parametrize(
    ("column", "title"),
    [("severity", "Level per minute"), ("log_level", "Level per minute"), ("host", "Total per minute")],
)
def test_by_another_column(default_document: dict[str, Any], column: str, title: str) -> None:
    text = json.dumps(default_document).replace('"level"', f'"{column}"')
    assert _titles(json.loads(text))["level_data"] == [title]
