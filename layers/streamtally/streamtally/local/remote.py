"""A function in ``sam local start-lambda``, called as Firehose calls it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from streamtally.errors import SettingsError, SinkError
from streamtally.local.simulator.parts import FunctionTimedOutError

TIMEOUT_SECONDS = 300


class UrlFunction:
    """A function called by URL.

    Args: url: ``http://host:port/FunctionName``, or with the whole invocation path.
    Raises: SettingsError: not such a URL.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path.strip("/"):
            raise SettingsError(f"--function {url!r}: write http://127.0.0.1:3001/FunctionName")
        name = parts.path.strip("/")
        path = name if "/" in name else f"2015-03-31/functions/{name}/invocations"
        self._url = f"{parts.scheme}://{parts.netloc}/{path}"
        # An endpoint on this machine is called without the proxies of the environment.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __call__(self, event: dict[str, Any]) -> Any:
        request = urllib.request.Request(self._url, json.dumps(event).encode(), method="POST")  # noqa: S310
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                answer = json.loads(response.read())
        except TimeoutError:
            raise FunctionTimedOutError(f"no answer within {TIMEOUT_SECONDS} s") from None
        except (OSError, ValueError) as error:
            raise SinkError(f"{self._url}: {error}") from None
        # start-lambda answers 200 even if the function failed; the runtime's error document shows that it did.
        if isinstance(answer, dict) and "errorMessage" in answer and "records" not in answer:
            raise SinkError(f"the function failed: {answer['errorMessage']}")
        return answer
