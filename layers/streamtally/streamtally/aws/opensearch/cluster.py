"""All access to an OpenSearch cluster: requests, retried within the run's time, with one line for each failure."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from opensearchpy import JSONSerializer, OpenSearch
from opensearchpy.exceptions import ConnectionError as UnreachableError
from opensearchpy.exceptions import SerializationError

from streamtally.aws.opensearch.transport.answers import (
    PARTIAL,
    TOO_MANY_BUCKETS,
    ask_for_all,
    find_gap,
    is_beyond_limit,
    is_limited,
)
from streamtally.aws.opensearch.transport.bulk_items import PendingItem, read_items
from streamtally.aws.opensearch.transport.connection import AnsweredError
from streamtally.aws.opensearch.transport.explain import explain, explain_connection, shorten
from streamtally.aws.opensearch.transport.identity import Root, find_stranger, read_root
from streamtally.aws.opensearch.transport.retries import (
    BLOCKED,
    REQUEST_SECONDS,
    RETRY_STATUS,
    Limit,
    Pace,
    TriedError,
    is_safe,
    persist,
)
from streamtally.errors import IndexPlanError

TIMEOUT_SECONDS = 60
BULK_MAX_BYTES = 4_000_000  # the smallest domain accepts requests of 10 MiB, and several of these may be in progress
# The first line of a request may have 4,096 bytes (http.max_initial_line_length), including method and parameters.
PATH_MAX_CHARS = 3_000

# The library logs each error answer as a warning; here it becomes an error with its own message, or is expected.
logging.getLogger("opensearch").setLevel(logging.ERROR)


NO_TIME = "no_time"


class ClusterError(IndexPlanError):
    """The cluster rejected a request or cannot be reached: one line.

    Attributes:
        status: the HTTP status; 0 without an answer.
        kind: OpenSearch's name of the error, or NO_TIME: the run ended before the request could begin.
    """

    def __init__(self, message: str, status: int = 0, kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind

    @property
    def is_blocked(self) -> bool:
        """Whether a block of the cluster or of the index refused it: repeating it now does not help."""
        return self.kind == BLOCKED and self.status in (403, 429)

    @property
    def is_flooded(self) -> bool:
        """Whether that is the block of an index on a disk past the flood stage.

        Source: OpenSearch, IndexMetadata.INDEX_READ_ONLY_ALLOW_DELETE_BLOCK.
        """
        return self.is_blocked and "/12/" in str(self)  # the block's number, which no block of the cluster has


class Serializer(JSONSerializer):
    """JSON by orjson: the answers that settling reads are megabytes long."""

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, str | bytes) else orjson.dumps(data).decode()

    def loads(self, s: Any) -> Any:
        try:
            return orjson.loads(s)
        except orjson.JSONDecodeError:  # an integer of more than 64 bits
            try:
                return json.loads(s)
            except ValueError as error:  # cut off, or from something in front of the cluster
                raise SerializationError(s, error) from None


class NotOpenSearchError(ClusterError):
    """What answers at the address is not an OpenSearch that Streamtally works with."""


@dataclass
class BulkItem:
    """An item of a bulk request that failed."""

    position: int
    status: int
    kind: str
    reason: str


class Cluster:
    """A cluster, through plain requests.

    Attributes:
        name: its address, for messages.
        requests: how many were made.

    Args:
        checked: whether what answers is known to be OpenSearch; if not, the first request is preceded by ``GET /``.
    """

    def __init__(
        self,
        client: OpenSearch,
        name: str,
        pace: Pace | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        checked: bool = True,
    ) -> None:
        self._client = client
        self.name = name
        self.requests = 0
        self._pace = pace or Pace()
        self._timeout_seconds = timeout_seconds
        self._time_left: Callable[[], float] | None = None
        self._answered = False
        self._checked = checked

    @contextmanager
    def limited(self, time_left: Callable[[], float]) -> Iterator[None]:
        """Within it, every request ends, with all its attempts, before the run does.

        Args:
            time_left: seconds left of the run.
        """
        before, self._time_left = self._time_left, time_left
        try:
            yield
        finally:
            self._time_left = before

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        ignore: Sequence[int] = (),
        timeout_seconds: float | None = None,
        safe: bool | None = None,
    ) -> Any:
        """The parsed answer.

        Args:
            ignore: statuses whose answers are returned like a success; an empty dict if there is no body.
            timeout_seconds: for one attempt; less if the run has less time left.
            safe: whether it may be repeated after an answer was lost (default: by method and path).
        Raises: ClusterError: one line with the request, the status and the reason; also for an incomplete answer
            (`transport.answers`), whatever its status. NotOpenSearchError: something else answers at this address.
        """
        self.check()
        self.requests += 1
        parameters = ask_for_all(path, params or {})
        headers = {"content-type": "application/x-ndjson"} if isinstance(body, str | bytes) else None

        def send(seconds: float) -> Any:
            options = {**parameters, "request_timeout": seconds}
            return self._client.transport.perform_request(method, path, params=options, body=body, headers=headers)

        longest = timeout_seconds or self._timeout_seconds
        safe = is_safe(method, path) if safe is None else safe
        try:
            answer = persist(send, self._pace, self._limit(longest), longest, safe, self._answered)
            self._answered = True
        except TimeoutError:
            raise ClusterError(f"{method} {path[:120]}: not sent: this run has no time left", kind=NO_TIME) from None
        except TriedError as tried:
            return self._failed(method, path, tried, ignore)
        except SerializationError:
            raise ClusterError(f"{method} {path[:120]}: the answer is not JSON, or was cut off", 200, PARTIAL) from None
        if isinstance(answer, list) and not path.startswith("/_cat"):
            raise ClusterError(f"{method} {path[:120]}: the answer is not a JSON object", 200, PARTIAL)
        gap = find_gap(path, answer, is_limited(body, parameters))
        if gap:
            raise ClusterError(f"{method} {path[:120]}: answered in part: {gap}", 200, PARTIAL)
        return answer if answer != "" else {}

    def check(self) -> None:
        """Make sure, once, that OpenSearch answers at this address.

        Raises: NotOpenSearchError: something else does. ClusterError: nothing does.
        """
        if self._checked:
            return
        seconds = self._timeout_seconds
        try:
            root = persist(self._ask_root, self._pace, self._limit(seconds), seconds, True, self._answered)
        except TimeoutError:
            raise ClusterError("GET /: not sent: this run has no time left", kind=NO_TIME) from None
        except TriedError as tried:
            error = tried.error
            if not isinstance(error, AnsweredError) or error.status in RETRY_STATUS:
                self._failed("GET", "/", tried, ())
                raise
            root = Root(error.status, error.error, error.info, error.location)
        self._answered = True
        problem = find_stranger(self.name, root)
        if problem:
            raise NotOpenSearchError(problem, root.status)
        self._checked = True

    def _ask_root(self, seconds: float) -> Root:
        """``GET /`` without the library's reading of it, which knows the answer only as JSON."""
        status, _, text = self._client.transport.get_connection().perform_request("GET", "/", timeout=seconds)
        return read_root(status, text)

    def _limit(self, longest_seconds: float) -> Limit:
        return Limit(self._pace, self._time_left, max(REQUEST_SECONDS, longest_seconds))

    def _failed(self, method: str, path: str, tried: TriedError, ignore: Sequence[int]) -> Any:
        error = tried.error
        tries = f" ({tried.tries} tries)" if tried.tries > 1 else ""
        if isinstance(error, UnreachableError):
            raise ClusterError(
                f"{self.name} cannot be reached: {explain_connection(str(error.error))}{tries}"
            ) from None
        self._answered = True
        status = error.status_code if isinstance(error.status_code, int) else 0
        gone = method == "DELETE" and status == 404 and tried.began  # by the attempt whose answer was lost
        if status in ignore or gone:
            return error.info if isinstance(error.info, dict) else {}
        kind = TOO_MANY_BUCKETS if is_beyond_limit(error.info) else str(error.error)
        raise ClusterError(explain(method, path, error) + tries, status, kind) from None

    def bulk(
        self, lines: Iterable[bytes], params: Mapping[str, Any] | None = None, path: str = "/_bulk"
    ) -> list[BulkItem]:
        """Send action and document lines in one request. Returns: the items that failed, by position.

        Items that are temporarily rejected (429, and 503 if they have an id) are sent again, alone.

        Args:
            lines: in pairs (action, document), or alone for deletes.
        Raises: ClusterError: the request failed, or the answer does not have one item for each that was sent.
        """
        items = read_items(lines)
        limit = self._limit(self._timeout_seconds)
        pending = list(range(len(items)))
        failed: list[BulkItem] = []
        for tried in range(1, self._pace.tries + 1):
            refused = self._put_items(items, pending, params, path)
            again = {item.position for item in refused if items[item.position].may_retry(item.status)}
            if not again or tried == self._pace.tries or not limit.wait(self._pace.pause(tried)):
                failed += refused
                break
            failed += [item for item in refused if item.position not in again]
            pending = sorted(again)
        return sorted(failed, key=lambda item: item.position)

    def _put_items(
        self, items: Sequence[PendingItem], positions: Sequence[int], params: Mapping[str, Any] | None, path: str
    ) -> list[BulkItem]:
        body = b"\n".join(line for position in positions for line in items[position].lines) + b"\n"
        safe = all(items[position].by_id for position in positions)
        answer = self.request("POST", path, body, params, safe=safe)
        answered = answer.get("items") or ()
        if len(answered) != len(positions):
            text = f"POST {path}: answered in part: {len(answered)} of {len(positions)} items"
            raise ClusterError(text, 200, PARTIAL)
        return list(_failed_items(positions, answered))


def to_paths(patterns: Sequence[str]) -> Iterator[str]:
    """Paths of comma-separated patterns, each short enough for a request line."""
    path = ""
    for pattern in patterns:
        if path and len(path) + len(pattern) + 1 > PATH_MAX_CHARS:
            yield path
            path = ""
        path += f"{',' if path else '/'}{pattern}"
    if path:
        yield path


def _failed_items(positions: Sequence[int], answered: Sequence[Mapping[str, Any]]) -> Iterator[BulkItem]:
    """The items of a bulk answer that are not a success, by the position in ``positions``."""
    for position, item in zip(positions, answered, strict=True):
        result = next(iter(item.values()))
        if result["status"] >= 300:
            error = result.get("error") or {}
            yield BulkItem(position, result["status"], error.get("type", ""), shorten(error.get("reason", "")))
