"""The live page: the report's style and parts, renewed by server-sent events. Without JavaScript it reloads itself.

Log lines are hostile. Every text is escaped where it is inserted, on the server; and a Content-Security-Policy runs no
script but the page's own, by its hash, and connects to no other server.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Final

from streamtally.local.live.texts import say_live
from streamtally.report.markup import text
from streamtally.report.texts import language

RELOAD_SECONDS: Final = 5
EVENT_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 10.0
"""After so long without news, a comment shows whether the browser is still there."""
_FILTER: Final = (
    '<form class="soft"><label>{label} <input name="filter" value="{filter}" maxlength="200"></label> '
    "<button>{button}</button></form>"
)


def live_page(title: str, body: str, filter_text: str | None = None) -> str:
    """The page as HTML, in the language that is spoken (:func:`streamtally.report.texts.speaking`).

    Args:
        title: plain text.
        body: HTML of sections.
        filter_text: what lines are filtered by; None: there is no filter.
    """
    live = files("streamtally.local.live")
    style = files("streamtally.report").joinpath("page.css").read_text("utf-8") + live.joinpath("live.css").read_text(
        "utf-8"
    )
    script = live.joinpath("live.js").read_text("utf-8")
    return "\n".join(
        (
            "<!DOCTYPE html>",
            f'<html lang="{language()}"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">',
            f'<noscript><meta http-equiv="refresh" content="{RELOAD_SECONDS}"></noscript>',
            f"<title>{text(title, 300)}</title>",
            f"<style>{style}</style></head><body>",
            f"<header><h1>{text(title, 300)}</h1>{_controls()}{_filter(filter_text)}</header>",
            f"<main>{body}</main>",
            f'<footer class="soft"><p>{text(say_live("footer"))}</p></footer>',
            f"<script>{script}</script></body></html>\n",
        )
    )


def _controls() -> str:
    """The button and the state. Only changes of the state are announced to a screen reader, not each new time."""
    words = {key: text(say_live(key)) for key in ("pause", "resume", "paused", "as_of", "lost", "refused")}
    data = " ".join(f'data-{key.replace("_", "-")}="{word}"' for key, word in words.items())
    return (
        f'<p class="soft"><button id="pause" aria-pressed="false" {data} hidden>{words["pause"]}</button> '
        '<span id="as-of"></span> <span id="state" role="status"></span></p>'
    )


def _filter(filter_text: str | None) -> str:
    if filter_text is None:
        return ""
    label, button = text(say_live("filter")), text(say_live("filter.button"))
    return _FILTER.format(label=label, filter=text(filter_text, 200), button=button)


def _policy(style: str, script: str) -> str:
    digests = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'self'"
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
