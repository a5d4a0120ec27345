"""The one door to an OpenSearch cluster: SigV4, basic auth, or none; one clear line for each failure.

SigV4 signs with the credentials of the moment (a long run outlives temporary ones). Basic auth takes user and password
from Secrets Manager, as JSON ``{"username": …, "password": …}``.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from opensearchpy import JSONSerializer, OpenSearch, RequestsHttpConnection
from opensearchpy.exceptions import ConnectionError as UnreachableError
from opensearchpy.exceptions import SerializationError, TransportError

from streamtally.aws.opensearch_answers import PARTIAL, ask_for_all, explain_cause, find_gap, is_limited
from streamtally.errors import IndexPlanError, SettingsError

TIMEOUT_SECONDS = 60
BULK_MAX_BYTES = 4_000_000  # the smallest domain takes requests of 10 MiB; several of these may be under way
# The first line of a request may have 4,096 bytes (http.max_initial_line_length), with method and parameters.
PATH_MAX_CHARS = 3_000
RETRY_STATUS = (429, 502, 503, 504)


# The library logs each refusal as a warning; here a refusal is an error with a line of its own, or was asked for.
logging.getLogger("opensearch").setLevel(logging.ERROR)


class ClusterError(IndexPlanError):
    """The cluster refused or cannot be reached: one line. ``status`` is the HTTP status, 0 without an answer."""

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


class Connection(RequestsHttpConnection):
    """Certificates that are given are those that are believed: else REQUESTS_CA_BUNDLE would win over them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if options.get("ca_certs"):
            self.session.trust_env = False


@dataclass
class BulkItem:
    """One item of a bulk answer that is not a success."""

    position: int
    status: int
    kind: str
    reason: str


class Cluster:
    """A cluster, by plain requests. ``requests`` counts them."""

    def __init__(self, client: OpenSearch, name: str) -> None:
        self._client = client
        self.name = name
        self.requests = 0

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        ignore: Sequence[int] = (),
        timeout_seconds: float | None = None,
    ) -> Any:
        """The parsed answer; with a status in ``ignore`` whatever came, an empty dict if nothing did.

        Raises: ClusterError: one line with the request, the status and the reason; also for an answer that is not
            whole (`opensearch_answers`), whatever its status.
        """
        self.requests += 1
        asked = ask_for_all(path, params or {})
        given = {**asked, **({"request_timeout": timeout_seconds} if timeout_seconds else {})}
        headers = {"content-type": "application/x-ndjson"} if isinstance(body, str | bytes) else None
        try:
            answer = self._client.transport.perform_request(method, path, params=given, body=body, headers=headers)
        except UnreachableError as error:
            raise ClusterError(f"{self.name} cannot be reached: {_one_line(error.error)}") from None
        except TransportError as error:
            status = error.status_code if isinstance(error.status_code, int) else 0
            if status in ignore:
                return error.info if isinstance(error.info, dict) else {}
            raise ClusterError(_explain(method, path, error), status, str(error.error)) from None
        except SerializationError:
            raise ClusterError(f"{method} {path[:120]}: the answer is not JSON, or was cut off", 200, PARTIAL) from None
        gap = find_gap(path, answer, is_limited(body, asked))
        if gap:
            raise ClusterError(f"{method} {path[:120]}: answered in part: {gap}", 200, PARTIAL)
        return answer if answer != "" else {}

    def bulk(
        self, lines: Iterable[bytes], params: Mapping[str, Any] | None = None, path: str = "/_bulk"
    ) -> list[BulkItem]:
        """Put action and document lines in one request; what did not succeed, by its position among the items.

        Lines come in pairs (action, document), or alone for deletes.
        Raises: ClusterError: the request failed, or the answer has not one item for each that was put.
        """
        lines = list(lines)
        answer = self.request("POST", path, b"\n".join(lines) + b"\n", params)
        items, sent = answer.get("items") or (), _count_items(lines)
        if len(items) != sent:
            text = f"POST {path}: answered in part: {len(items)} of {sent} items"
            raise ClusterError(text, 200, PARTIAL)
        failed = []
        for position, item in enumerate(items):
            result = next(iter(item.values()))
            if result["status"] >= 300:
                error = result.get("error") or {}
                failed.append(
                    BulkItem(position, result["status"], error.get("type", ""), _one_line(error.get("reason", "")))
                )
        return failed


def _count_items(lines: Sequence[bytes]) -> int:
    """How many operations the lines of a bulk are: a delete has one line, all others have two."""
    count = position = 0
    while position < len(lines):
        position += 1 if lines[position].lstrip().startswith(b'{"delete"') else 2
        count += 1
    return count


def _explain(method: str, path: str, error: TransportError) -> str:
    reason = _one_line(error.error)
    info = error.info
    if isinstance(info, dict):
        cause = info.get("error")
        if isinstance(cause, dict):
            reason = _one_line(explain_cause(cause))
        elif isinstance(cause, str):
            reason = _one_line(cause)
        elif info.get("message"):
            reason = _one_line(info["message"])
    return f"{method} {path[:120]}: {error.status_code} {reason}"


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())[:500]


Credentials = Callable[[], tuple[str, str]]


def connect(
    url: str,
    auth: Any = None,
    ca_certs: str | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Cluster:
    """A cluster by its address; user and password may stand in it.

    Args:
        url: ``http(s)://[user:password@]host[:port]``; without a scheme it is https.
        auth: a `requests` auth object, or (user, password), instead of what the address has.
        ca_certs: a file with the certificate authorities to believe (default: the usual ones).
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
        max_retries=3,
        retry_on_timeout=True,
        retry_on_status=RETRY_STATUS,
    )
    return Cluster(client, f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else ""))


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
