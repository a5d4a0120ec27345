"""What the local endpoint takes a request to be: from whom it may come, and how long its body is.

A page of any web site can make a browser send to a loopback port, and, with a name of its own that resolves to loopback
(DNS rebinding), read the answers. Such a request says so itself: its Host is that name, its Origin that site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import Message
from ipaddress import ip_address
from urllib.parse import urlsplit

from streamtally.local.simulator.api import ApiError

MAX_BODY_BYTES = 8 * 2**20  # 4 MiB of data in base64 and JSON, and room
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII)
# Names that containers have for the machine they run on; no public name can end like them.
_MACHINE = (".docker.internal", ".containers.internal")


class Guard:
    """The names by which the endpoint may be called, with any port.

    Args:
        bound: the address that it is bound to. On loopback its names are loopback's; elsewhere also addresses, names
            without a dot and a container's names for its machine, none of which a web site can have.
        names: further names, which the user has given.
    """

    def __init__(self, bound: str, names: Iterable[str] = ()) -> None:
        self._names = {name.lower().rstrip(".") for name in names}
        self._elsewhere = not is_loopback(bound)

    def allows(self, authority: str) -> bool:
        """Whether ``HOST[:PORT]`` is a name of this endpoint."""
        match = _AUTHORITY.fullmatch(authority)
        if not match:
            return False
        name = match[1].strip("[]").lower().removesuffix(".")
        if is_loopback(name) or name.endswith(".localhost") or name in self._names:
            return True
        return self._elsewhere and (_is_address(name) or "." not in name or name.endswith(_MACHINE))

    def check(self, headers: Message, target: str) -> None:
        """Raises: ApiError: it comes from elsewhere, or says twice where it goes. Browsers always send a Host."""
        hosts = headers.get_all("Host", [])
        if len(hosts) > 1:
            raise ApiError("SerializationException", "a request has one Host header")
        asked = [*(host.strip() for host in hosts), *([urlsplit(target).netloc] if "://" in target[:16] else [])]
        for host in asked:
            if not self.allows(host):
                text = f"this endpoint is not called {_short(host)}; call it localhost, or name it with --allow-host"
                raise ApiError("AccessDeniedException", text, 403)
        for origin in headers.get_all("Origin", []):
            scheme, _, authority = origin.strip().partition("://")
            if scheme not in ("http", "https") or not self.allows(authority):
                raise ApiError("AccessDeniedException", f"pages of {_short(origin)} may not ask this endpoint", 403)


def body_length(headers: Message) -> int:
    """The bytes of a request's body. Raises: ApiError: they are not said, not said clearly, or too many."""
    lengths = headers.get_all("Content-Length", [])
    if headers.get_all("Transfer-Encoding"):
        if lengths:  # two readers could take two different ends for the true one
            raise ApiError("SerializationException", "a request has Content-Length or Transfer-Encoding, not both")
        raise ApiError("MissingContentLength", "Content-Length is missing: chunked bodies are not taken", 411)
    if len(lengths) > 1:
        raise ApiError("SerializationException", "a request has one Content-Length")
    text = lengths[0].strip() if lengths else ""
    if not text:
        raise ApiError("MissingContentLength", "Content-Length is missing", 411)
    if not (text.isascii() and text.isdecimal()):
        raise ApiError("MissingContentLength", f"Content-Length is no number of bytes: {_short(text)}", 411)
    digits = text.lstrip("0") or "0"
    if len(digits) > 12 or int(digits) > MAX_BODY_BYTES:
        raise ApiError("RequestEntityTooLargeException", f"the request is larger than {MAX_BODY_BYTES} bytes", 413)
    return int(digits)


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own, and nobody else's."""
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
