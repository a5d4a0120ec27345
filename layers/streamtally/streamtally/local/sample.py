"""Realistic access logs from a seed: the same seed gives the same bytes, on any machine.

The traffic (visitors, bots, a scanner's bursts of 404, a backend's bursts of 5xx, a daily rhythm) is the same for every
format, so that the counts of two formats with one seed agree. About 0.3 % of the lines are broken and fit no format; a
tenth of these are empty.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from streamtally.errors import SettingsError, UnknownFormatError
from streamtally.local import sample_words as words
from streamtally.local.sample_formats import FORMATS, Hit, broken_line

DEFAULT_START: Final = datetime(2025, 3, 1, tzinfo=UTC)
DEFAULT_RATE: Final = 10.0  # lines a second, on a day's average
BROKEN_SHARE: Final = 0.003
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# random.Random.random() is the only method whose sequence Python guarantees between versions, so nothing else is drawn
# from. No function of the C library (sin, log) is used: its last bit may differ between machines.
Draw = Callable[[], float]


class Visitor(NamedTuple):
    """A returning visitor: address, user name, browser, and the pages that are read."""

    host: str
    user: str
    agent: str
    pages: tuple[words.Page, ...]


def generate(
    lines: int,
    seed: int,
    format_name: str = "apache_combined",
    *,
    start: datetime = DEFAULT_START,
    rate: float = DEFAULT_RATE,
) -> Iterator[str]:
    """Lines of an access log, without line ends, in order of time.

    Args:
        lines: how many.
        seed: any integer.
        format_name: ``apache_common``, ``apache_combined``, ``nginx`` (its default, which is combined), ``json``
            (objects as the Kinesis Agent makes them: every value a string or null) or ``graphql`` (a GraphQL server's
            13 fields).
        start: aware time of the first second, written in UTC.
        rate: mean lines per second over a day.
    Raises:
        UnknownFormatError: another format.
        SettingsError: a number or a time that cannot be used.
    """
    if format_name not in FORMATS:
        raise UnknownFormatError(format_name, FORMATS)
    if lines < 0:
        raise SettingsError(f"lines is {lines}: must be 0 or more")
    if not 0 < rate <= 1_000_000:
        raise SettingsError(f"rate is {rate}: must be above 0 and at most 1000000 lines per second")
    if start.tzinfo is None:
        raise SettingsError(f"start {start.isoformat()} has no time zone: add one, such as Z or +01:00")
    if not 1970 <= start.year <= 9000:
        raise SettingsError(f"start {start.isoformat()}: the year must be 1970 to 9000")
    return _generate(lines, random.Random(seed).random, format_name, start.astimezone(UTC), rate)  # noqa: S311


def _generate(lines: int, draw: Draw, format_name: str, start: datetime, rate: float) -> Iterator[str]:
    write = FORMATS[format_name]
    left = lines
    for stamp, hits in _seconds(draw, start, rate):
        for hit in hits:
            if left <= 0:
                return
            left -= 1
            if draw() < BROKEN_SHARE:
                yield broken_line(write(stamp, hit), stamp, draw())
            else:
                yield write(stamp, hit)
        if left <= 0:
            return


def _seconds(draw: Draw, start: datetime, rate: float) -> Iterator[tuple[str, list[Hit]]]:
    """The time of each second, as logged, and its hits; never ends."""
    traffic = _Traffic(draw)
    first = start.replace(second=0, microsecond=0)
    minute = 0
    while True:
        now = first + timedelta(minutes=minute)
        to_minute = f"{now.day:02d}/{_MONTHS[now.month - 1]}/{now.year:04d}:{now.hour:02d}:{now.minute:02d}:"
        traffic.begin_minute(minute)
        per_second = rate * _rhythm(now.hour * 60 + now.minute)
        for second in range(start.second if minute == 0 else 0, 60):
            yield f"{to_minute}{second:02d} +0000", traffic.second(per_second * (0.5 + draw()))
        minute += 1


def _rhythm(minute_of_day: int) -> float:
    """The share of the mean rate at a minute, interpolated between the full hours."""
    hour, minute = divmod(minute_of_day, 60)
    before, after = words.HOURS[hour], words.HOURS[(hour + 1) % 24]
    return before + (after - before) * minute / 60


class _Traffic:
    """Who requests what, second by second."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.pages = _weighted(words.PAGES)
        self.visitors = _visitors(draw, self.pages)
        self.scan_ends = self.failure_ends = 0
        self.scanner = self.visitors[0]

    def begin_minute(self, minute: int) -> None:
        """Bursts begin at random; the first of each kind comes early, so that a short log has one too."""
        draw = self.draw
        if draw() < 1 / 45 or minute == 7:
            self.scan_ends = minute + 1 + int(draw() * 4)
            agent = words.BOTS[int(draw() * len(words.BOTS))]
            self.scanner = Visitor(f"203.0.113.{1 + int(draw() * 254)}", "-", agent, ())
        if draw() < 1 / 120 or minute == 13:
            self.failure_ends = minute + 2 + int(draw() * 6)
        self.scanning = minute < self.scan_ends
        self.failing = minute < self.failure_ends

    def second(self, expected: float) -> list[Hit]:
        """The hits of one second, about ``expected`` of them, more in a burst."""
        draw = self.draw
        hits = [self._visit() for _ in range(int(expected + draw()))]
        if self.scanning:
            hits += [self._scan() for _ in range(int(1.2 * expected + draw()))]
        return hits

    def _visit(self) -> Hit:
        draw = self.draw
        share = draw()
        # The square makes the first visitors the frequent ones.
        visitor = self.visitors[int(share * share * len(self.visitors))]
        page = visitor.pages[int(draw() * len(visitor.pages))]
        agent = visitor.agent
        luck = draw()
        if luck < 0.01:
            agent = words.ODD_AGENTS[int(luck * 100 * len(words.ODD_AGENTS))]
        referer = words.REFERERS[int(draw() * len(words.REFERERS))]
        if self.failing and page.dynamic and draw() < 0.6:
            status, size = words.FAILURES[int(draw() * len(words.FAILURES))]
            return Hit(visitor.host, visitor.user, page.request, status, size, referer, agent)
        size = page.size if page.size < 1000 else page.size + int(luck * 900)
        return Hit(visitor.host, visitor.user, page.request, page.status, size, referer, agent)

    def _scan(self) -> Hit:
        draw = self.draw
        target = words.SCANNED[int(draw() * len(words.SCANNED))]
        status = 404 if draw() < 0.95 else 403
        return Hit(self.scanner.host, "-", f"GET {target} HTTP/1.1", status, 196, "-", self.scanner.agent)


def _weighted(pages: tuple[words.Page, ...]) -> tuple[words.Page, ...]:
    """Each page as often as its weight, so that one draw picks one."""
    return tuple(page for page in pages for _ in range(page.weight))


def _visitors(draw: Draw, pages: tuple[words.Page, ...]) -> list[Visitor]:
    """600 visitors: about one in seventeen comes by IPv6, one in eight is a bot, one in twenty has a name."""
    bot_pages = _weighted(words.BOT_PAGES)
    visitors = []
    for number in range(600):
        kind, where = draw(), draw()
        host = f"{('192.0.2', '198.51.100', '203.0.113')[number % 3]}.{1 + int(where * 254)}"
        if draw() < 0.06:
            host = f"2001:db8:{int(where * 65536):x}::{number:x}"
        if kind < 0.12:
            visitors.append(Visitor(host, "-", words.BOTS[number % len(words.BOTS)], bot_pages))
        else:
            user = words.USERS[number % len(words.USERS)] if kind > 0.95 else "-"
            visitors.append(Visitor(host, user, words.BROWSERS[int(draw() * len(words.BROWSERS))], pages))
    return visitors
