"""One real OpenSearch for all modules of this folder, and moto's server where it is installed."""

from __future__ import annotations

from tests.moto.conftest import moto_url  # noqa: F401
from tests.opensearch.conftest import opensearch  # noqa: F401
