"""The live page and its events, over HTTP: hostile lines stay text, other sites reach nothing, and it follows."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import threading
from collections.abc import Iterator

import pytest

from streamtally.errors import SettingsError
from streamtally.local.live import follow_page
from streamtally.local.live.follow_page import WANTED_SECONDS, FollowPage
from streamtally.local.live.page import SILENCE_SECONDS, events_of, live_page
from streamtally.local.live.status import tap_sections
from streamtally.local.live.tap import MAX_KEPT, MAX_SHOWN, Tap
from streamtally.report.rendering import render_parts
from streamtally.report.view import Paragraph, section

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\x1b[2J"


def get(
    page: FollowPage, path: str, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", int(page.url.rpartition(":")[2].strip("/")), timeout=30)
    connection.request("GET", path, headers={"Accept": "text/html", **(headers or {})})
    response = connection.getresponse()
    return response.status, response.headers, response


@pytest.fixture(scope="module")
def page() -> Iterator[FollowPage]:
    page = FollowPage(f"Streamtally: {HOSTILE}", 0)
    stop = threading.Event()

    def count() -> None:
        while not stop.wait(0.02):
            page.offer(lambda: [section(HOSTILE, Paragraph(HOSTILE))])

    counting = threading.Thread(target=count)
    counting.start()
    yield page
    stop.set()
    counting.join()
    page.close()


def test_the_page_runs_no_script_but_its_own(page: FollowPage) -> None:
    status, headers, response = get(page, "/")
    html = response.read().decode()
    assert status == 200
    assert headers["X-Frame-Options"] == "DENY"
    assert "<img" not in html
    assert "\u202e" not in html
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert "default-src 'none'; style-src 'sha256-" in policy[1]
    assert f"script-src 'sha256-{digest}'; connect-src 'self'" in policy[1]
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in html


def test_events_have_the_body_in_one_line(page: FollowPage) -> None:
    status, headers, response = get(page, "/events")
    assert (status, headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    line = response.readline().decode()
    assert line.startswith("data: ")
    assert "<img" not in json.loads(line[6:])["html"]
    assert response.readline() == b"\n"
    response.close()


# DNS rebinding: the name of a web site that resolves to loopback; and a page of a site that sends requests.
@pytest.mark.parametrize("path", ["/", "/events"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:9240"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_other_sites_reach_nothing(page: FollowPage, path: str, headers: dict[str, str]) -> None:
    status, answered, response = get(page, path, headers)
    body = json.loads(response.read())
    assert (status, body["__type"]) == (403, "AccessDeniedException")
    assert "Access-Control-Allow-Origin" not in answered


def test_it_takes_no_records(page: FollowPage) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(page.url.rpartition(":")[2].strip("/")), timeout=30)
    connection.request("POST", "/", b"{}", {"X-Amz-Target": "Firehose_20150804.PutRecord"})
    assert json.loads(connection.getresponse().read())["__type"] == "UnknownOperationException"
    assert get(page, "/none")[0] == 404


# curl accepts anything, and gets the page that a browser gets.
def test_every_client_gets_the_page(page: FollowPage) -> None:
    status, headers, response = get(page, "/", {"Accept": "*/*"})
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"<html" in response.read()


def test_pages_that_follow_are_limited(page: FollowPage) -> None:
    opened = [get(page, "/events") for _ in range(9)]
    assert opened[-1][0] == 503
    for _, _, response in opened:
        response.close()


def test_a_port_in_use_is_one_line(page: FollowPage) -> None:
    port = int(page.url.rpartition(":")[2].strip("/"))
    with pytest.raises(SettingsError) as refused:
        FollowPage("x", port)
    assert str(refused.value) == f"--page {port}: cannot be bound: Address already in use; give another port"


def test_it_is_made_only_while_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(follow_page, "WAIT_SECONDS", 0.0)
    page = FollowPage("x", 0, lambda: now[0])
    made: list[float] = []

    def show() -> list[Paragraph]:
        made.append(now[0])
        now[0] += 0.5
        return [Paragraph(str(len(made)))]

    try:
        page.offer(show)
        assert made == []
        get(page, "/")
        page.offer(show)
        page.offer(show)  # it took half a second: not again before five
        assert made == [100.0]
        assert b"<p>1</p>" in get(page, "/")[2].read()
        now[0] = 105.6
        get(page, "/")
        page.offer(show)
        assert made == [100.0, 105.6]
        now[0] += 20 + WANTED_SECONDS
        page.offer(show)
        assert len(made) == 2
    finally:
        page.close()


def test_events_only_when_something_changed() -> None:
    bodies = ["a", "a", "b", *["b"] * 30]
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    events = events_of(lambda: bodies.pop(0), pause, lambda: now[0])
    assert next(events) == 'data: {"html": "a"}\n\n'
    assert next(events) == 'data: {"html": "b"}\n\n'
    said = now[0]
    assert next(events) == ":\n\n"
    assert now[0] - said == SILENCE_SECONDS


def test_the_filter_stays_text() -> None:
    html = live_page("x", "", '"><script>alert(1)</script>')
    assert 'value="&#34;&gt;&lt;script&gt;' in html
    assert html.count("<script>") == 1


def test_the_tap() -> None:
    tap = Tap({"documents"})
    tap.take("lines", [b"GET /one\nGET /two\n", b"\xff" + HOSTILE.encode(), b"x" * 1_000_000, b""])
    tap.take("documents", [b'{"status":404}'])
    lines = tap.lines()
    assert [line for _, line in lines[-2:]] == ["GET /two", "GET /one"]
    assert max(len(line) for _, line in lines) == 2_000
    assert tap.lines("get /ONE") == [("lines", "GET /one")]
    assert tap.documents("404") == [("documents", '{"status":404}')]
    assert tap.documents("nothing") == []
    html = render_parts([*tap_sections(tap, HOSTILE), *tap_sections(tap)])
    assert "<img" not in html
    assert "<script" not in html
    tap.take("lines", [b"%d" % number for number in range(3 * MAX_KEPT)])
    assert tap.lines()[0] == ("lines", str(3 * MAX_KEPT - 1))
    assert len(tap.lines()) == MAX_SHOWN
