"""``run --follow --page PORT``: the live page of followed logs, on a server of its own that is bound to loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from streamtally.errors import SettingsError
from streamtally.local.live.page import events_of, live_page
from streamtally.local.simulator.errors import ApiError
from streamtally.local.simulator.handler import Events
from streamtally.local.simulator.server import Server
from streamtally.report.rendering import render_parts
from streamtally.report.texts import speaking
from streamtally.report.view import Component

HOST = "127.0.0.1"
LEAST_SECONDS = 1.0
SHARE = 10
"""The page takes at most this fraction of the time: what takes a second is made anew after ten."""
WAIT_SECONDS = 5.0
WANTED_SECONDS = 5.0
CLOSE_SECONDS = 0.1


class _NoActions:
    def call(self, action: str, parameters: Any) -> dict[str, Any]:
        raise ApiError("UnknownOperationException", "this page takes no records: streamtally local does")


class FollowPage:
    """The page. It is made by the thread that counts, and only while a browser shows it.

    Args:
        port: 0 picks a free one.
        language: a key of :data:`streamtally.report.texts.LANGUAGES`.
    Raises: SettingsError: the port is in use, or may not be used.
    """

    def __init__(
        self, title: str, port: int, clock: Callable[[], float] = time.monotonic, language: str = "en"
    ) -> None:
        self._title = title
        self._language = language
        self._clock = clock
        self._body: str = ""
        self._wanted = float("-inf")  # when a browser last asked
        self._due = float("-inf")
        self._is_made = threading.Event()
        try:
            self._server = Server((HOST, port), _NoActions(), self._show)
        except OSError as error:
            raise SettingsError(f"--page {port}: cannot be bound: {error.strerror}; give another port") from None
        self.url = f"http://{HOST}:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, args=(CLOSE_SECONDS,), daemon=True).start()

    def offer(self, show: Callable[[], Iterable[Component]]) -> None:
        """Make the page anew if a browser shows it and it is due. Args: show: what it shows then."""
        now = self._clock()
        if now < self._due or now - self._wanted > WANTED_SECONDS:
            return
        with speaking(self._language):
            self._body = render_parts(show())
        done = self._clock()
        self._due = done + max(LEAST_SECONDS, SHARE * (done - now))
        self._is_made.set()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def _show(self, path: str, _: bool) -> Any:
        path = path.partition("?")[0]
        if path == "/":  # whatever a client accepts (curl: */*), as nothing else is here
            body = self._latest()
            with speaking(self._language):
                return live_page(self._title, body)
        return Events(events_of(self._latest)) if path == "/events" else None

    def _latest(self) -> str:
        self._wanted = self._clock()
        self._is_made.wait(WAIT_SECONDS)
        return self._body
