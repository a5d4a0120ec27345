"""Whether OpenSearch answers at an address, judged by the answer to ``GET /``.

Addresses are mistaken for one another: that of Dashboards, of a proxy's login page, of a collection of OpenSearch
Serverless, of an Elasticsearch. Each of them answers some of OpenSearch's paths with HTTP 200.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from streamtally.text import one_line, visible

MAX_SHOWN = 120
TAGLINE = "opensearch"
"""Part of OpenSearch's ``tagline``. Its ``version.distribution`` is absent, and its number 7.10.2, with the setting
``compatibility.override_main_response_version``."""
_ELASTIC_TAGLINE = "you know, for search"
_DENIED = (401, 403)
_PAGE = re.compile(r"\s*<")
_DASHBOARDS = re.compile(r"_dashboards|_plugin/kibana|/app/(?:login|home)|opensearch[ -]dashboards|\bosd-|\bkbn-", re.I)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,200})", re.I)


@dataclass(frozen=True, slots=True)
class Root:
    """An answer to ``GET /``.

    Attributes:
        status: the HTTP status.
        text: the body, or of an error that is JSON its kind.
        document: the body as JSON; None: it is not JSON.
        location: where a redirect leads to; "": there is none.
    """

    status: int
    text: str
    document: Any = None
    location: str = ""


def read_root(status: int, text: str) -> Root:
    """The answer with this status and body."""
    try:
        return Root(status, text, orjson.loads(text))
    except orjson.JSONDecodeError:
        return Root(status, text)


def find_stranger(name: str, root: Root) -> str:
    """Why this is not an OpenSearch that Streamtally works with, in one line with what to do; "": it is one.

    A refusal for lack of rights (401, 403) is taken for OpenSearch's own unless it is a web page: a role may have
    rights on its indices and none on ``GET /``. So is a failure that it reports: the next request has its reason.

    Args:
        name: the address, for the message.
    """
    if root.location or 300 <= root.status < 400:
        return f"{name} is not OpenSearch: it redirects to {_place(root.location)}{_redirect_advice(name, root)}"
    if _is_dashboards(root):
        advice = "pass the address of OpenSearch itself (a domain's is the same without /_dashboards)"
        return f"{name} is OpenSearch Dashboards, not OpenSearch: {advice}"
    if _PAGE.match(root.text) and root.document is None:
        return f"{name} is not OpenSearch: it answers with {describe_page(root.status, root.text)}"
    if root.status in _DENIED or (root.status >= 500 and _is_own_error(root.document)):
        return ""
    if root.status == 404:
        advice = "is there a path missing? Collections of OpenSearch Serverless answer so; they are not supported"
        return f"{name} is not OpenSearch: it answers GET / with 404 ({advice})"
    if root.status >= 300:
        reason = visible(one_line(root.text), MAX_SHOWN)
        return f"{name} is not OpenSearch: it answers GET / with {root.status} {reason}".rstrip()
    return _judge_document(name, root)


def _is_own_error(document: Any) -> bool:
    """Whether a body is an error in OpenSearch's form."""
    return isinstance(document, dict) and isinstance(document.get("error"), dict)


def describe_page(status: int, text: str) -> str:
    """A web page in a few words."""
    title = _TITLE.search(text[:20_000])
    named = f' "{visible(one_line(title[1]), MAX_SHOWN)}"' if title and title[1].strip() else ""
    advice = "; pass https://" if "HTTPS port" in text[:20_000] else ""
    return f"a web page{named} (HTTP status {status}){advice}"


def is_page(text: object) -> bool:
    """Whether a body is HTML or XML."""
    return isinstance(text, str) and _PAGE.match(text) is not None


def _judge_document(name: str, root: Root) -> str:
    document = root.document
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(version, dict) or not isinstance(version.get("number"), str):
        kind = "text" if document is None else "a JSON list" if isinstance(document, list) else "other JSON"
        shown = (
            f"{kind} that names no version: {visible(one_line(root.text, MAX_SHOWN))}"
            if root.text.strip()
            else "nothing"
        )
        return f"{name} is not OpenSearch: it answers GET / with {shown}"
    tagline = str(document.get("tagline") or "").lower()
    if version.get("distribution") == "opensearch" or TAGLINE in tagline:
        return ""
    number = visible(one_line(version["number"]), 40)
    if tagline == _ELASTIC_TAGLINE or "build_flavor" in version:
        advice = "upgrade it to OpenSearch (a domain can be upgraded in place from 7.10)"
        return f"{name} is Elasticsearch {number}, which is not supported: {advice}"
    return f"{name} is not OpenSearch: it calls itself {one_line(version.get('distribution') or number, MAX_SHOWN)}"


def _is_dashboards(root: Root) -> bool:
    document = root.document
    if isinstance(document, dict):  # errors of its server: {"statusCode": 401, "error": …, "message": …}
        return "statusCode" in document and "version" not in document
    return document is None and _DASHBOARDS.search(root.text[:20_000]) is not None


def _place(location: str) -> str:
    """Where a redirect leads to, without what may be a secret in it (user, query)."""
    parts = urlsplit(location)
    host = parts.netloc.rpartition("@")[2]
    return visible(f"{parts.scheme}://{host}{parts.path}" if host else parts.path or "nowhere", MAX_SHOWN)


def _redirect_advice(name: str, root: Root) -> str:
    location, own = urlsplit(root.location), urlsplit(name)
    if _DASHBOARDS.search(root.location):
        return "; this is OpenSearch Dashboards: pass the address of OpenSearch itself"
    if own.scheme == "http" and location.scheme == "https" and location.hostname == own.hostname:
        return "; pass https://"
    return "; pass the address that OpenSearch itself has"
