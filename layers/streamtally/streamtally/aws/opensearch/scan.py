"""All documents of a search in the order of its sort, page by page, also where many documents sort alike."""

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

    ``search_after`` goes on behind *all* documents that sort as the last one of a page does: those that were not on the
    page would be left out. So the documents at a full page's end that sort alike are read with the next page.

    Args: body: with ``size`` and ``sort``.
    Raises: ClusterError; also where more documents sort alike than a page holds.
    """
    asked = dict(body)
    while True:
        answer = cluster.request("POST", path, asked, params, ignore=ignore)
        hits = (answer.get("hits") or {}).get("hits") or []
        if len(hits) < asked["size"]:
            yield from hits
            return
        last = hits[-1]["sort"]
        whole = [hit for hit in hits if hit["sort"] != last]
        if not whole:
            raise ClusterError(f"POST {path}: more than {asked['size']} documents sort alike ({last})")
        yield from whole
        asked["search_after"] = whole[-1]["sort"]
