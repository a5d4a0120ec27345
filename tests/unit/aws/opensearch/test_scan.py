"""Pages of documents that sort alike: none is left out at a page's end, none comes twice."""

from __future__ import annotations

from typing import Any, cast

import pytest

from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.scan import scan


class Sorted:
    """Answers a search as OpenSearch does: ``search_after`` continues after all with equal sort values."""

    def __init__(self, documents: list[tuple[Any, ...]]) -> None:
        self.documents = documents
        self.pages = 0

    def request(self, method: str, path: str, body: Any, params: Any = None, ignore: Any = ()) -> Any:
        self.pages += 1
        after = tuple(body.get("search_after") or ())
        left = [position for position, sort in enumerate(self.documents) if not after or sort > after]
        return {"hits": {"hits": [{"_id": n, "sort": list(self.documents[n])} for n in left[: body["size"]]]}}


def scanned(documents: list[tuple[Any, ...]], size: int) -> list[int]:
    cluster = cast(Cluster, Sorted(documents))
    return [hit["_id"] for hit in scan(cluster, "/a/_search", {"size": size, "sort": ["w", "g"]})]


@pytest.mark.parametrize("size", [3, 4, 5, 7, 8, 100])
def test_every_document_once(size: int) -> None:
    documents = [(window, group) for window in range(5) for group in "abc" for _ in range(1 + (window == 2))]
    assert scanned(documents, size) == list(range(len(documents)))


def test_nothing_there() -> None:
    assert scanned([], 5) == []


# If one sort value fills a page, nobody knows how many more documents have it: an error, not a cut.
def test_more_alike_than_a_page() -> None:
    with pytest.raises(ClusterError, match="more than 3 documents have the same sort values"):
        scanned([(1, "a")] * 4, 3)
