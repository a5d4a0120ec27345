"""HAProxy's log-format variables, ``%ci``: the fields that they give.

Source: HAProxy configuration manual, 8.2.6 "Custom log format". Fields have the names that they have in the formats
haproxy, haproxy_tcp and haproxy_clf.
"""

from __future__ import annotations

from dataclasses import replace

from streamtally.errors import SettingsError
from streamtally.formats.directives.haproxy_tokens import Token
from streamtally.formats.directives.haproxy_values import (
    ADDRESS,
    HEADERS,
    LIST,
    NAMES,
    NOT_IN_HEADERS,
    NOT_IN_URLS,
    NOT_IN_WORDS,
    OWN,
    REQUEST,
    THREE_DIGITS,
    Value,
    address,
    number,
    url_part,
)
from streamtally.formats.directives.moments import TimeToken

_DATE = r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}"
_IN_CLF = "%d/%b/%Y:%H:%M:%S %z"
_MS = "%d/%b/%Y:%H:%M:%S.%{msec_frac}"


def _ms(name: str, meaning: str, role: str = "") -> Value:
    return number(name, f"milliseconds {meaning}, -1 if not reached", role=role)


def _name(name: str, meaning: str) -> Value:
    return Value(name, "VARCHAR", meaning, only=NAMES)


def _word(name: str, meaning: str) -> Value:
    return Value(name, "VARCHAR", meaning, never=NOT_IN_WORDS)


def _date(meaning: str, pattern: str, written: str, of_request: bool = False) -> Value:
    return Value(
        "accept_date", "VARCHAR", meaning, OWN, _DATE + pattern, token=TimeToken(written), of_request=of_request
    )


_OFFSET = r"\x20[+\-][0-9]{4}"
_FRACTION = r"\.[0-9]{3}"
_VARIABLES = {
    "B": number("bytes_read", "bytes sent to the client", role="bytes"),
    "CC": _word("captured_request_cookie", "as name=value"),
    "CS": _word("captured_response_cookie", "as name=value"),
    "H": _name("hostname", "the host of HAProxy"),
    "HM": url_part("method", "the request's method", "method"),
    "HP": url_part("path", "the request's URI without the query", "path"),
    "HPO": url_part("path", "the request's path", "path"),
    "HQ": url_part("query", "the request's query with its ?, or empty", "query"),
    "HU": url_part("uri", "the request's URI", "path"),
    "HV": url_part("protocol", "the request's protocol", "protocol"),
    "ID": _word("unique_id", "the unique id"),
    "OG": _name("log_origin", "what made HAProxy log"),
    "ST": number("status_code", "status code of the response", "INTEGER", "status"),
    "T": _date("time of the connection, dd/MMM/yyyy:HH:mm:ss Z, in UTC", _OFFSET, _IN_CLF),
    "Ta": _ms("time_active", "in total (Ta)", "duration"),
    "Tc": _ms("time_connect", "to connect to the server (Tc)"),
    "Td": _ms("time_data", "to transfer the response (Td)"),
    "Th": _ms("time_handshake", "for handshakes (Th)"),
    "Ti": _ms("time_idle", "idle before the request (Ti)"),
    "Tl": _date("time of the connection, dd/MMM/yyyy:HH:mm:ss Z", _OFFSET, _IN_CLF),
    "Tq": _ms("time_to_request", "from accept to the whole request (Tq)"),
    "TR": _ms("time_request", "to receive the whole request (TR)"),
    "Tr": _ms("time_response", "until the server's response began (Tr)"),
    "Ts": replace(
        number("timestamp", "time of the connection, seconds since 1970"), pattern="[0-9]{1,12}",
        token=TimeToken("%{sec}"),
    ),
    "Tt": _ms("time_total", "from accept to close (Tt)", "duration"),
    "Tu": _ms("time_user", "from the client's point of view (Tu)"),
    "Tw": _ms("time_queue", "in queues (Tw)"),
    "U": number("bytes_uploaded", "bytes received from the client"),
    "ac": number("actconn", "connections of the process"),
    "b": _name("backend", "name of the backend"),
    "bc": number("beconn", "connections of the backend"),
    "bi": address("backend_source_ip", "the address from which the server was connected"),
    "bp": number("backend_source_port", "the port from which the server was connected", "INTEGER"),
    "bq": number("backend_queue", "requests before this one in the backend's queue"),
    "ci": address("client_ip", "the client's address", "client"),
    "cp": number("client_port", "the client's port", "INTEGER"),
    "f": _name("frontend", "name of the frontend"),
    "fc": number("feconn", "connections of the frontend"),
    "fi": address("frontend_ip", "the address that the client connected to"),
    "fp": number("frontend_port", "the port that the client connected to", "INTEGER"),
    "ft": _name("frontend", "name of the frontend, followed by ~ if over TLS"),
    "hr": Value("captured_request_headers", "VARCHAR", "separated by |", HEADERS),
    "hrl": Value("captured_request_headers", "VARCHAR", "separated by spaces", LIST, never=NOT_IN_HEADERS),
    "hs": Value("captured_response_headers", "VARCHAR", "separated by |", HEADERS),
    "hsl": Value("captured_response_headers", "VARCHAR", "separated by spaces", LIST, never=NOT_IN_HEADERS),
    "lc": number("frontend_log_counter", "the frontend's log lines before"),
    "ms": replace(
        number("milliseconds", "milliseconds of the time of the connection", "INTEGER"), pattern=THREE_DIGITS,
        token=TimeToken("%{msec_frac}"),
    ),
    "pid": number("pid", "HAProxy's process id"),
    "r": Value(
        "request", "VARCHAR", "the request line, <BADREQ> if invalid", REQUEST, never=NOT_IN_URLS, role="request"
    ),
    "rc": number("retries", "connection retries, + if redispatched to another server"),
    "rt": number("request_counter", "the process's requests before"),
    "s": _name("server", "name of the server, <NOSRV> if none"),
    "sc": number("srv_conn", "connections of the server"),
    "si": address("server_ip", "the server's address"),
    "sp": number("server_port", "the server's port", "INTEGER"),
    "sq": number("srv_queue", "requests before this one in the server's queue"),
    "sslc": _word("ssl_ciphers", "the cipher of TLS"),
    "sslv": _word("ssl_version", "the version of TLS"),
    "t": _date("time of the connection, dd/MMM/yyyy:HH:mm:ss.SSS, in the server's zone", _FRACTION, _MS),
    "tr": _date("time of the request, dd/MMM/yyyy:HH:mm:ss.SSS, in the server's zone", _FRACTION, _MS, True),
    "trg": _date("time of the request, dd/MMM/yyyy:HH:mm:ss Z, in UTC", _OFFSET, _IN_CLF, True),
    "trl": _date("time of the request, dd/MMM/yyyy:HH:mm:ss Z", _OFFSET, _IN_CLF, True),
    "ts": Value("termination_state", "VARCHAR", "how the session ended, two letters", OWN, r"[A-Za-z\-]{2}"),
    "tsc": Value("termination_state", "VARCHAR", "how the session ended, four letters", OWN, r"[A-Za-z\-]{4}"),
}  # fmt: skip
_OLD_NAMES = {
    "Bi": "bi", "Bp": "bp", "Ci": "ci", "Cp": "cp", "Fi": "fi", "Fp": "fp", "Si": "si", "Sp": "sp", "cc": "CC",
    "cs": "CS", "st": "ST",
}  # fmt: skip
"""Names of variables until HAProxy 1.5."""
_HEXADECIMAL = frozenset(("Ts", "ms", "bp", "cp", "fp", "sp", "lc", "pid", "rt"))
"""The numbers that the flag X writes in hexadecimal."""


def variable_value(token: Token) -> Value:
    name = _OLD_NAMES.get(token.variable, token.variable)
    value = _VARIABLES.get(name)
    if value is None:
        raise SettingsError(f"format 'haproxy:': %{token.variable} is not one of HAProxy's variables")
    if "X" in token.flags and name in _HEXADECIMAL:
        return Value(value.name, "VARCHAR", f"{value.meaning}, hexadecimal", OWN, "[0-9A-F]{1,16}|-")
    if "X" in token.flags and value.kind == ADDRESS:
        return replace(value, meaning=f"{value.meaning}, hexadecimal", kind=OWN, pattern="[0-9A-F]{8,32}|-|", role="")
    return value
