"""The live page: the report's style and parts, renewed by server-sent events. Without JavaScript it reloads itself.

Log lines are hostile. The templates escape every text on the server; and a Content-Security-Policy runs no script but
the page's own, by its hash, and connects to no other server.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Final

from streamtally.local.live.texts import say_live
from streamtally.report.page import style
from streamtally.report.rendering import render_page

RELOAD_SECONDS: Final = 5
EVENT_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 10.0
"""After so long without news, a comment shows whether the browser is still there."""
_PACKAGE: Final = "streamtally.local.live"
_WORDS: Final = ("pause", "resume", "paused", "as_of", "lost", "refused", "filter", "filter.button")


def live_page(title: str, body: str, filter_text: str | None = None) -> str:
    """The page as HTML, in the language that is spoken (:func:`streamtally.report.texts.speaking`).

    Args:
        title: plain text.
        body: its parts, as :func:`streamtally.report.rendering.render_parts` makes them; any other text is escaped.
        filter_text: what lines are filtered by; None: there is no filter.
    """
    return render_page(
        "live.html",
        _PACKAGE,
        title=title,
        body=body,
        filter_text=filter_text,
        words={key: say_live(key) for key in _WORDS},
        footer=say_live("footer"),
        reload_seconds=RELOAD_SECONDS,
        style=style() + files(_PACKAGE).joinpath("live.css").read_text("utf-8"),
        script=files(_PACKAGE).joinpath("live.js").read_text("utf-8"),
    )


def events_of(
    render: Callable[[], str],
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[str]:
    """Server-sent events: the body whenever it has changed, and a sign of life.

    Args: render: the body as HTML; pause: waits for some s.
    Source: WHATWG HTML, "Server-sent events".
    """
    shown, said = None, clock()
    while True:
        body = render()
        if body != shown:
            # JSON has no line end, which would end the event's data.
            yield f"data: {json.dumps({'html': body})}\n\n"
            shown, said = body, clock()
        elif clock() - said >= SILENCE_SECONDS:
            yield ":\n\n"
            said = clock()
        pause(EVENT_SECONDS)
