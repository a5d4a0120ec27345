"""The field types that an output may declare, on a real OpenSearch: it has each of them, without a parameter."""

from __future__ import annotations

import pytest

from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.config.field_types import FIELD_TYPES
from streamtally.indices.index_templates import to_field
from streamtally.indices.spec import IndexColumn

COLUMN = IndexColumn("c", "VARCHAR(64)")
GEOSPATIAL = {"xy_point", "xy_shape"}
"""Types of the geospatial plugin, which the distribution of the tests is without."""


def test_an_index_can_have_each_type(cluster: Cluster) -> None:
    fields = {kind: to_field(COLUMN, {"c": kind}) for kind in FIELD_TYPES if kind not in GEOSPATIAL}
    cluster.request("PUT", "/types", {"mappings": {"properties": fields}})
    mapping = cluster.request("GET", "/types/_mapping")["types"]["mappings"]["properties"]
    assert {name: field["type"] for name, field in mapping.items()} == {kind: kind for kind in fields}


@pytest.mark.parametrize(
    "kind", ["keywrod", "IP", "VARCHAR(64)", "string", "scaled_float", "token_count", "constant_keyword"]
)
def test_what_is_refused_no_index_can_have(cluster: Cluster, kind: str) -> None:
    with pytest.raises(ClusterError, match=r"No handler for type|parameter|required|must be set"):
        cluster.request("PUT", "/types", {"mappings": {"properties": {"c": {"type": kind}}}})
