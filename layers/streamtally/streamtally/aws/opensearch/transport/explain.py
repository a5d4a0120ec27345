"""A failed request in one line."""

from __future__ import annotations

import re

from opensearchpy.exceptions import TransportError

from streamtally.aws.opensearch.transport.answers import explain_cause
from streamtally.aws.opensearch.transport.identity import describe_page, is_page
from streamtally.text import one_line

_AROUND_CAUSE = re.compile(r"^Failed to establish a new connection: |\[Errno -?\d+\] ")


def explain(method: str, path: str, error: TransportError) -> str:
    """An error answer: the request, the status, the reason, and what to do where that is known."""
    if is_page(error.error):
        return f"{method} {path[:120]}: answered by {describe_page(int(error.status_code), str(error.error))}"
    reason = shorten(error.error)
    info = error.info
    if isinstance(info, dict):
        cause = info.get("error")
        if isinstance(cause, dict):
            reason = shorten(explain_cause(cause))
        elif isinstance(cause, str):
            reason = shorten(cause)
        elif info.get("message"):
            reason = shorten(info["message"])
        elif info.get("Message"):  # of the service in front of a domain, in either case
            reason = shorten(info["Message"])
    return f"{method} {path[:120]}: {error.status_code} {reason}{_advise(error.status_code, reason)}"


def _advise(status: object, reason: str) -> str:
    """What to do about a refusal by the service in front of a domain."""
    if status in (401, 403) and "anonymous" in reason:
        return " (the request was not signed: --auth sigv4 signs it; in the functions, OPENSEARCH_AUTH)"
    if status in (401, 403) and "Credential should be scoped" in reason:
        return " (it was signed for another region: pass --region)"
    if status == 403 and "no permissions for" in reason:
        return " (map this user or role in the domain: streamtally doctor --before-deploy prints how)"
    return ""


def explain_connection(text: str) -> str:
    """A connection error without the nested names, numbers and the URL that urllib3 puts around its cause."""
    _, nested, cause = text.rpartition("(Caused by ")
    if nested:
        text = cause.partition("): ")[2][:-3] or text
    return shorten(_AROUND_CAUSE.sub("", text))


def shorten(text: object) -> str:
    """The text as a line of bounded length."""
    return one_line(text, 500)
