"""The one door to an OpenSearch cluster: SigV4, basic auth, or none; one clear line for each failure.

SigV4 signs with the credentials of the moment (a long run outlives temporary ones). Basic auth takes user and password
from Secrets Manager, as JSON ``{"username": …, "password": …}``.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from opensearchpy import JSONSerializer, OpenSearch
from opensearchpy.exceptions import ConnectionError as UnreachableError
from opensearchpy.exceptions import SerializationError, TransportError

from streamtally.aws.opensearch.answers import (
    PARTIAL,
    TOO_MANY_BUCKETS,
    ask_for_all,
    explain_cause,
    find_gap,
    is_beyond_limit,
    is_limited,
)
from streamtally.aws.opensearch.bulk import Item, read_items
from streamtally.aws.opensearch.connection import Connection
from streamtally.aws.opensearch.pace import REQUEST_SECONDS, Limit, Pace, TriedError, is_safe, persist
from streamtally.errors import IndexPlanError, SettingsError
from streamtally.text import one_line

TIMEOUT_SECONDS = 60
BULK_MAX_BYTES = 4_000_000  # the smallest domain takes requests of 10 MiB; several of these may be under way
# The first line of a request may have 4,096 bytes (http.max_initial_line_length), with method and parameters.
PATH_MAX_CHARS = 3_000

# The library logs each refusal as a warning; here a refusal is an error with a line of its own, or was asked for.
logging.getLogger("opensearch").setLevel(logging.ERROR)


NO_TIME = "no_time"


class ClusterError(IndexPlanError):
    """The cluster refused or cannot be reached: one line. ``status`` is the HTTP status, 0 without an answer.

    ``kind`` is OpenSearch's name of the error, or NO_TIME: the run ended before the request could begin.
    """

    def __init__(self, message: str, status: int = 0, kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class Serializer(JSONSerializer):
    """JSON by orjson: answers of settling are megabytes."""

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, str | bytes) else orjson.dumps(data).decode()

    def loads(self, s: Any) -> Any:
        try:
            return orjson.loads(s)
        except orjson.JSONDecodeError:  # an integer of more than 64 bits
            try:
                return json.loads(s)
            except ValueError as error:  # cut off, or of something that stands before the cluster
                raise SerializationError(s, error) from None


@dataclass
class BulkItem:
    """One item of a bulk answer that is not a success."""

    position: int
    status: int
    kind: str
    reason: str


class Cluster:
    """A cluster, by plain requests. ``requests`` counts them."""

    def __init__(
        self, client: OpenSearch, name: str, pace: Pace | None = None, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._client = client
        self.name = name
        self.requests = 0
        self._pace = pace or Pace()
        self._timeout_seconds = timeout_seconds
        self._time_left: Callable[[], float] | None = None

    @contextmanager
    def limited(self, time_left: Callable[[], float]) -> Iterator[None]:
        """Within it, every request with all its tries ends while something is left of the run.

        Args: time_left: seconds left of the run.
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
        """The parsed answer; with a status in ``ignore`` whatever came, an empty dict if nothing did.

        Args:
            timeout_seconds: for one try; less where the run has not so much left.
            safe: whether it may be done twice (default: by method and path), where an answer was lost.
        Raises: ClusterError: one line with the request, the status and the reason; also for an answer that is not
            whole (`opensearch_answers`), whatever its status.
        """
        self.requests += 1
        asked = ask_for_all(path, params or {})
        headers = {"content-type": "application/x-ndjson"} if isinstance(body, str | bytes) else None

        def send(seconds: float) -> Any:
            given = {**asked, "request_timeout": seconds}
            return self._client.transport.perform_request(method, path, params=given, body=body, headers=headers)

        longest = timeout_seconds or self._timeout_seconds
        safe = is_safe(method, path) if safe is None else safe
        try:
            answer = persist(send, self._pace, self._limit(longest), longest, safe)
        except TimeoutError:
            raise ClusterError(f"{method} {path[:120]}: not sent: no time is left of this run", kind=NO_TIME) from None
        except TriedError as tried:
            return self._failed(method, path, tried, ignore)
        except SerializationError:
            raise ClusterError(f"{method} {path[:120]}: the answer is not JSON, or was cut off", 200, PARTIAL) from None
        gap = find_gap(path, answer, is_limited(body, asked))
        if gap:
            raise ClusterError(f"{method} {path[:120]}: answered in part: {gap}", 200, PARTIAL)
        return answer if answer != "" else {}

    def _limit(self, longest_seconds: float) -> Limit:
        return Limit(self._pace, self._time_left, max(REQUEST_SECONDS, longest_seconds))

    def _failed(self, method: str, path: str, tried: TriedError, ignore: Sequence[int]) -> Any:
        error = tried.error
        tries = f" ({tried.tries} tries)" if tried.tries > 1 else ""
        if isinstance(error, UnreachableError):
            raise ClusterError(f"{self.name} cannot be reached: {_short(error.error)}{tries}") from None
        status = error.status_code if isinstance(error.status_code, int) else 0
        gone = method == "DELETE" and status == 404 and tried.began  # by the try whose answer was lost
        if status in ignore or gone:
            return error.info if isinstance(error.info, dict) else {}
        kind = TOO_MANY_BUCKETS if is_beyond_limit(error.info) else str(error.error)
        raise ClusterError(_explain(method, path, error) + tries, status, kind) from None

    def bulk(
        self, lines: Iterable[bytes], params: Mapping[str, Any] | None = None, path: str = "/_bulk"
    ) -> list[BulkItem]:
        """Put action and document lines, in one request; what did not succeed, by its position among the items.

        Items that are refused for the moment (429, and 503 where they have an id) are put again, alone.

        Args: lines: in pairs (action, document), or alone for deletes.
        Raises: ClusterError: the request failed, or the answer has not one item for each that was put.
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
        self, items: Sequence[Item], positions: Sequence[int], params: Mapping[str, Any] | None, path: str
    ) -> list[BulkItem]:
        body = b"\n".join(line for position in positions for line in items[position].lines) + b"\n"
        safe = all(items[position].by_id for position in positions)
        answer = self.request("POST", path, body, params, safe=safe)
        answered = answer.get("items") or ()
        if len(answered) != len(positions):
            text = f"POST {path}: answered in part: {len(answered)} of {len(positions)} items"
            raise ClusterError(text, 200, PARTIAL)
        failed = []
        for position, item in zip(positions, answered, strict=True):
            result = next(iter(item.values()))
            if result["status"] >= 300:
                error = result.get("error") or {}
                failed.append(
                    BulkItem(position, result["status"], error.get("type", ""), _short(error.get("reason", "")))
                )
        return failed


def _explain(method: str, path: str, error: TransportError) -> str:
    reason = _short(error.error)
    info = error.info
    if isinstance(info, dict):
        cause = info.get("error")
        if isinstance(cause, dict):
            reason = _short(explain_cause(cause))
        elif isinstance(cause, str):
            reason = _short(cause)
        elif info.get("message"):
            reason = _short(info["message"])
    return f"{method} {path[:120]}: {error.status_code} {reason}"


def _short(text: object) -> str:
    return one_line(text, 500)


Credentials = Callable[[], tuple[str, str]]


def connect(
    url: str,
    auth: Any = None,
    ca_certs: str | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    pace: Pace | None = None,
) -> Cluster:
    """A cluster by its address; user and password may stand in it.

    Args:
        url: ``http(s)://[user:password@]host[:port]``; without a scheme it is https.
        auth: a `requests` auth object, or (user, password), instead of what the address has.
        ca_certs: a file with the certificate authorities to believe (default: the usual ones).
        timeout_seconds: for one try of a request.
        pace: how often a request is tried, and by which clock.
    Raises: SettingsError: not an address.
    """
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError("the OpenSearch address must be http(s)://host[:port]")
    secure = parts.scheme == "https"
    if auth is None and parts.username:
        auth = (unquote(parts.username), unquote(parts.password or ""))
    client = OpenSearch(
        hosts=[{"host": parts.hostname, "port": parts.port or (443 if secure else 80), "use_ssl": secure}],
        http_auth=auth,
        use_ssl=secure,
        verify_certs=True,
        ca_certs=ca_certs,
        connection_class=Connection,
        serializer=Serializer(),
        timeout=timeout_seconds,
        max_retries=0,  # the library tries again at once, whatever the request
    )
    name = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    return Cluster(client, name, pace, timeout_seconds)


def connect_from_environment(environment: Mapping[str, str] | None = None) -> Cluster:
    """The function's cluster.

    ``OPENSEARCH_ENDPOINT`` is its address; ``OPENSEARCH_AUTH`` is ``sigv4`` (default), ``basic`` with
    ``OPENSEARCH_SECRET_ARN``, or ``none``. ``OPENSEARCH_SERVICE`` (default ``es``) is what SigV4 signs for.
    Raises: SettingsError: names the variable.
    """
    given = os.environ if environment is None else environment
    url = given.get("OPENSEARCH_ENDPOINT")
    if not url:
        raise SettingsError("OPENSEARCH_ENDPOINT is not set: the address of the OpenSearch domain")
    return connect(url, _auth(given), given.get("OPENSEARCH_CA_CERTS") or None)


def _auth(given: Mapping[str, str]) -> Any:
    kind = given.get("OPENSEARCH_AUTH") or "sigv4"
    if kind == "none":
        return None
    if kind == "basic":
        return _secret(given.get("OPENSEARCH_SECRET_ARN") or "")
    if kind == "sigv4":
        return sigv4(
            given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION") or "", given.get("OPENSEARCH_SERVICE") or "es"
        )
    raise SettingsError(f"OPENSEARCH_AUTH is {kind!r}; it must be sigv4, basic or none")


def sigv4(region: str, service: str = "es", session: Any = None) -> Any:
    """SigV4 with refreshable credentials: every request is signed with those of the moment. Raises: SettingsError."""
    import boto3
    from requests_aws4auth import AWS4Auth

    session = session or boto3.Session()
    region = region or session.region_name or ""
    credentials = session.get_credentials()
    if credentials is None or not region:
        raise SettingsError("SigV4 needs AWS credentials and AWS_REGION (or set OPENSEARCH_AUTH to basic or none)")
    return AWS4Auth(region=region, service=service, refreshable_credentials=credentials)


def _secret(arn: str) -> tuple[str, str]:
    import boto3

    if not arn:
        raise SettingsError("OPENSEARCH_SECRET_ARN is not set: the secret with username and password")
    text = boto3.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    try:
        secret = json.loads(text)
        return str(secret["username"]), str(secret["password"])
    except (ValueError, KeyError, TypeError):
        raise SettingsError("the secret OPENSEARCH_SECRET_ARN must be JSON with username and password") from None
