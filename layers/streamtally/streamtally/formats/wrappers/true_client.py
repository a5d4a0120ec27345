"""The client behind trusted proxies, from the list that they send on, in place of the peer's address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from streamtally.config.source import TrueClient
from streamtally.errors import SettingsError
from streamtally.formats.base import Row
from streamtally.formats.field_readers import nested, reader
from streamtally.formats.wrappers.addresses import list_entries

Step = Callable[[Row], Row]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE_PROXIES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
_ADDRESS = re.compile(
    r"(\[?)"
    r"([0-9A-Fa-f:.%]{2,60}?)"  # lazy: the last colon may begin the port
    r"(\]?)"
    r"((?::[0-9]{1,5})?)"
)
MAX_ADDRESS_CHARS = 128
"""Characters of an address with its zone and port; a longer text is not an address, and is not cached."""


def true_client_step(settings: TrueClient, clients: Sequence[str] = ()) -> Step:
    """Replaces the client's field by the client behind trusted proxies; the proxy is moved to the field ``proxy``.

    Works like nginx's realip with real_ip_recursive: if the peer is trusted, the client is the last address of the list
    that is not trusted.

    Args: clients: the fields that may hold the peer's address, of which the first that a row has counts; the settings'
        ``client`` takes precedence. A name with dots is a member of nested objects.
    Raises: SettingsError: a trusted network is invalid.
    """
    try:
        networks = PRIVATE_PROXIES if settings.trusted is None else settings.trusted
        trusted = [ipaddress.ip_network(network) for network in networks]
    except ValueError as error:
        raise SettingsError(f"true_client: {error}: write networks as 10.0.0.0/8") from None
    path = tuple(settings.forwarded.split("."))
    names = (settings.client,) if settings.client else dict.fromkeys((*clients, "host"))
    peers = [(name, reader((name,))) for name in names if name != settings.forwarded]

    def set_client(row: Row) -> Row:
        chain = _joined(row[settings.forwarded] if settings.forwarded in row else nested(row, path))
        if not isinstance(chain, str):
            return row
        name, peer = next(((name, peer) for name, read in peers if isinstance(peer := read(row), str)), ("", ""))
        if not peer or not _is_trusted(peer, trusted):
            return row
        true_client = _last_untrusted(chain, trusted)
        if true_client is not None:
            _replace(row, name, true_client)
            row["proxy"] = peer
        return row

    return set_client


def _joined(chain: Any) -> Any:
    """A header that is logged as a list of its lines (Caddy) as one text."""
    if isinstance(chain, list) and all(isinstance(line, str) for line in chain):
        return ", ".join(chain)
    return chain


def _replace(row: Row, name: str, value: str) -> None:
    """Set a field, or the member of nested objects that the reader found under this name."""
    if name in row:
        row[name] = value
        return
    inner, path = row, name.split(".")
    for index, step in enumerate(path):
        rest = ".".join(path[index:])
        if rest in inner:
            inner[rest] = value
            return
        inner = inner[step]


def _to_address(text: str) -> Address | None:
    return _known_address(text) if len(text) <= MAX_ADDRESS_CHARS else None


@lru_cache(maxsize=4096)
def _known_address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _split_address(text: str) -> tuple[str, Address, str] | None:
    """``[2001:db8::1]:443`` → ("[", address, "]:443"); None if it is not an address."""
    address = _to_address(text)
    if address is not None:
        return "", address, ""
    match = _ADDRESS.fullmatch(text)
    address = _to_address(match[2]) if match else None
    return None if match is None or address is None else (match[1], address, match[3] + match[4])


def _is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    parts = _split_address(text)
    return parts is not None and any(parts[1] in network for network in trusted)


def _last_untrusted(chain: str, trusted: Sequence[Network]) -> str | None:
    """The last address that is not a trusted proxy's, or the first one if all are. The search ends at other text."""
    address = None
    for entry in reversed(list_entries(chain)):
        parts = _split_address(entry)
        if parts is None:
            return address
        address = str(parts[1])
        if not any(parts[1] in network for network in trusted):
            return address
    return address
