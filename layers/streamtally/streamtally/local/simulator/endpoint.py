"""What the endpoint's server gives to its connections."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any, Protocol

from streamtally.local.simulator.connections import Connections
from streamtally.local.simulator.guard import Guard
from streamtally.local.simulator.refusals import Refusals

Status = Callable[[str, bool], Any]
"""(path, whether a page is requested) → what to show there: a JSON value, a page as text, Events, or None."""


class Actions(Protocol):
    """What answers the API's requests."""

    def call(self, action: str, parameters: Any) -> dict[str, Any]:
        """The response of an action. Raises: ApiError."""


class HandledServer(ThreadingHTTPServer):
    """What connections need of the server that they belong to."""

    api: Actions
    status: Status
    guard: Guard
    connections: Connections
    event_streams: threading.BoundedSemaphore
    refusals: Refusals
