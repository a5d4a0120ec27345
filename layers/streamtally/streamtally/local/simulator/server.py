"""The API over HTTP (AWS JSON 1.1), for agents, the AWS CLI and SDKs with the endpoint's address.

Signatures are not checked: it is bound to loopback by default, and refuses requests from other sites' pages.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from streamtally.local.simulator.connections import Connections
from streamtally.local.simulator.endpoint import Actions, HandledServer, Status
from streamtally.local.simulator.guard import Guard
from streamtally.local.simulator.handler import MAX_EVENT_STREAMS, Handler
from streamtally.local.simulator.refusals import Refusals
from streamtally.local.simulator.secure import handshake_problem


class Server(HandledServer):
    """The endpoint.

    Args:
        status: what GET shows.
        names: accepted host names, besides loopback's.
        tls: the certificate, if it is an https:// endpoint.
        say: is called with a line about each kind of request that was refused.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        api: Actions,
        status: Status,
        names: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.guard = Guard(address[0], names)
        self.api = api
        self.status = status
        self.tls = tls
        self.refusals = Refusals(say)
        self.connections = Connections()
        self.event_streams = threading.BoundedSemaphore(MAX_EVENT_STREAMS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls is None:
            return connection, address
        # The handshake is made by the connection's own thread: a client that never ends it keeps nobody out.
        return self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.enter(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.connections.leave(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore broken connections, but not TLS that could not be agreed on."""
        error = sys.exception()
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            self.refusals.note(handshake_problem(error))
