"""One real OpenSearch a test session; each test begins on it with nothing of an earlier test."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Iterator

import pytest

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.connect import connect
from tests.integration.opensearch.server import Server, Unavailable, start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/integration/opensearch" in str(item.path):
            item.add_marker(pytest.mark.opensearch)
            if os.environ.get("OPENSEARCH_URL"):  # one server for all: no two tests at a time
                item.add_marker(pytest.mark.xdist_group("opensearch"))


def _start(security: bool) -> Server:
    try:
        return start(security)
    except Unavailable as error:
        if os.environ.get("OPENSEARCH_REQUIRED"):
            pytest.fail(f"a real OpenSearch is required here: {error}")
        pytest.skip(f"no real OpenSearch: {error}")


@pytest.fixture(scope="session")
def opensearch() -> Iterator[Server]:
    """A server without the security plugin."""
    server = _start(security=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def secured_opensearch() -> Iterator[Server]:
    """A server with TLS, basic auth and fine-grained access control."""
    server = _start(security=True)
    yield server
    server.stop()


@pytest.fixture
def cluster(opensearch: Server) -> Cluster:
    """The server, empty, by the project's own client."""
    wipe(opensearch)
    return connect(opensearch.url)


def wipe(server: Server) -> None:
    """Delete indices, templates and pipelines that tests make (never the security plugin's)."""
    for block in ("read_only", "read_only_allow_delete"):  # a blocked cluster lets nothing else be changed beside it
        server.request("PUT", "/_cluster/settings", {"persistent": {f"cluster.blocks.{block}": None}})
    for block in (
        "metadata",
        "read_only",
        "read_only_allow_delete",
    ):  # one at a time: a block is all that a blocked index lets be changed
        server.request("PUT", "/_all/_settings", {f"index.blocks.{block}": False})
    _, names = server.request("GET", "/_cat/indices?format=json&h=index&expand_wildcards=all")
    ours = [
        entry["index"] for entry in names if not entry["index"].startswith((".opendistro", ".opensearch", ".plugins"))
    ]
    for start_at in range(0, len(ours), 50):
        server.request("DELETE", f"/{','.join(ours[start_at : start_at + 50])}")
    _, templates = server.request("GET", "/_index_template")
    for entry in templates["index_templates"]:
        if not entry["name"].startswith("."):
            server.request("DELETE", f"/_index_template/{urllib.parse.quote(entry['name'])}")
    server.request("DELETE", "/_component_template/streamtally-*")
    _, pipelines = server.request("GET", "/_ingest/pipeline")
    for name in pipelines or {}:
        server.request("DELETE", f"/_ingest/pipeline/{name}")
    server.request("PUT", "/_cluster/settings", {"persistent": {"*": None}, "transient": {"*": None}})
