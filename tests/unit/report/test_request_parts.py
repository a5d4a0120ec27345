"""The parts of request lines, as RFC 9112 and the logs of servers have them."""

from __future__ import annotations

import pytest

from streamtally.report.request_parts import RequestParts, split_request
from streamtally.report.tops import Tops


@pytest.mark.parametrize(
    "request_line, method, path, protocol",
    [
        ("GET / HTTP/1.1", "GET", "/", "HTTP/1.1"),
        ("GET /a?b=c?d HTTP/2.0", "GET", "/a", "HTTP/2.0"),
        ("GET /a b HTTP/1.1", "GET", "/a b", "HTTP/1.1"),  # a client that does not escape the space
        ("GET /old", "GET", "/old", None),  # HTTP/0.9
        ("M-SEARCH * HTTP/1.1", "M-SEARCH", "*", "HTTP/1.1"),
        ("CONNECT www.example.com:443 HTTP/1.1", "CONNECT", "www.example.com:443", "HTTP/1.1"),
        ("GET https://www.example.com:443/a?b HTTP/1.1", "GET", "/a", "HTTP/1.1"),  # a load balancer's
        ("GET http://www.example.com HTTP/1.1", "GET", "/", "HTTP/1.1"),
        ("get /x HTTP/1.1", "get", "/x", "HTTP/1.1"),  # methods are case-sensitive
        ("/only/path?x", None, "/only/path", None),
        ("- - - ", None, None, None),
        ("- http://www.example.com:80- -", None, None, None),
        ("-", None, None, None),
        ("", None, None, None),
        ("GET", None, None, None),
        ("\\x16\\x03\\x01\\x02\\x00", None, None, None),
        ("SSH-2.0-Go", None, None, None),
        ("hello world", None, None, None),
    ],
)
def test_split_request(request_line: str, method: str | None, path: str | None, protocol: str | None) -> None:
    assert split_request(request_line) == RequestParts(method, path, protocol, split_request(request_line).query)


@pytest.mark.parametrize(
    "request_line, query",
    [
        ("GET /a?b=c?d HTTP/2.0", "b=c?d"),
        ("GET https://www.example.com:443/a?b HTTP/1.1", "b"),
        ("/only/path?x", "x"),
        ("GET /a? HTTP/1.1", None),
        ("GET / HTTP/1.1", None),
        ("hello?world", None),
    ],
)
def test_query(request_line: str, query: str | None) -> None:
    assert split_request(request_line).query == query


# A path counts among those not found by 404 alone, and among server errors from 500 to 599; bytes count as they are.
def test_lists_by_status() -> None:
    tops = Tops()
    for status in (200, 400, 404, 410, 500, 503, 599, 600, None):
        tops.add(f"GET /{status}?q HTTP/1.1", "h", "a", status)
    tops.add("\\x16", "h", "a", 404)
    assert [text for text, _ in tops.not_found.top(9).entries] == ["/404", "\\x16"]
    assert [text for text, _ in tops.client_errors.top(9).entries] == ["/400", "/410"]
    assert [text for text, _ in tops.server_errors.top(9).entries] == ["/500", "/503", "/599"]
    assert tops.methods.top(9).entries == (("GET", 9),)
    assert tops.paths.total == 9


# Static files are apart from pages, by the extension of the path's last segment; so are queries from their paths.
def test_static_files() -> None:
    tops = Tops()
    for path in ("/a.CSS?v=2", "/i/b.png", "/v1.2/users", "/page.html", "/index.php?x=1", "/.png", "/png", "/a.js/"):
        tops.add(f"GET {path} HTTP/1.1", None, None, 200)
    assert {text for text, _ in tops.static_files.top(9).entries} == {"/a.CSS", "/i/b.png", "/.png"}
    pages = {"/v1.2/users", "/page.html", "/index.php", "/png", "/a.js/"}
    assert {text for text, _ in tops.paths.top(9).entries} == pages
    assert tops.queries.top(9).entries == (("v=2", 1), ("x=1", 1))


# Parts of a run add up.
def test_merge() -> None:
    one, two = Tops(), Tops()
    one.add("GET /a HTTP/1.1", None, None, 404)
    two.add("GET /a?x HTTP/1.0", None, None, 404)
    one.merge(two)
    assert one.not_found.top(9).entries == (("/a", 2),)
    assert one.protocols.top(9).entries == (("HTTP/1.0", 1), ("HTTP/1.1", 1))
