"""One attempt of a request with `requests`: its total time is bounded, and a failure says whether it was ever sent.

The library's own connection bounds only each read of the socket, so a server that answers byte by byte holds a run
forever. It also discards the headers of an error answer, such as ``Retry-After``.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
import requests
from opensearchpy import RequestsHttpConnection
from opensearchpy.exceptions import ConnectionError as UnreachableError
from opensearchpy.exceptions import ConnectionTimeout, SSLError, TransportError
from urllib3.exceptions import HTTPError, NewConnectionError

CONNECT_SECONDS = 10.0
CHUNK_BYTES = 1 << 20


class NotSentError(UnreachableError):
    """No connection was established: the server has received nothing of the request."""


class AnsweredError(TransportError):
    """An answer that is not a success.

    Attributes:
        status: the HTTP status.
        retry_after: the header's text; "" without one.
        location: where a redirect leads to; "" without one.
    """

    def __init__(self, status: int, error: str, info: Any, retry_after: str, location: str = "") -> None:
        super().__init__(status, error, info)
        self.status = status
        self.retry_after = retry_after
        self.location = location


class Connection(RequestsHttpConnection):
    """Trusts only the given certificates, if any: otherwise REQUESTS_CA_BUNDLE would take precedence."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if options.get("ca_certs"):
            self.session.trust_env = False

    def perform_request(  # type: ignore[override]  # the library's own subclasses add allow_redirects too
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        timeout: float | None = None,
        allow_redirects: bool | None = False,  # OpenSearch never redirects, and a POST would arrive as a GET
        ignore: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One attempt: (status, headers, text).

        Args:
            timeout: seconds for all of it, from the connection to the answer's last byte.
        Raises: AnsweredError; NotSentError; SSLError; ConnectionTimeout; UnreachableError: the answer was lost.
        """
        seconds = timeout or self.timeout
        end = time.monotonic() + seconds
        address = f"{self.base_url}{url}?{urlencode(params)}" if params else f"{self.base_url}{url}"
        try:
            request = self.session.prepare_request(
                requests.Request(method=method, headers=headers, url=address, data=body)
            )
            # requests' own types allow only str where None means the session's setting.
            settings: Any = self.session.merge_environment_settings(request.url or address, {}, True, None, None)
            limits = (min(CONNECT_SECONDS, seconds), seconds)
            with self.session.send(
                request, timeout=limits, allow_redirects=bool(allow_redirects), **settings
            ) as answer:
                text = _read(answer, end)
        except requests.exceptions.SSLError as error:
            raise SSLError("N/A", str(error), error) from None
        except requests.exceptions.ConnectTimeout as error:
            raise NotSentError("N/A", f"no connection in {limits[0]:.1f} s", error) from None
        except (requests.exceptions.Timeout, TimeoutError) as error:
            raise ConnectionTimeout("TIMEOUT", f"no complete answer in {seconds:.1f} s", error) from None
        except (requests.exceptions.RequestException, HTTPError, OSError, ValueError) as error:
            kind = NotSentError if _never_sent(error) else UnreachableError
            raise kind("N/A", str(error), error) from None
        self._raise_warnings((answer.headers["warning"],) if "warning" in answer.headers else ())
        if not 200 <= answer.status_code < 300 and answer.status_code not in ignore:
            raise _refusal(answer, text)
        return answer.status_code, answer.headers, text


def _read(answer: requests.Response, end: float) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = answer.raw.read1(CHUNK_BYTES, decode_content=True)  # what has arrived, without waiting for more
        except HTTPError as error:
            if "timed out" in str(error):
                raise TimeoutError from None
            raise
        if not part:
            break
        parts.append(part)
        if time.monotonic() > end:
            raise TimeoutError
    data = b"".join(parts)
    length = answer.headers.get("content-length", "")
    has_all = answer.request.method == "HEAD" or "content-encoding" in answer.headers or not length.isdigit()
    if not has_all and len(data) < int(length):
        raise ConnectionError(f"the answer ended after {len(data)} of {length} bytes")
    # A web page may have another charset; it is shown, never read as JSON.
    is_page = "html" in answer.headers.get("content-type", "")
    return data.decode("utf-8", "replace" if is_page else "surrogatepass")


def _never_sent(error: Exception) -> bool:
    inner = error.args[0] if error.args else None
    return isinstance(getattr(inner, "reason", inner), NewConnectionError)


def _refusal(answer: requests.Response, text: str) -> AnsweredError:
    try:
        info = orjson.loads(text)
    except orjson.JSONDecodeError:
        info = None
    cause = info.get("error") if isinstance(info, dict) else None
    kind = cause.get("type") if isinstance(cause, dict) else cause
    headers = answer.headers
    location = headers.get("location", "") if answer.status_code < 400 else ""
    return AnsweredError(answer.status_code, str(kind or text), info, headers.get("retry-after", ""), location)
