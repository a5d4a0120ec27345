"""What is called: a handler in this process, or a function served by ``sam local start-lambda``."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

Event = dict[str, Any]
Call = Callable[[Event], Any]
"""An event → what the function returns. Raises whatever the function raises."""

TIMEOUT_SECONDS = 310


class FunctionError(Exception):
    """The function failed; the text is what it said."""


class Context:
    """What handlers ask of Lambda's context object."""

    function_name = "transform"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:transform"
    aws_request_id = "00000000-0000-4000-8000-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


class TargetError(Exception):
    """There is nothing to call."""


def _check_reached(url: str) -> None:
    parts = urlsplit(url)
    try:
        address = (parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme])
        socket.create_connection(address, timeout=10).close()
    except (OSError, ValueError) as error:
        raise TargetError(f"cannot be reached: {error}") from None


def target_of(name: str) -> Call:
    """``module:function``, or the URL of a start-lambda endpoint's function (``…/2015-03-31/functions/F/invocations``,
    or only ``http://host:port/F``).

    Raises: TargetError.
    """
    if name.startswith(("http://", "https://")):
        _check_reached(name)
        return _url_target(name)
    module, _, function = name.partition(":")
    try:
        handler = getattr(import_module(module), function or "handler")
    except Exception as error:  # what a module raises when it is loaded: a setting that it needs, say
        raise TargetError(f"cannot be loaded: {type(error).__name__}: {error}") from None
    if not callable(handler):
        raise TargetError(f"{function or 'handler'} is no function")
    return lambda event: handler(json.loads(json.dumps(event)), Context())


def is_elsewhere(call: Call) -> bool:
    """Whether a target runs in another process."""
    return getattr(call, "is_elsewhere", False)


def _url_target(url: str) -> Call:
    if "/functions/" not in url:
        base, _, function = url.rstrip("/").rpartition("/")
        url = f"{base}/2015-03-31/functions/{function}/invocations"

    def call(event: Event) -> Any:
        request = urllib.request.Request(url, json.dumps(event).encode(), method="POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                text, failed = answer.read(), answer.headers.get("X-Amz-Function-Error")
        except urllib.error.HTTPError as error:
            raise FunctionError(f"{error.code}: {error.read()[:300].decode(errors='replace')}") from None
        answer = json.loads(text)
        # start-lambda does not set the header of a failed function; the runtime's answer shows it.
        if failed or (isinstance(answer, dict) and "errorMessage" in answer and "records" not in answer):
            raise FunctionError(str(answer)[:300])
        return answer

    call.is_elsewhere = True  # type: ignore[attr-defined]
    return call
