"""All documents of a search in its sort order, page by page, even if many documents have equal sort values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streamtally.aws.opensearch.cluster import Cluster, ClusterError


def scan(
    cluster: Cluster,
    path: str,
    body: Mapping[str, Any],
    params: Mapping[str, Any] | None = None,
    ignore: Sequence[int] = (),
) -> Iterator[dict[str, Any]]:
    """The hits of a search, each once.

    ``search_after`` continues after *all* documents with the sort values of a page's last one, so those not on the page
    would be missed. So the documents at the end of a full page with equal sort values are read with the next page.

    Args:
        body: with ``size`` and ``sort``.
    Raises: ClusterError; also if more documents have equal sort values than fit on a page.
    """
    request = dict(body)
    while True:
        answer = cluster.request("POST", path, request, params, ignore=ignore)
        hits = (answer.get("hits") or {}).get("hits") or []
        if len(hits) < request["size"]:
            yield from hits
            return
        last = hits[-1]["sort"]
        whole = [hit for hit in hits if hit["sort"] != last]
        if not whole:
            raise ClusterError(f"POST {path}: more than {request['size']} documents have the same sort values ({last})")
        yield from whole
        request["search_after"] = whole[-1]["sort"]
