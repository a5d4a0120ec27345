"""Processes beside this one that answer messages. One that dies is named with what it worked on."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from pickle import PicklingError
from queue import SimpleQueue
from typing import Any, Final, NamedTuple

from streamtally.errors import WorkerError

OBJECTS_BETWEEN_COLLECTIONS = 100_000


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cycles rarely: a batch makes many small objects and frees them itself, and looking costs a quarter."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_END: Final = object()


class Sender:
    """Sends messages in a thread, so that nobody waits until the other side has read them."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._waiting: SimpleQueue[Any] = SimpleQueue()
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        self._thread.start()

    def send(self, message: Any) -> None:
        """Send a message after those before it."""
        self._waiting.put(message)

    def close(self) -> None:
        """Wait until all is sent, or the other side is gone."""
        self._waiting.put(_END)
        self._thread.join()

    def _send_all(self) -> None:
        with suppress(OSError):  # the other side is gone, which who reads notices
            while (message := self._waiting.get()) is not _END:
                try:
                    self._connection.send(message)
                except (TypeError, ValueError, AttributeError, PicklingError) as error:  # it cannot be pickled
                    self._connection.send(RuntimeError(f"{type(error).__name__}: {error}"))


def receive_ahead(connection: Any) -> Iterator[Any]:
    """The messages of a connection until its end, read by a thread while the ones before are worked on."""
    waiting: SimpleQueue[Any] = SimpleQueue()

    def receive() -> None:
        with suppress(EOFError, OSError):
            while True:
                waiting.put(connection.recv())
        waiting.put(_END)

    threading.Thread(target=receive, daemon=True).start()
    while (message := waiting.get()) is not _END:
        yield message


class _Process(NamedTuple):
    process: Any
    connection: Any
    sender: Sender


class Processes:
    """Processes that each work on one thing at a time; they end with the context.

    Args:
        serve: what they run, at the top of a module: takes a connection and the arguments, and answers each message,
            in order.
        ahead: how many messages each one is given beside the one that it works on.
    """

    def __init__(self, serve: Callable[..., None], arguments: tuple[Any, ...], count: int, ahead: int = 0) -> None:
        self.count = count
        self._most = 1 + ahead
        context = multiprocessing.get_context("spawn")  # a fork would take over the threads' locks
        self._all: list[_Process] = []
        self._at_work: dict[int, deque[str]] = {}  # what a process works on and has waiting, by its position
        with _ignoring_interrupts():  # which the processes inherit: this one alone answers to Ctrl-C
            for _ in range(count):
                ours, theirs = context.Pipe()
                process = context.Process(target=serve, args=(theirs, *arguments), daemon=True)
                process.start()
                theirs.close()
                self._all.append(_Process(process, ours, Sender(ours)))

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._all:
            one.process.terminate()
        for one in self._all:
            one.process.join()
            one.sender.close()
            one.connection.close()

    @property
    def busy(self) -> bool:
        """Whether something is being worked on."""
        return bool(self._at_work)

    @property
    def has_room(self) -> bool:
        """Whether a process takes another message."""
        return any(self._waiting(position) < self._most for position in range(self.count))

    def _waiting(self, position: int) -> int:
        return len(self._at_work.get(position, ()))

    def give(self, message: Any, shown: str) -> None:
        """Give something to work on to the process that has the least to do. Args: shown: that in messages."""
        position = min(range(self.count), key=self._waiting)
        self._at_work.setdefault(position, deque()).append(shown)
        self._all[position].sender.send(message)

    def take(self, waits: bool = True) -> list[Any]:
        """Results that there are. Args: waits: whether to wait for one. Raises: WorkerError: a process died; what it
        raised."""
        connections = {self._all[position].connection: position for position in self._at_work}
        results: list[Any] = []
        for ready in wait(list(connections), None if waits else 0):
            position = connections[ready]
            try:
                result = self._all[position].connection.recv()
            except (EOFError, OSError):
                raise self._death(position) from None
            if isinstance(result, BaseException):
                raise result
            self._at_work[position].popleft()
            if not self._at_work[position]:
                del self._at_work[position]
            results.append(result)
        return results

    def _death(self, position: int) -> WorkerError:
        process = self._all[position].process
        process.join(timeout=1)
        code = process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return WorkerError(
            f"a worker process died ({how}) in {self._at_work[position][0]}: nothing was written; "
            "run it again with --workers 1 if memory was short"
        )
