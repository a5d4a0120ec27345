"""One real OpenSearch for all modules of this folder."""

from __future__ import annotations

from tests.opensearch.conftest import opensearch  # noqa: F401
