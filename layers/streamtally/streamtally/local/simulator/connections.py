"""The endpoint's connections: bounded, and none that says nothing keeps others out."""

from __future__ import annotations

import contextlib
import socket
import threading

MAX_CONNECTIONS = 64


class Connections:
    """Places for so many connections. A newcomer takes the place of the one whose request has been awaited longest."""

    def __init__(self, limit: int = MAX_CONNECTIONS) -> None:
        self._places = threading.BoundedSemaphore(limit)
        self._lock = threading.Lock()
        # Whose request is not there yet, whole: the one that began to wait first is the first.
        self._awaited: dict[socket.socket, None] = {}

    def enter(self, connection: socket.socket) -> None:
        """A new connection, whose request is awaited; all places being taken, it waits until one is given back."""
        if not self._places.acquire(blocking=False):
            self._end_slowest()
            self._places.acquire()
        self.wait(connection)

    def wait(self, connection: socket.socket) -> None:
        """A request is awaited from here on."""
        with self._lock:
            self._awaited.pop(connection, None)
            self._awaited[connection] = None

    def answer(self, connection: socket.socket) -> None:
        """Its request is there and will be answered: it is not ended before that."""
        with self._lock:
            if connection not in self._awaited:
                raise ConnectionAbortedError("ended in favour of another")
            del self._awaited[connection]

    def leave(self, connection: socket.socket) -> None:
        """It is over."""
        with self._lock:
            self._awaited.pop(connection, None)
        self._places.release()

    def _end_slowest(self) -> None:
        with self._lock:
            slowest = next(iter(self._awaited), None)
            if slowest is None:
                return
            del self._awaited[slowest]
            with contextlib.suppress(OSError):  # its thread reads the end, and gives its place back
                slowest.shutdown(socket.SHUT_RDWR)
