"""How often and how long a request is retried: back-off with jitter, Retry-After, never past the end of a run."""

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

from streamtally.aws.opensearch.transport.answers import is_beyond_limit
from streamtally.aws.opensearch.transport.connection import AnsweredError, NotSentError

RESERVE_SECONDS = 12.0
"""The end of a run, kept for its checkpoint: a request that begins earlier ends before it."""
LAST_SECONDS = 2.0
"""The end of the reserve, kept for metrics and the answer: a request that begins in the reserve ends before it."""
REQUEST_SECONDS = 120.0
"""The most that all attempts of a request take if nothing limits the run."""
LEAST_TRY_SECONDS = 0.1
TRIES = 6
FIRST_TRIES_OF_A_COMMAND = 2
"""Attempts of a command's request to a cluster that has not answered yet: the person who waits mistyped the address, or
has no route to it, more often than the cluster is just restarting."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
RETRY_STATUS = (429, 502, 503, 504)
BLOCKED = "cluster_block_exception"
"""OpenSearch's name of the error: an index or the cluster is read-only, or still starts (then with status 503)."""

# By the last part of the path. Other POSTs (_rollover, _aliases, _reindex, …) must not be done twice.
_SAFE_POSTS = frozenset(
    ("_search", "_count", "_refresh", "_mget", "_msearch", "_field_caps", "_analyze", "_flush", "_cancel", "_simulate")
)


@dataclass(frozen=True)
class Pace:
    """How often a request is tried; and clocks, sleep and randomness, which tests replace."""

    tries: int = TRIES
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    """Seconds that only increase."""
    now: Callable[[], float] = time.time
    """Seconds since 1970."""
    chance: Callable[[], float] = random.random
    """A number in [0, 1)."""
    first_tries: int = TRIES
    """How often a request is tried while the server has never answered one. It is a bound beside ``tries``."""

    def pause(self, tried: int, retry_after: str = "") -> float:
        """Seconds to wait after that many attempts: twice as long each time, the second half of it random.

        The time that the server requests in ``Retry-After`` is never shortened.
        """
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (tried - 1))
        requested = read_retry_after(retry_after, self.now())
        if requested is not None:  # randomised: many clients were told the same moment
            return requested + FIRST_PAUSE_SECONDS * self.chance()
        return longest * (1 + self.chance()) / 2


def read_retry_after(text: str, now: float) -> float | None:
    """A ``Retry-After`` header as seconds from now (RFC 9110, 10.2.3: seconds or an HTTP date); None: unusable.

    Args:
        now: seconds since 1970.
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
    """The time that all attempts of one piece of work may take.

    Args:
        time_left: seconds left of the run; None: nothing limits it.
        longest_seconds: an additional bound.
    """

    def __init__(self, pace: Pace, time_left: Callable[[], float] | None, longest_seconds: float) -> None:
        self._pace, self._time_left = pace, time_left
        self._end = pace.clock() + longest_seconds
        left = time_left() if time_left else 0.0
        self._reserve = RESERVE_SECONDS if left > RESERVE_SECONDS + 1 else LAST_SECONDS

    def left(self) -> float:
        """Seconds left."""
        bounded = self._end - self._pace.clock()
        return min(bounded, self._time_left() - self._reserve) if self._time_left else bounded

    def wait(self, seconds: float) -> bool:
        """Sleep if there is time for another attempt after it. Returns: whether there was."""
        if seconds + LEAST_TRY_SECONDS > self.left():
            return False
        self._pace.sleep(seconds)
        return self.left() >= LEAST_TRY_SECONDS


class TriedError(Exception):
    """The error of the last attempt.

    Attributes:
        error: of the last attempt.
        tries: how many attempts there were.
        began: whether an earlier attempt may have been carried out although its answer was lost.
    """

    def __init__(self, error: TransportError, tries: int, began: bool) -> None:
        super().__init__(str(error))
        self.error, self.tries, self.began = error, tries, began


def is_safe(method: str, path: str) -> bool:
    """Whether a request may be repeated without harm, judged by its method and path alone."""
    if method != "POST":
        return method in ("GET", "HEAD", "PUT", "DELETE")
    parts = urlsplit(path).path.rstrip("/").split("/")
    return parts[-1] in _SAFE_POSTS or (len(parts) > 2 and parts[-2] in ("_doc", "_simulate_index", "_validate"))


PACE_OF_A_COMMAND = Pace(first_tries=FIRST_TRIES_OF_A_COMMAND)
"""For commands: an address where nothing answers is an error after a second; what has answered is waited for."""


def persist(
    send: Callable[[float], Any], pace: Pace, limit: Limit, try_seconds: float, safe: bool, answered: bool = True
) -> Any:
    """Try until it succeeds, cannot succeed, or the limit is near.

    Args:
        send: one attempt, in at most the given seconds.
        try_seconds: the most that one attempt may take; it is also limited to half of what is left (but at least
            10 s), so that a hanging connection leaves time for another attempt.
        safe: whether to retry even if the server may have carried out the request already.
        answered: whether the server has answered a request before, so that it is worth waiting for.
    Raises: TriedError. TimeoutError: there is no time for a first attempt.
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
            answered = answered or isinstance(error, AnsweredError)
            tries = pace.tries if answered else min(pace.tries, pace.first_tries)
            again = tried < tries and may_retry(error, safe)
            retry_after = error.retry_after if isinstance(error, AnsweredError) else ""
            if not again or not limit.wait(pace.pause(tried, retry_after)):
                raise TriedError(error, tried, began) from None
            began = began or not _is_untouched(error)


def may_retry(error: TransportError, safe: bool) -> bool:
    """Whether another attempt may help, and does no harm."""
    if isinstance(error, SSLError):
        return False  # the certificate will be the same
    if isinstance(error, AnsweredError) and error.status_code not in RETRY_STATUS:
        return False
    if is_beyond_limit(error.info):
        return False  # status 503, but the answer will be the same
    if error.status_code == 429 and error.error == BLOCKED:
        return False  # a full disk: a pause of seconds does not free it
    return safe or _is_untouched(error)


def _is_untouched(error: TransportError) -> bool:
    """Whether the server has certainly carried out no part of the request."""
    return isinstance(error, NotSentError) or error.status_code == 429
