"""HAProxy's sample expressions, ``%[…]``: the fields that they give.

Source: HAProxy configuration manual, 7.3 "Fetching samples" and 7.3.1 "Converters" (``ltime``, ``utime``, ``json``).
"""

from __future__ import annotations

import re
from dataclasses import replace

from streamtally.formats.directives.haproxy_tokens import Token
from streamtally.formats.directives.haproxy_values import NUMBER, OWN, Value, address, number, url_part
from streamtally.formats.directives.moments import TimeToken
from streamtally.times.strftime import is_readable, pattern_of

_FETCHES = {
    "src": address("src", "the client's address", "client"),
    "status": number("status", "status code of the response", "INTEGER", "status"),
    "txn.status": number("txn_status", "status code of the response", "INTEGER", "status"),
    "method": url_part("method", "the request's method", "method"),
    "capture.req.method": url_part("capture_req_method", "the request's method", "method"),
    "capture.req.uri": url_part("capture_req_uri", "the request's URI", "path"),
    "capture.req.ver": url_part("capture_req_ver", "the request's protocol", "protocol"),
    "http_auth_user": Value("http_auth_user", "VARCHAR", "the user of HTTP authentication", role="user"),
    "capture.res.ver": url_part("capture_res_ver", "the response's protocol", ""),
}
_JSON = re.compile(r",json(?:\([^()]*\))?\s*\Z")
_HEADER = re.compile(r"(?:(?:req\.)?f?hdr|capture\.req\.hdr|req\.hdrs?)\(\s*([A-Za-z][A-Za-z0-9_-]*)\s*[,)]")
_HEADER_ROLES = {"user-agent": "agent", "referer": "referer", "host": "vhost"}
_TIME = re.compile(
    r"(?P<fetch>date|accept_date|request_date)(?:\((?P<arguments>[^()]*)\))?"
    r"(?:,(?P<unit>ms_|us_)?(?P<zone>l|u)time\((?P<quote>[\"']?)(?P<format>.*?)(?P=quote)(?P<offset>,[^()]*)?\))?"
)
_UNIX = {"": "%{sec}", "ms": "%{msec}", "us": "%{usec}"}


def expression_value(token: Token) -> Value:
    """The value of a sample expression, named after its fetch and that one's arguments."""
    text = token.expression.strip()
    fetch = re.match(r"[^(,]*", text)[0]  # type: ignore[index]  # it matches any text
    name = token.name or _field_name(re.match(r"[^(,]*(?:\([^()]*\))?", text)[0])  # type: ignore[index]
    time = _TIME.fullmatch(text)
    if time is not None:
        return _time(name, text, time)
    json = _JSON.search(text)  # writes strings of JSON, in which a backslash escapes the next character
    known = _FETCHES.get(text[: json.start()] if json else text)
    if known is not None:
        return replace(known, name=name, escaped=json is not None)
    header = _HEADER.match(text)
    role = _HEADER_ROLES.get(header[1].lower(), "") if header and not fetch.startswith("capture") else ""
    return Value(name, "VARCHAR", f"%[{text}]", escaped=json is not None, role=role)


def _field_name(text: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_") or "expression"


def _time(name: str, text: str, match: re.Match[str]) -> Value:
    """A time: the number of a fetch, or what ``ltime`` and ``utime`` write by a format of strftime(3)."""
    meaning, of_request = f"%[{text}]", match["fetch"] == "request_date"
    arguments = [argument.strip() for argument in (match["arguments"] or "").split(",")]
    is_shifted = any(argument.lstrip("-").isdigit() and int(argument) for argument in arguments)
    if match["zone"] is None:
        unit = next((argument for argument in arguments if argument in ("ms", "us")), "")
        token = None if is_shifted else TimeToken(_UNIX[unit])
        return Value(name, "BIGINT", meaning, NUMBER, "[0-9]{1,18}|-", token=token, of_request=of_request)
    fraction = "%{usec_frac}" if match["unit"] == "us_" else "%{msec_frac}"
    written = match["format"].replace("%N", fraction).replace("%3N", "%{msec_frac}").replace("%6N", "%{usec_frac}")
    pattern = pattern_of(written)
    if is_shifted or match["offset"] or not pattern or not is_readable(written):
        return Value(name, "VARCHAR", meaning)
    is_utc = match["zone"] == "u" and "%z" not in written
    token = TimeToken(written)
    return Value(name, "VARCHAR", meaning, OWN, pattern, token=token, of_request=of_request, is_utc=is_utc)
