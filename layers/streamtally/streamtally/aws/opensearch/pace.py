"""How often and how long a request is tried: back-off with jitter, Retry-After, never past what is left of a run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from opensearchpy.exceptions import SSLError, TransportError

from streamtally.aws.opensearch.answers import is_beyond_limit
from streamtally.aws.opensearch.connection import AnsweredError, NotSentError

RESERVE_SECONDS = 12.0
"""Of a run, for its checkpoint: a request that begins before has ended by then."""
LAST_SECONDS = 2.0
"""… and for its metrics and its answer: a request that begins in the reserve has ended by then."""
REQUEST_SECONDS = 120.0
"""What all tries of a request take at most where nothing limits the run."""
LEAST_TRY_SECONDS = 0.1
TRIES = 6
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
RETRY_STATUS = (429, 502, 503, 504)

# By the last part of the path. Other POSTs (_rollover, _aliases, _reindex, …) do more when they are done twice.
_SAFE_POSTS = frozenset(
    ("_search", "_count", "_refresh", "_mget", "_msearch", "_field_caps", "_analyze", "_flush", "_cancel", "_simulate")
)


@dataclass(frozen=True)
class Pace:
    """Clocks, sleep and chance (tests replace them), and how often a request is tried.

    Attributes: clock: seconds that only grow; now: seconds since 1970; chance: a number in [0, 1).
    """

    tries: int = TRIES
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random

    def pause(self, tried: int, retry_after: str = "") -> float:
        """Seconds to wait after that many tries: twice as long each time, the second half of it by chance.

        What the server asks for by ``Retry-After`` is never cut short.
        """
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (tried - 1))
        asked = read_retry_after(retry_after, self.now())
        if asked is not None:  # with some chance: many clients were asked to come at the same moment
            return asked + FIRST_PAUSE_SECONDS * self.chance()
        return longest * (1 + self.chance()) / 2


def read_retry_after(text: str, now: float) -> float | None:
    """A ``Retry-After`` header as seconds from now (RFC 9110, 10.2.3: seconds or an HTTP date); None: none, or neither.

    Args: now: seconds since 1970.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


class Limit:
    """What all tries of one piece of work may take.

    Args:
        time_left: seconds left of the run; None: nothing limits it.
        longest_seconds: a bound besides.
    """

    def __init__(self, pace: Pace, time_left: Callable[[], float] | None, longest_seconds: float) -> None:
        self._pace, self._time_left = pace, time_left
        self._end = pace.clock() + longest_seconds
        left = time_left() if time_left else 0.0
        self._reserve = RESERVE_SECONDS if left > RESERVE_SECONDS + 1 else LAST_SECONDS

    def left(self) -> float:
        """Seconds."""
        bounded = self._end - self._pace.clock()
        return min(bounded, self._time_left() - self._reserve) if self._time_left else bounded

    def wait(self, seconds: float) -> bool:
        """Sleep, if there is time for another try after it; whether there was."""
        if seconds + LEAST_TRY_SECONDS > self.left():
            return False
        self._pace.sleep(seconds)
        return self.left() >= LEAST_TRY_SECONDS


class TriedError(Exception):
    """The last try's error, and all there is to say of the others.

    Attributes: tries; began: whether an earlier try may have been done although its answer was lost.
    """

    def __init__(self, error: TransportError, tries: int, began: bool) -> None:
        super().__init__(str(error))
        self.error, self.tries, self.began = error, tries, began


def is_safe(method: str, path: str) -> bool:
    """Whether a request done twice is as good as done once, by its method and path alone."""
    if method != "POST":
        return method in ("GET", "HEAD", "PUT", "DELETE")
    parts = urlsplit(path).path.rstrip("/").split("/")
    return parts[-1] in _SAFE_POSTS or (len(parts) > 2 and parts[-2] in ("_doc", "_simulate_index", "_validate"))


def persist(send: Callable[[float], Any], pace: Pace, limit: Limit, try_seconds: float, safe: bool) -> Any:
    """Try until it succeeds, cannot succeed, or the limit is near.

    Args:
        send: one try, in so many seconds at most.
        try_seconds: what one try may take; it takes no more than half of what is left (10 s at least), so that a
            connection that hangs leaves time for another.
        safe: also where the server may have done it already.
    Raises: TriedError. TimeoutError: there is no time for a first try.
    """
    began = False
    tried = 0
    while True:
        left = limit.left()
        if left < LEAST_TRY_SECONDS and not tried:
            raise TimeoutError
        tried += 1
        try:
            return send(max(LEAST_TRY_SECONDS, min(try_seconds, left, max(10.0, left / 2))))
        except TransportError as error:
            again = tried < pace.tries and may_retry(error, safe)
            retry_after = error.retry_after if isinstance(error, AnsweredError) else ""
            if not again or not limit.wait(pace.pause(tried, retry_after)):
                raise TriedError(error, tried, began) from None
            began = began or not _is_untouched(error)


def may_retry(error: TransportError, safe: bool) -> bool:
    """Whether another try may help, and does no harm."""
    if isinstance(error, SSLError):
        return False  # a certificate stays what it is
    if isinstance(error, AnsweredError) and error.status_code not in RETRY_STATUS:
        return False
    if is_beyond_limit(error.info):
        return False  # 503, and the same answer each time
    return safe or _is_untouched(error)


def _is_untouched(error: TransportError) -> bool:
    """Whether the server has certainly done nothing of the request."""
    return isinstance(error, NotSentError) or error.status_code == 429
