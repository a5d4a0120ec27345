"""The endpoint's connections: limited in number, and idle ones do not keep others out."""

from __future__ import annotations

import contextlib
import socket
import threading

MAX_CONNECTIONS = 64


class Connections:
    """Slots for connections. A new one takes the slot of the one whose request has been awaited longest.

    Args: limit: how many slots.
    """

    def __init__(self, limit: int = MAX_CONNECTIONS) -> None:
        self._slots = threading.BoundedSemaphore(limit)
        self._lock = threading.Lock()
        # Connections whose request is not complete yet, in the order in which the wait began.
        self._awaited: dict[socket.socket, None] = {}

    def enter(self, connection: socket.socket) -> None:
        """Take a slot for a new connection; if all are taken, wait until one is free."""
        if not self._slots.acquire(blocking=False):
            self._end_slowest()
            self._slots.acquire()
        self.wait(connection)

    def wait(self, connection: socket.socket) -> None:
        """Start to wait for a request."""
        with self._lock:
            self._awaited.pop(connection, None)
            self._awaited[connection] = None

    def answer(self, connection: socket.socket) -> None:
        """The request has arrived: the connection is not ended before it is answered.

        Raises: ConnectionAbortedError: it has been ended already.
        """
        with self._lock:
            if connection not in self._awaited:
                raise ConnectionAbortedError("ended in favour of another")
            del self._awaited[connection]

    def leave(self, connection: socket.socket) -> None:
        """Free the connection's slot."""
        with self._lock:
            self._awaited.pop(connection, None)
        self._slots.release()

    def _end_slowest(self) -> None:
        with self._lock:
            slowest = next(iter(self._awaited), None)
            if slowest is None:
                return
            del self._awaited[slowest]
            with contextlib.suppress(OSError):  # its thread reads the end of the stream and frees the slot
                slowest.shutdown(socket.SHUT_RDWR)
