r"""IP addresses in any text: found wherever they stand, and masked.

An address is recognised by its form and by what stands around it, in linear time. It may be in a list, in quotes or
brackets, with a port or a zone, in a query, and written with ``%3A``, ``%2E``, ``\x3A`` or ``\x2E``. What only looks
like an address is none: a product's version (``Chrome/120.0.0.0``, ``rv:1.9.2.13``, ``jquery-1.2.3.4.js``), a part of a
longer number (``1.3.6.1.4.1``) or of a word, a time, a MAC address. In a field that holds a client's address, a version
is an address too.

Source: RFC 4291, 2.2 (IPv6 texts), RFC 6874 (zones), RFC 7239 (Forwarded).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Container
from functools import lru_cache, partial
from typing import Any

from streamtally.lazy_patterns import pattern_when_used

MAX_CACHED_CHARS = 256
"""Longer texts are not cached: they rarely recur."""
_MAX_DEPTH = 200
_COLON = r"(?::|%(?:25)?3[Aa]|\\x3[Aa])"
_DOT = r"(?:\.|%(?:25)?2[Ee]|\\x2[Ee])"
_QUAD = rf"[0-9]{{1,3}}(?:{_DOT}[0-9]{{1,3}}){{3}}"
_CANDIDATE = pattern_when_used(
    rf"""
    # An escape in front: without it, the 20 of %20192.0.2.1 would be digits of the address.
    (?P<escape> % (?:25)? [0-9A-Fa-f]{{2}} | \\ x [0-9A-Fa-f]{{2}} | \\ u [0-9A-Fa-f]{{4}} | \\ [nrt] )?
    (?:
      (?P<six>
        [0-9A-Fa-f]{{0,4}} (?: {_COLON} [0-9A-Fa-f]{{0,5}} ){{2,}}  # the last group may be a port, of five digits
        (?: (?<=[0-9]) (?: {_DOT} [0-9]{{1,3}} ){{3}} (?: {_COLON} [0-9]{{1,5}} )? )?  # ::ffff:192.0.2.1
      )
      | (?P<four> {_QUAD} )
    )
    """,
    re.VERBOSE,
)
_LIKE_FOUR = pattern_when_used(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_LIKE_ENCODED = pattern_when_used(r"(?:%(?:25)?|\\x)(?:2[Ee]|3[Aa])")
_COLONS, _LAST_DOT = pattern_when_used(_COLON), pattern_when_used(rf"{_DOT}[0-9]{{1,3}}\Z")
_DOTS = pattern_when_used(_DOT)

_ZONE = pattern_when_used(r"\A([0-9A-Fa-f:]{2,39})%[\w.-]{1,32}\Z")
"""A client's address with a zone, which names a network card of one machine."""

_LOOK_BACK_CHARS = 48
_VERSION = pattern_when_used(
    r"""
    (?: (?:^|[\s"'(\[;,+])
        (?! (?: tcp|udp|sctp|icmp|ip|ipv4|ipv6|inet|src|dst|from|to|host|client|peer|direct|none ) / )
        [A-Za-z][A-Za-z0-9.!-]* /                # Chrome/ at a word's start; /lookup/ is a path, HIER_DIRECT/ a peer
      | \b (?: rv | v | ver | version ) [ :=/]* "?  # rv:1.9.2.13, Chrome";v="120.0.0.0"
      | [A-Za-z]-                                # jquery-1.2.3.4.js
    ) \Z
    """,
    re.VERBOSE | re.IGNORECASE,
)


def _mask_match(match: re.Match[str], is_client: bool) -> str:
    escape = match["escape"] or ""
    text, start, end = match.string, match.start(), match.end()
    before = "" if escape else text[max(0, start - _LOOK_BACK_CHARS) : start]
    after = text[end : end + 2]
    if match["four"] is not None:
        four = match["four"]
        if _is_part(before, after, is_client) or (not is_client and _VERSION.search(before)):
            return match[0]
        return escape + _mask_four(four)
    return escape + _mask_six(match["six"], before[-1:], after[:1])


def _is_part(before: str, after: str, is_client: bool) -> bool:
    """Whether four numbers belong to a longer number, or to a word."""
    last, first = before[-1:], after[:1]
    if is_client:  # host-192.0.2.1.example is a client's name too
        return _is_digit(last) or _is_digit(first)
    return (
        _is_word(last)
        or _is_word(first)
        or (last == "." and _is_digit(before[-2:-1]))
        or (first == "." and _is_digit(after[1:]))
    )


def _is_digit(char: str) -> bool:
    return "0" <= char <= "9"


def _is_word(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _mask_four(four: str) -> str:
    """The address with a last octet of 0, in its own form; unmodified if an octet is too large."""
    if any(int(octet) > 255 for octet in _DOTS.split(four)):
        return four
    last = _LAST_DOT.search(four)
    return four if last is None else four[: last.end() - len(_DOTS.split(last[0])[-1])] + "0"


def _mask_six(six: str, before: str, after: str) -> str:
    colon = _COLONS.search(six)
    form = colon[0] if colon else ":"
    plain = _DOTS.sub(".", _COLONS.sub(":", six))
    head = tail = ""
    if _is_word(before) or before == "_":  # the end of a word, such as a key: interface:2001:db8::1
        head, _, plain = plain.partition(":")
        head += ":"
        if plain.startswith(":"):  # std::a1
            return six
    if plain.startswith(":") and not plain.startswith("::"):
        head, plain = head + ":", plain[1:]
    if plain.endswith(":") and not plain.endswith("::"):
        tail, plain = ":", plain[:-1]
    masked = None if _is_word(after) else _masked_part(plain)
    if masked is not None:
        return (head + masked + tail).replace(":", form)
    if "." in plain:  # other numbers in front of an IPv4 address
        last = max(match.end() for match in _COLONS.finditer(six) if "." in _DOTS.sub(".", six[match.end() :]))
        return six[:last] + re.sub(_QUAD, lambda quad: _mask_four(quad[0]), six[last:])
    return six


def _masked_part(plain: str) -> str | None:
    """An IPv6 address, perhaps with a port behind it or a word of hexadecimal digits in front of it."""
    whole = _masked_whole(plain)
    if whole is not None:
        return whole
    address, colon, port = plain.rpartition(":")
    masked = _masked_whole(address) if port.isdigit() else None
    if masked is not None:
        return masked + colon + port
    key, colon, address = plain.partition(":")
    masked = _masked_whole(address)
    return None if masked is None else key + colon + masked


@lru_cache(maxsize=4096)
def _masked_whole(text: str) -> str | None:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    if not any(map(_is_digit, text)):  # A::B is a name in Perl
        return None
    if address.ipv4_mapped is not None:
        return f"::ffff:{_mask_four(str(address.ipv4_mapped))}"
    return str(ipaddress.IPv6Address(int(address) >> 80 << 80))


def _may_hold(text: str) -> bool:
    """Whether a text could hold an address: cheap, and rarely wrong. Times, names and most targets could not."""
    if "::" in text or text.count(":") > 6:
        return True
    if text.count(".") > 2 and _LIKE_FOUR.search(text):
        return True
    return ("%" in text or "\\" in text) and _LIKE_ENCODED.search(text) is not None


def mask_anew(text: str, is_client: bool) -> str:
    """The same as ``mask_text``, which remembers results, for callers that do so themselves."""
    if is_client and "%" in text:
        text = _ZONE.sub(r"\1", text)
    return _CANDIDATE.sub(partial(_mask_match, is_client=is_client), text) if _may_hold(text) else text


@lru_cache(maxsize=4096)
def _mask_cached(text: str) -> str:
    return mask_anew(text, False)


@lru_cache(maxsize=4096)
def _mask_client(text: str) -> str:
    return mask_anew(text, True)


def mask_text(text: str, is_client: bool = False) -> str:
    """A text with every address in it masked: the last octet of IPv4, the last 80 bits of IPv6.

    Args: is_client: whether the text is a client's address or name, so that nothing in it is a version.
    """
    if len(text) > MAX_CACHED_CHARS:
        return mask_anew(text, is_client)
    return _mask_client(text) if is_client else _mask_cached(text)


def mask_row(row: dict[str, Any], clients: Container[str]) -> dict[str, Any]:
    """A row with every address in it masked. Args: clients: the fields that hold clients' addresses."""
    for name, value in row.items():
        kind = type(value)
        if kind is str:
            if name in clients:
                row[name] = mask_text(value, True)
            else:  # without a call of mask_text, for speed
                row[name] = _mask_cached(value) if len(value) <= MAX_CACHED_CHARS else mask_anew(value, False)
        elif kind is dict or kind is list:
            row[name] = mask_value(value, mask_text)
    return mask_names(row)


def mask_value(value: Any, mask: Callable[[str], str], depth: int = 0) -> Any:
    """A JSON value with the addresses in all its texts and names masked, in its own order.

    Raises: RecursionError: it is nested too deeply.
    """
    if isinstance(value, str):
        return mask(value)
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, list):
        return [mask_value(item, mask, depth + 1) for item in value]
    if isinstance(value, dict):
        return mask_names({name: mask_value(item, mask, depth + 1) for name, item in value.items()})
    return value


def mask_names(row: dict[str, Any]) -> dict[str, Any]:
    """An object whose names hold no address; names that are the same when masked are numbered, none is lost."""
    if not _names_hold("\n".join(row)):
        return row
    masked: dict[str, Any] = {}
    for name, value in row.items():
        base = new = mask_text(name)
        number = 2
        while new in masked:
            new, number = f"{base}_{number}", number + 1
        masked[new] = value
    return masked


@lru_cache(maxsize=1024)
def _names_hold(names: str) -> bool:
    return any(map(_may_hold, names.split("\n")))


_FOR = pattern_when_used(r"""for=(?:"([^"]*)"|([^";,\s]*))""", re.IGNORECASE)
_SEPARATORS = pattern_when_used(r"""(?:[,\s+"']|%20|%2[Cc]|%22|\\x20|\\x2[Cc]|\\x22|\\")+""")


def list_entries(text: str) -> list[str]:
    """The entries of X-Forwarded-For or Forwarded, however the log separates and quotes them, in their order.

    Of Forwarded these are the values of ``for``. An entry may be a name such as ``unknown``.
    """
    nodes = [quoted or plain for quoted, plain in _FOR.findall(text.replace('\\"', '"').replace("\\x22", '"'))]
    return nodes or [entry for entry in _SEPARATORS.split(text) if entry]
