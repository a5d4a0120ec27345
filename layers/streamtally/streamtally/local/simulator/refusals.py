"""Says what the endpoint refused, since many senders log no more than that they will try again."""

from __future__ import annotations

import threading
from collections.abc import Callable

from streamtally.text import visible

MAX_SAID = 20
MAX_CHARS = 240


class Refusals:
    """Each reason is said once, and no more than :data:`MAX_SAID` of them: a sender repeats what was refused.

    Args: say: prints a line.
    """

    def __init__(self, say: Callable[[str], None] = lambda _: None) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._said: set[str] = set()

    def note(self, text: str) -> None:
        """Say a reason, of which nothing may act on a terminal."""
        shown = visible(text, MAX_CHARS)
        with self._lock:
            if shown in self._said or len(self._said) > MAX_SAID:
                return
            self._said.add(shown)
            is_last = len(self._said) > MAX_SAID
        self._say("more requests are refused for other reasons, which are not shown" if is_last else shown)
