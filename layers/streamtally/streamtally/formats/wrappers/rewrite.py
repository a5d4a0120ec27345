"""Optional changes to every row: split the request, find the true client, anonymize addresses, drop fields.

They are made in this order, before the row is counted or passed on. In a line that does not parse,
addresses are masked by ``Source.hide``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from streamtally.config.source import TrueClient
from streamtally.errors import SettingsError
from streamtally.formats.base import Format, Parser, RecordParser, Row, for_record, last_format, last_wrappers
from streamtally.formats.wrappers.addresses import is_clean_after, list_entries, mask_row, mask_text, mask_value

Step = Callable[[Row], Row]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CLIENT_FIELDS = (
    "host", "client", "client_ip", "remote_addr", "remote_ip", "c_ip", "peer_ip", "realip_remote_addr",
    "x_forwarded_for", "http_x_forwarded_for", "proxy_add_x_forwarded_for", "forwardedfor", "proxy", "peer_host",
    "proxy_protocol_addr", "x_real_ip", "http_x_real_ip", "true_client_ip", "http_true_client_ip",
    "cf_connecting_ip", "http_cf_connecting_ip",
)  # fmt: skip
"""The fields that hold the client's address in the formats."""
REQUEST_FIELDS = ("request", "request_uri", "req")
_MAX_REPEATS = 4
PRIVATE_PROXIES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
_ADDRESS = re.compile(
    r"(\[?)"
    r"([0-9A-Fa-f:.%]{2,60}?)"  # lazy: the last colon may begin the port
    r"(\]?)"
    r"((?::[0-9]{1,5})?)"
)
MAX_ADDRESS_CHARS = 128
"""Characters of an address with its zone and port; a longer text is not an address, and is not cached."""
_METHOD = re.compile(r"[A-Za-z!#$%&'*+.^_`|~-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The steps of a pipeline.

    Attributes:
        steps: In order.
        masks_alone: Whether the only step is to anonymize all fields.
    """

    steps: tuple[Step, ...]
    masks_alone: bool = False

    @classmethod
    def from_settings(
        cls,
        split: bool,
        anonymize: bool | Sequence[str],
        true_client: TrueClient | None,
        drop: Sequence[str],
        clients: Iterable[str] = (),
    ) -> Rewrite | None:
        """The steps for the settings; None if there are none.

        Args: clients: more fields that hold clients' addresses.
        Raises: SettingsError.
        """
        steps: list[Step] = [split_request] if split else []
        if true_client is not None:
            steps.append(true_client_step(true_client))
        if anonymize:
            is_limited = anonymize is not True
            fields = tuple(anonymize) if anonymize is not True else (*CLIENT_FIELDS, *clients)
            steps.append(anonymize_step(fields, is_limited))
        if drop:
            names = frozenset(drop)
            steps.append(lambda row: {name: value for name, value in row.items() if name not in names})
        return cls(tuple(steps), anonymize is True and len(steps) == 1) if steps else None

    def wrap(self, parse: Parser, is_plain: bool = False) -> Parser:
        """The parser, followed by these steps.

        Args: is_plain: whether a row with the field ``host`` is of a format whose fields are parts of the line that do
            not overlap.
        """
        return _Masking(parse, self.steps) if is_plain and self.masks_alone else _Rewriting(parse, self.steps)


class _Rewriting(RecordParser):
    def __init__(self, parse: Parser, steps: tuple[Step, ...]) -> None:
        self._parse = parse
        self._steps = steps

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """The parser around the inner parser for another record."""
        parse = for_record(self._parse, arrival_ms)
        return self if parse is self._parse else type(self)(parse, self._steps)

    @property
    def log_format(self) -> Format | None:
        """The inner parser's."""
        return last_format(self._parse)

    @property
    def wrappers(self) -> tuple[str, ...]:
        """The inner parser's."""
        return last_wrappers(self._parse)

    def __call__(self, line: str) -> Row:
        row = self._parse(line)
        for step in self._steps:
            row = step(row)
        return row


class _Masking(_Rewriting):
    """The same where rows are only anonymized. Most lines of an access log hold no address but the host's."""

    def __call__(self, line: str) -> Row:
        row = self._parse(line)
        host = row.get("host")
        if type(host) is str and line.startswith(host) and is_clean_after(line, len(host)):
            row["host"] = mask_text(host, True)
            return row
        return self._steps[0](row)


def split_request(row: Row) -> Row:
    """Adds method, path, query and protocol after the request line; all are null if it is not a request line."""
    made: Row = {}
    for name, value in row.items():
        made[name] = value
        if name in REQUEST_FIELDS:
            made.update(zip(("method", "path", "query", "protocol"), parse_request(value), strict=True))
    return made


def parse_request(value: Any) -> tuple[str | None, str | None, str | None, str | None]:
    """``GET /a?b HTTP/1.1`` → method, path, query, protocol. A target may hold spaces; HTTP/0.9 has no protocol."""
    method, space, rest = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if not space or not _METHOD.fullmatch(method) or method == "-":
        return None, None, None, None
    target, space, protocol = rest.rpartition(" ")
    if not space or not protocol.startswith("HTTP/"):
        target, protocol = rest, ""
    path, mark, query = target.partition("?")
    return method, path or None, query if mark else None, protocol or None


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


def anonymize_text(text: str) -> str:
    """Zeroes the last octet of an IPv4 address and the last 80 bits of an IPv6 one in the text of a client's field.

    Names and other texts are returned unmodified.
    """
    return mask_text(text, is_client=True)


def anonymize_step(fields: Sequence[str], is_limited: bool) -> Step:
    """Anonymizes addresses.

    Args:
        fields: fields that hold clients' addresses, also where a directive has one repeatedly (``remote_addr_2``).
        is_limited: whether only these fields are anonymized. Else all are, wherever an address stands in them.
    """
    repeated = (f"{name}_{number}" for name in fields for number in range(2, _MAX_REPEATS + 1))
    names = frozenset([*fields, *repeated])

    def anonymize_fields(row: Row) -> Row:
        for name in names & row.keys():
            row[name] = mask_value(row[name], anonymize_text)
        return row

    return anonymize_fields if is_limited else partial(mask_row, clients=names)


def true_client_step(settings: TrueClient) -> Step:
    """Replaces the client's field by the client behind trusted proxies; the proxy is moved to the field ``proxy``.

    Works like nginx's realip with real_ip_recursive: if the peer is trusted, the client is the last address of the list
    that is not trusted.

    Raises: SettingsError: a trusted network is invalid.
    """
    forwarded, client = settings.forwarded, settings.client
    try:
        networks = PRIVATE_PROXIES if settings.trusted is None else settings.trusted
        trusted = [ipaddress.ip_network(network) for network in networks]
    except ValueError as error:
        raise SettingsError(f"true_client: {error}: write networks as 10.0.0.0/8") from None

    def set_client(row: Row) -> Row:
        peer, chain = row.get(client), row.get(forwarded)
        if not (isinstance(peer, str) and isinstance(chain, str) and _is_trusted(peer, trusted)):
            return row
        true_client = _last_untrusted(chain, trusted)
        if true_client is not None:
            row[client] = true_client
            row["proxy"] = peer
        return row

    return set_client


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
