"""Processes beside this one that answer messages. One that dies is named with what it worked on."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, NamedTuple

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


class _Process(NamedTuple):
    process: Any
    connection: Any


class Processes:
    """Processes that each work on one thing at a time; they end with the context.

    Args:
        serve: what they run, at the top of a module: takes a connection and the arguments, and answers each message.
    """

    def __init__(self, serve: Callable[..., None], arguments: tuple[Any, ...], count: int) -> None:
        self.count = count
        context = multiprocessing.get_context("spawn")  # a fork would take over the threads' locks
        self._all: list[_Process] = []
        self._at_work: dict[int, str] = {}  # what a process works on, by its position
        with _ignoring_interrupts():  # which the processes inherit: this one alone answers to Ctrl-C
            for _ in range(count):
                ours, theirs = context.Pipe()
                process = context.Process(target=serve, args=(theirs, *arguments), daemon=True)
                process.start()
                theirs.close()
                self._all.append(_Process(process, ours))

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for process, connection in self._all:
            connection.close()
            process.terminate()
        for process, _ in self._all:
            process.join()

    @property
    def busy(self) -> bool:
        """Whether something is being worked on."""
        return bool(self._at_work)

    @property
    def has_idle(self) -> bool:
        """Whether a process has nothing to do."""
        return len(self._at_work) < self.count

    def give(self, message: Any, shown: str) -> None:
        """Give a process that has nothing to do something to work on. Args: shown: that in messages."""
        position = next(position for position in range(self.count) if position not in self._at_work)
        self._at_work[position] = shown
        try:
            self._all[position].connection.send(message)
        except OSError:
            raise self._death(position) from None

    def take(self) -> list[Any]:
        """Wait for results. Raises: WorkerError: a process died; what it raised."""
        connections = {self._all[position].connection: position for position in self._at_work}
        results: list[Any] = []
        for ready in wait(list(connections)):
            position = connections[ready]
            try:
                result = self._all[position].connection.recv()
            except (EOFError, OSError):
                raise self._death(position) from None
            if isinstance(result, BaseException):
                raise result
            del self._at_work[position]
            results.append(result)
        return results

    def _death(self, position: int) -> WorkerError:
        process = self._all[position].process
        process.join(timeout=1)
        code = process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return WorkerError(
            f"a worker process died ({how}) in {self._at_work[position]}: nothing was written; "
            "run it again with --workers 1 if memory was short"
        )
