"""What the local endpoint accepts as a request: who may send it, and how long its body is.

A page of any web site can make a browser send requests to a loopback port and, with a host name that resolves to
loopback (DNS rebinding), read the responses. The headers reveal it: Host is that name, Origin is that site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import Message
from ipaddress import ip_address
from urllib.parse import urlsplit

from streamtally.local.simulator.errors import ApiError

MAX_BODY_BYTES = 8 * 2**20  # 4 MiB of data in base64 and JSON, plus room
_AUTHORITY = re.compile(
    r"""( \[[0-9A-Fa-f:.]+\]      # an IPv6 address in brackets
      | [A-Za-z0-9._-]+ )       # or a name, or an IPv4 address
    (?: :[0-9]{1,5} )?          # and a port
    """,
    re.ASCII | re.VERBOSE,
)
# The names under which containers reach their host; no public name can end like these.
_MACHINE = (".docker.internal", ".containers.internal")


class Guard:
    """The host names that the endpoint accepts, with any port.

    Args:
        bound: the address that it is bound to. On loopback it accepts loopback's names; elsewhere also addresses, names
            without a dot and the names under which containers reach their host. No web site can have any of these.
        names: additional names from the user.
    """

    def __init__(self, bound: str, names: Iterable[str] = ()) -> None:
        self._names = {name.lower().rstrip(".") for name in names}
        self._is_beyond_loopback = not is_loopback(bound)

    def allows(self, authority: str) -> bool:
        """Whether the endpoint accepts ``HOST[:PORT]``."""
        match = _AUTHORITY.fullmatch(authority)
        if not match:
            return False
        name = match[1].strip("[]").lower().removesuffix(".")
        if is_loopback(name) or name.endswith(".localhost") or name in self._names:
            return True
        return self._is_beyond_loopback and (_is_address(name) or "." not in name or name.endswith(_MACHINE))

    def check(self, headers: Message, target: str) -> None:
        """Check where a request comes from; browsers always send a Host.

        Raises: ApiError: the host or origin is not accepted, or there are several hosts.
        """
        hosts = headers.get_all("Host", [])
        if len(hosts) > 1:
            raise ApiError("SerializationException", "a request must have only one Host header")
        requested = [*(host.strip() for host in hosts), *([urlsplit(target).netloc] if "://" in target[:16] else [])]
        for host in requested:
            if not self.allows(host):
                text = f"host {_short(host)} is not allowed; use localhost, or allow it with --allow-host"
                raise ApiError("AccessDeniedException", text, 403)
        for origin in headers.get_all("Origin", []):
            scheme, _, authority = origin.strip().partition("://")
            if scheme not in ("http", "https") or not self.allows(authority):
                raise ApiError("AccessDeniedException", f"pages from {_short(origin)} may not use this endpoint", 403)


def body_length(headers: Message) -> int:
    """The length of a request's body in bytes. Raises: ApiError: it is missing, ambiguous or too large."""
    lengths = headers.get_all("Content-Length", [])
    if headers.get_all("Transfer-Encoding"):
        if lengths:  # two readers could disagree on where the body ends
            raise ApiError(
                "SerializationException", "a request must not have both Content-Length and Transfer-Encoding"
            )
        raise ApiError("MissingContentLength", "Content-Length is missing: chunked bodies are not supported", 411)
    if len(lengths) > 1:
        raise ApiError("SerializationException", "a request must have only one Content-Length")
    text = lengths[0].strip() if lengths else ""
    if not text:
        raise ApiError("MissingContentLength", "Content-Length is missing", 411)
    if not (text.isascii() and text.isdecimal()):
        raise ApiError("MissingContentLength", f"Content-Length is not a number of bytes: {_short(text)}", 411)
    digits = text.lstrip("0") or "0"
    if len(digits) > 12 or int(digits) > MAX_BODY_BYTES:
        raise ApiError("RequestEntityTooLargeException", f"the request is larger than {MAX_BODY_BYTES} bytes", 413)
    return int(digits)


def is_loopback(host: str) -> bool:
    """Whether a name or an address is loopback: reachable from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _short(text: str) -> str:
    return repr(text[:60])
