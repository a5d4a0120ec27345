"""Whether an answer of OpenSearch is complete: HTTP 200 also comes with failed shards, time-outs, unfinished work.

``ask_for_all`` makes a request ask for the fields that show this, ``find_gap`` reads them. `Cluster.request`, through
which all requests go, calls both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streamtally.text import one_line

PARTIAL = "partial_answer"
"""``ClusterError.kind`` of an incomplete answer."""

TOO_MANY_BUCKETS = "too_many_buckets_exception"
"""``ClusterError.kind`` of a request that asks for more than `search.max_buckets` allows."""

_COMPLETENESS = ("_shards", "_nodes", "_clusters", "timed_out", "terminated_early", "failures", "acknowledged", "count")
_BY_QUERY = ("_delete_by_query", "_update_by_query", "_reindex")
_DONE = ("created", "updated", "deleted", "noops", "version_conflicts")
# These write to one shard: the primary decides, and a replica that fails is removed from the set that is read.
_WRITES = ("_doc", "_create", "_update", "_bulk")
_LISTS = ("failures", "node_failures", "task_failures")
MAX_REASON = 300


def endpoint_of(path: str) -> str:
    """``_search`` of ``/index/_search?…``: the first part that names an API, "" if none does."""
    parts = path.partition("?")[0].split("/")
    return next((part for part in parts if part.startswith("_") and part not in ("_all", "_local")), "")


def _is_search(path: str) -> bool:
    return path.partition("?")[0].rstrip("/").endswith("/_search")


def ask_for_all(path: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a request, changed so that the server rejects a partial answer or the answer reveals it."""
    parameters = dict(params)
    if _is_search(path):
        parameters["allow_partial_search_results"] = "false"
    kept = [part for part in str(parameters.get("filter_path") or "").split(",") if part]
    if any(not part.startswith("-") for part in kept):  # exclusions alone keep the other fields
        parameters["filter_path"] = ",".join([*kept, *(name for name in _COMPLETENESS if name not in kept)])
    return parameters


def is_limited(body: Any, params: Mapping[str, Any]) -> bool:
    """Whether a request itself limits how many documents a shard looks at."""
    return "terminate_after" in params or (isinstance(body, Mapping) and "terminate_after" in body)


def find_gap(path: str, answer: Any, limited: bool = False) -> str:
    """Why an answer with HTTP status 200 is incomplete, in one line; "" if it is complete.

    Args:
        limited: the request has a ``terminate_after``. Without it, OpenSearch 3 reports ``terminated_early`` for every
            aggregation of ``size: 0`` although it is complete: the collector of hits has nothing to collect and ends.
    """
    endpoint = endpoint_of(path)
    if endpoint in ("_search", "_count", "_msearch", "_mget", "_bulk", *_BY_QUERY) and not isinstance(answer, dict):
        return "the answer is not a JSON object"
    if not isinstance(answer, dict):
        return ""
    gap = "it was terminated early" if limited and answer.get("terminated_early") else _general_gap(endpoint, answer)
    if gap:
        return gap
    if endpoint == "_count" or _is_search(path):
        return _search_gap(answer, endpoint == "_count")
    if endpoint == "_msearch":
        return _first(_response_gap(response) for response in _list(answer, "responses"))
    if endpoint == "_mget":
        return _first(_document_gap(document) for document in _list(answer, "docs"))
    if endpoint in _BY_QUERY and "task" not in answer:
        return _by_query_gap(answer)
    if endpoint == "_tasks" and answer.get("completed"):
        return _task_gap(answer)
    return ""


def _list(answer: Mapping[str, Any], name: str) -> Sequence[Any]:
    values = answer.get(name)
    return values if isinstance(values, list) else [None]


def _first(gaps: Any) -> str:
    return next((gap for gap in gaps if gap), "")


def _general_gap(endpoint: str, answer: Mapping[str, Any]) -> str:
    """What any answer may report: flags, and parts of the cluster that did not answer."""
    if answer.get("timed_out"):
        return "it timed out"
    if answer.get("acknowledged") is False:
        return "not all nodes acknowledged it in time"
    for name in ("_shards", "_nodes"):
        summary = answer.get(name)
        failed = summary.get("failed") if isinstance(summary, dict) else 0
        if isinstance(summary, dict) and failed and not (name == "_shards" and endpoint in _WRITES):
            reasons = summary.get("failures") or answer.get("failures") or ()
            return f"{failed} of {summary.get('total')} {name[1:]} failed{_because(reasons)}"
    clusters = answer.get("_clusters")
    if isinstance(clusters, dict) and clusters.get("skipped"):
        return f"{clusters['skipped']} of {clusters.get('total')} clusters were skipped"
    for name in _LISTS:
        failures = answer.get(name)
        if isinstance(failures, list) and failures:
            return f"{len(failures)} failures{_because(failures)}"
    return ""


def _search_gap(answer: Mapping[str, Any], counted: bool = False) -> str:
    shards = answer.get("_shards")
    if not isinstance(shards, dict) or not isinstance(shards.get("total"), int):
        return "it does not say which shards answered"
    if shards.get("successful") != shards["total"]:  # a shard without a copy is not counted as failed
        return f"{shards.get('successful')} of {shards['total']} shards answered"
    if counted and not isinstance(answer.get("count"), int):
        return "it does not say how many there are"
    return ""


def _response_gap(response: Any) -> str:
    if not isinstance(response, dict):
        return "an answer is missing"
    if response.get("error"):
        return f"a search failed{_because([response])}"
    return _general_gap("_search", response) or _search_gap(response)


def _document_gap(document: Any) -> str:
    """A missing document is an answer, also if its index is missing; one that could not be read is not."""
    if not isinstance(document, dict):
        return "the documents are missing"
    error = document.get("error")
    kind = error.get("type") if isinstance(error, dict) else error
    if kind and kind != "index_not_found_exception":
        return f"{document.get('_id')} could not be read{_because([document])}"
    return ""


def _by_query_gap(answer: Mapping[str, Any]) -> str:
    if answer.get("canceled"):
        return f"it was cancelled: {one_line(answer['canceled'], MAX_REASON)}"
    total = answer.get("total")
    if not isinstance(total, int):
        return "it does not say how many documents there were"
    done = sum(answer.get(name) or 0 for name in _DONE)
    return f"{done} of {total} documents were taken" if done < total else ""


def _task_gap(answer: Mapping[str, Any]) -> str:
    if answer.get("error"):
        return f"the task failed{_because([answer])}"
    response = answer.get("response")
    if not isinstance(response, dict):
        return "the task has no result"
    return _general_gap("_tasks", response) or ("total" in response and _by_query_gap(response)) or ""


def is_beyond_limit(info: Any) -> bool:
    """Whether an error says that the request asked for more buckets than `search.max_buckets` allows."""
    error = info.get("error") if isinstance(info, Mapping) else None
    if not isinstance(error, Mapping):
        return False
    causes = [error, error.get("caused_by"), *(error.get("root_cause") or ())]
    return any(isinstance(cause, Mapping) and cause.get("type") == TOO_MANY_BUCKETS for cause in causes)


def explain_cause(error: Mapping[str, Any]) -> str:
    """``type: reason``, and the cause in parentheses: "all shards failed" does not say why they failed."""
    root = (error.get("root_cause") or [error])[0]
    text = f"{error.get('type') or ''}: {error.get('reason') or root.get('reason') or ''}"
    inner = _because(error.get("failed_shards") or []) or _because([error.get("caused_by")])
    return text if inner.strip(" ()") in text else f"{text}{inner}"


def _because(failures: Any) -> str:
    """`` (type: reason)`` of the first failure that has one; its place in a failure differs by API."""
    for failure in failures if isinstance(failures, list | tuple) else ():
        cause = failure
        for name in ("reason", "cause", "error"):
            inner = failure.get(name) if isinstance(failure, dict) else None
            if inner:
                cause = inner
                break
        if isinstance(cause, dict):
            deeper = cause.get("caused_by")
            cause = deeper if isinstance(deeper, dict) and deeper.get("reason") else cause
            text = f"{cause.get('type') or ''}: {cause.get('reason') or ''}".strip(": ")
        else:
            text = str(cause)
        if text:
            return f" ({one_line(text, MAX_REASON)})"
    return ""
