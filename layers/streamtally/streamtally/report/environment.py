"""The environment in which the templates run. A template cannot forget a log's hostility: whatever it inserts is text.

Every value that an expression gives is made visible, cut and escaped. Two kinds of values are not: what a macro made,
and what passes through ``safe``, which only the page's own sheet and script do.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup, escape

from streamtally.text import visible

MAX_TEXT_CHARS: Final = 1000
REPORT: Final = "streamtally.report"
_LINE_END: Final = re.compile(r"\s*\n\s*")


class LineEnds(Extension):
    """Leaves the templates' line ends and indentation out of the page, where they stand next to a tag or a block.

    Any other line end is a space.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """The tokens of a template, with shorter ones of text."""
        for token in stream:
            if token.type == "data":
                token = Token(token.lineno, token.type, _LINE_END.sub(_shorten, token.value))
            yield token


def _shorten(match: re.Match[str]) -> str:
    data, start, end = match.string, match.start(), match.end()
    return "" if start == 0 or end == len(data) or data[start - 1] == ">" or data[end] == "<" else " "


@cache
def environment(*packages: str) -> Environment:
    """The templates of the report and of other packages.

    Args: packages: each has a folder ``templates``; a template is looked up there before it is among the report's.
    """
    loaders = [PackageLoader(package) for package in (*packages, REPORT)]
    made = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show,
        extensions=[LineEnds],
        auto_reload=False,
    )
    made.filters |= {"text": text, "digest": digest}
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return made


def _show(value: Any) -> Any:
    """A value as it is inserted, before it is escaped."""
    return value if isinstance(value, Markup | int | float) else visible(str(value), MAX_TEXT_CHARS)


def text(value: str, limit: int | None = None) -> Markup:
    """The filter for a text that is cut elsewhere than others. Args: limit: in characters; None: it is not cut."""
    return escape(visible(value, limit))


def digest(content: str) -> str:
    """The filter that makes a source of a Content-Security-Policy of a sheet or a script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
