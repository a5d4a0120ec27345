"""The sites of Referer headers, as RFC 3986 divides their addresses; and bytes by minute and path."""

from __future__ import annotations

import pytest

from streamtally.report.panels import Panels, referring_site


@pytest.mark.parametrize(
    "referer, site",
    [
        ("https://www.example.com/a?b=https://other.example/", "www.example.com"),
        ("http://WWW.Example.COM", "www.example.com"),
        ("https://www.example.com:8443/", "www.example.com"),
        ("https://user:secret@www.example.com/", "www.example.com"),
        ("https://user@www.example.com#x", "www.example.com"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("http://192.0.2.1?x", "192.0.2.1"),
        ("android-app://com.example.reader/", "com.example.reader"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("-", None),
        ("", None),
        ("www.example.com", None),
        ("/local/path", None),
        ("https://", None),
        ("https:///path", None),
        ("javascript:alert(1)", None),
        ("about:blank", None),
    ],
)
def test_referring_site(referer: str, site: str | None) -> None:
    assert referring_site(referer) == site


def test_bytes() -> None:
    panels, more = Panels(), Panels()
    panels.add_bytes([7, 7, 8], ["/a", "/a", None], [100, 20, 3])
    more.add_bytes([8], ["/b"], [4000])
    panels.merge(more)
    fields = panels.report_fields(9)
    assert fields["bytes_by_minute"] == [(420_000, 120), (480_000, 4003)]
    assert fields["path_bytes"].entries == (("/b", 4000), ("/a", 120))
