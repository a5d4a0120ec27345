"""What ``streamtally local`` shows at its endpoint: JSON for programs, and the live page."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from streamtally.local.destinations import Destination, Settled
from streamtally.local.live.arrivals import Arrivals
from streamtally.local.live.page import EVENT_SECONDS, events_of, live_page
from streamtally.local.live.rates import RecentRate
from streamtally.local.live.status import Status, status_parts, tap_sections
from streamtally.local.live.tap import Tap
from streamtally.local.live.texts import say_live
from streamtally.local.pipeline import InProcessFunction, Laptop
from streamtally.local.simulator.handler import Events
from streamtally.report.rendering import render_parts
from streamtally.report.texts import speaking

if TYPE_CHECKING:
    from markupsafe import Markup

MAX_FILTER_CHARS: Final = 200
SHARE: Final = 10
"""Making the page takes at most this fraction of the time: what takes a second is made anew after ten."""


class LocalPage:
    """The JSON and the page.

    Args:
        function: None if the function is called by URL.
        arrivals: what came; None likewise.
        now: the time in ms since the epoch.
        language: of the page: a key of :data:`streamtally.report.texts.LANGUAGES`.
        clock: a monotonic clock, in s.
    Attributes:
        settled: the latest settled documents by output.
    """

    def __init__(
        self,
        laptop: Laptop,
        destination: Destination,
        function: InProcessFunction | None,
        arrivals: Arrivals | None,
        tap: Tap,
        now: Callable[[], int],
        language: str = "en",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._laptop, self._destination, self._function = laptop, destination, function
        self._arrivals, self._tap, self._now = arrivals, tap, now
        self._language, self._clock = language, clock
        self._rate = RecentRate(clock)
        self._lock = threading.Lock()
        self._made: tuple[Markup, Markup]
        self._due = float("-inf")
        self.settled: dict[str, Settled] = {}

    def settle(self) -> None:
        """Settle, and keep what is settled for the page."""
        self.settled = self._destination.settle(self._now())

    def note_rate(self) -> None:
        """Note how many lines there are; called about once a second."""
        if self._function is not None:
            self._rate.note(self._function.ledger.lines)

    def show(self, path: str, as_page: bool) -> Any:
        """The JSON of a path, its page or its events; None: nothing is shown there."""
        path, _, query = path.partition("?")
        filter_text = parse_qs(query).get("filter", [""])[0][:MAX_FILTER_CHARS]
        if path == "/" and as_page:
            body = self._body(filter_text)
            with speaking(self._language):
                return live_page(say_live("title"), body, filter_text)
        if path == "/":
            return self._laptop.counters()
        if path == "/events":
            return Events(events_of(lambda: self._body(filter_text)))
        if path == "/ledger" and self._function is not None:
            return self._function.ledger.to_json()
        if path == "/counts":
            self.settle()
            return list(itertools.chain.from_iterable(output.newest for output in self.settled.values()))
        return None

    def _body(self, filter_text: str) -> Markup:
        with speaking(self._language):
            before, after = self._parts()
            return before + render_parts(tap_sections(self._tap, filter_text)) + after

    def _parts(self) -> tuple[Markup, Markup]:
        """What all pages show, which one of them makes for all."""
        with self._lock:
            now = self._clock()
            if now >= self._due:
                before, after = status_parts(self._status())
                self._made = render_parts(before), render_parts(after)
                self._due = now + max(EVENT_SECONDS / 2, SHARE * (self._clock() - now))
            return self._made

    def _status(self) -> Status:
        ledger = data = None
        newest = []
        if self._function is not None and self._arrivals is not None:
            ledger = self._function.ledger
            data, newest = self._arrivals.report_data(ledger), self._arrivals.newest()
        return Status(
            counters=self._laptop.counters(),
            settled=self.settled,
            ledger=ledger,
            data=data,
            newest=newest,
            rate=self._rate,
            now_ms=self._now(),
        )
