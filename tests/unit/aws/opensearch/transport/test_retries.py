"""What the client does with a server that throttles, hangs, drips, dies and comes back, by a clock of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opensearchpy.exceptions import ConnectionTimeout, TransportError

from streamtally.aws.opensearch.cluster import NO_TIME, Cluster, ClusterError
from streamtally.aws.opensearch.connect import connect
from streamtally.aws.opensearch.transport.connection import AnsweredError, NotSentError
from streamtally.aws.opensearch.transport.retries import (
    LAST_SECONDS,
    PACE_OF_A_COMMAND,
    RESERVE_SECONDS,
    TRIES,
    Limit,
    Pace,
    TriedError,
    is_safe,
    persist,
    read_retry_after,
)

NOW = 1_773_136_800.0  # 2026-03-10T10:00:00Z


@dataclass
class Clock:
    """A clock that only sleeping and the tests move."""

    seconds: float = 0.0
    pauses: list[float] = field(default_factory=list)
    chance: float = 0.5
    at_pause: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
        self.at_pause()

    def pace(self, tries: int = TRIES) -> Pace:
        return Pace(tries, self.sleep, lambda: self.seconds, lambda: NOW + self.seconds, lambda: self.chance)

    def time_left(self, of_seconds: float) -> Callable[[], float]:
        return lambda: of_seconds - self.seconds


class Scripted(ThreadingHTTPServer):
    """Answers requests by a script: a status, (status, headers), (status, headers, body), or "lost", "hang", "drip",
    "short"; 200 and ``{}`` when it is at its end. ``seen``: (method, path, body) of every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.script: list[Any] = []
        self.seen: list[tuple[str, str, bytes]] = []
        self.over = Event()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Scripted
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path, body))
        step = self.server.script.pop(0) if self.server.script else 200
        if step == "lost":
            self.close_connection = True
        elif step == "hang":
            self.server.over.wait(30)
            self.close_connection = True
        elif step in ("drip", "short"):
            self._send(200, {"Content-Length": "1000"}, b"")
            while step == "drip" and not self.server.over.wait(0.05) and self._write(b" "):
                pass
            self.close_connection = True
        else:
            self._send(*(step if isinstance(step, tuple) else (step,)))

    def _send(self, status: int, headers: dict[str, str] | None = None, body: bytes | None = None) -> None:
        body = (
            json.dumps({"error": {"type": "fault", "reason": "no"}} if status >= 400 else {}).encode()
            if body is None
            else body
        )
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self._write(body)

    def _write(self, data: bytes) -> bool:
        try:
            self.wfile.write(data)
        except OSError:
            return False
        return True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Scripted]:
    server = Scripted()
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client(server: Scripted, clock: Clock, **options: Any) -> Cluster:
    return connect(server.url, pace=clock.pace(), **options)


# --- throttled -------------------------------------------------------------------------------------------------------


# Pauses double from half a second, the second half of each by chance, so that clients do not come back in step.
@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize(("chance", "pauses"), [(0.0, [0.25, 0.5, 1.0]), (1.0, [0.5, 1.0, 2.0])])
def test_back_off(server: Scripted, clock: Clock, status: int, chance: float, pauses: list[float]) -> None:
    server.script, clock.chance = [status] * 3, chance
    assert client(server, clock).request("GET", "/") == {}
    assert clock.pauses == pauses


# A refusal that stays is one line with the status, after a bounded number of tries.
def test_throttled_for_good(server: Scripted, clock: Clock) -> None:
    server.script = [429] * 50
    with pytest.raises(ClusterError, match=r"GET /: 429 fault: no.*\(6 tries\)") as error:
        client(server, clock).request("GET", "/")
    assert (error.value.status, len(server.seen)) == (429, 6)


# Other refusals are no reason to try again.
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_refused_once(server: Scripted, clock: Clock, status: int) -> None:
    server.script = [status]
    with pytest.raises(ClusterError):
        client(server, clock).request("GET", "/")
    assert len(server.seen) == 1


# An answer to HEAD says how long the body would be, and has none.
def test_head(server: Scripted, clock: Clock) -> None:
    server.script = [(200, {"Content-Length": "473"}, b"")]
    assert client(server, clock).request("HEAD", "/a") is True
    assert len(server.seen) == 1


# The server says when: by seconds or by a date (RFC 9110), in any of HTTP's three forms of one.
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Tue, 10 Mar 2026 10:00:30 GMT", 30.0),
        ("Tuesday, 10-Mar-26 10:00:30 GMT", 30.0),
        ("Tue Mar 10 10:00:30 2026", 30.0),
        ("Tue, 10 Mar 2026 09:00:00 GMT", 0.0),
        ("", None),
        ("-3", None),
        ("soon", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 400, 999_999_999.0),
        ("Tue, 99 Mar 2026 10:00:30 GMT", None),
        ("Tue, 10 Mar 99999 10:00:30 GMT", None),
    ],
)
def test_retry_after_is_read(text: str, seconds: float | None) -> None:
    assert read_retry_after(text, NOW) == seconds


@given(st.text())
def test_any_retry_after_is_no_traceback(text: str) -> None:
    seconds = read_retry_after(text, NOW)
    assert seconds is None or seconds >= 0


# What it asks for is waited out in full, and no longer than a moment more.
@pytest.mark.parametrize("header", ["20", formatdate(NOW + 20, usegmt=True)])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(server: Scripted, clock: Clock, header: str, status: int) -> None:
    server.script = [(status, {"Retry-After": header})]
    client(server, clock).request("GET", "/")
    assert len(clock.pauses) == 1
    assert 20 <= clock.pauses[0] <= 20.5


# A server that asks for longer than is left of the run is not waited for at all.
def test_retry_after_beyond_the_run(server: Scripted, clock: Clock) -> None:
    server.script = [(503, {"Retry-After": "60"})]
    cluster = client(server, clock)
    with cluster.limited(clock.time_left(50)), pytest.raises(ClusterError, match="503"):
        cluster.request("GET", "/")
    assert clock.pauses == []


# --- twice -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "safe"),
    [
        ("GET", "/_tasks/1", True),
        ("PUT", "/a/_doc/1", True),
        ("DELETE", "/a", True),
        ("POST", "/a-2*/_search", True),
        ("POST", "/a/_count?q=1", True),
        ("POST", "/a/_doc/1", True),
        ("POST", "/a/_doc", False),
        ("POST", "/_rollover", False),
        ("POST", "/alias/_rollover", False),
        ("POST", "/_aliases", False),
        ("POST", "/_reindex", False),
        ("POST", "/a/_forcemerge", False),
        ("POST", "/_search/scroll", False),
    ],
)
def test_what_may_be_done_twice(method: str, path: str, safe: bool) -> None:
    assert is_safe(method, path) is safe


# Where the answer was lost the server may have done it: only what may be done twice is tried again.
@pytest.mark.parametrize("fault", ["lost", "short", 502, 503, 504])
def test_unsafe_requests_are_sent_once(server: Scripted, clock: Clock, fault: Any) -> None:
    server.script = [fault]
    with pytest.raises(ClusterError):
        client(server, clock).request("POST", "/requests/_rollover")
    assert len(server.seen) == 1


# A refusal for load has done nothing.
def test_unsafe_requests_are_sent_again_when_throttled(server: Scripted, clock: Clock) -> None:
    server.script = [429]
    client(server, clock).request("POST", "/requests/_rollover")
    assert len(server.seen) == 2


@pytest.mark.parametrize("fault", ["lost", "short"])
def test_safe_requests_are_sent_again(server: Scripted, clock: Clock, fault: str) -> None:
    server.script = [fault]
    assert client(server, clock).request("POST", "/a/_refresh") == {}
    assert len(server.seen) == 2


# An index that the first try deleted, and nobody heard of it, is deleted: that is no error.
def test_deleted_by_the_try_that_was_lost(server: Scripted, clock: Clock) -> None:
    server.script = ["lost", 404, 404]
    cluster = client(server, clock)
    assert cluster.request("DELETE", "/a") is not None
    with pytest.raises(ClusterError, match="404"):
        cluster.request("DELETE", "/b")


# --- items of a bulk -------------------------------------------------------------------------------------------------


def lines(*actions: dict[str, Any]) -> list[bytes]:
    return [
        json.dumps(part).encode() for action in actions for part in ([action] if "delete" in action else [action, {}])
    ]


def answer(*statuses: int) -> tuple[int, dict[str, str], bytes]:
    items = [
        {"index": {"status": status, **({"error": {"type": "t"}} if status >= 300 else {})}} for status in statuses
    ]
    return 200, {}, json.dumps({"errors": any(status >= 300 for status in statuses), "items": items}).encode()


def ids_of(body: bytes) -> list[str]:
    return [next(iter(part.values()))["_id"] for part in map(json.loads, body.splitlines()) if part]


# Items that are throttled go again, alone, with a pause; what is refused for good keeps its place.
def test_throttled_items(server: Scripted, clock: Clock) -> None:
    server.script = [answer(201, 429, 400, 503, 200), answer(429, 201), answer(409)]
    actions = [{"index": {"_id": "a"}}, {"index": {"_id": "b"}}, {"index": {"_id": "c"}}, {"delete": {"_id": "d"}}]
    failed = client(server, clock).bulk(lines(*actions, {"index": {"_id": "e"}}))
    assert [ids_of(body) for _, _, body in server.seen] == [["a", "b", "c", "d", "e"], ["b", "d"], ["b"]]
    assert [(item.position, item.status) for item in failed] == [(1, 409), (2, 400)]
    assert len(clock.pauses) == 2


# What stays throttled is said with its status, after a bounded number of tries.
def test_items_throttled_for_good(server: Scripted, clock: Clock) -> None:
    server.script = [answer(201, 429)] + [answer(429)] * 20
    failed = client(server, clock).bulk(lines({"index": {"_id": "a"}}, {"index": {"_id": "b"}}))
    assert [(item.position, item.status) for item in failed] == [(1, 429)]
    assert len(server.seen) == TRIES


# An item without an id would be there twice: it goes again only where it has certainly not been written.
def test_items_without_an_id(server: Scripted, clock: Clock) -> None:
    server.script = [answer(503, 429), answer(201), "lost"]
    cluster = client(server, clock)
    failed = cluster.bulk(lines({"index": {}}, {"create": {}}))
    assert [(item.position, item.status) for item in failed] == [(0, 503)]
    with pytest.raises(ClusterError, match="cannot be reached"):
        cluster.bulk(lines({"index": {}}))
    assert len(server.seen) == 3


# Items are not put again once the run is near its end.
def test_items_near_the_end(server: Scripted, clock: Clock) -> None:
    server.script = [answer(429)] * 20
    cluster = client(server, clock)
    with cluster.limited(clock.time_left(RESERVE_SECONDS + 1.5)):
        assert [item.status for item in cluster.bulk(lines({"index": {"_id": "a"}}))] == [429]
    assert clock.seconds <= 1.5


# --- time ------------------------------------------------------------------------------------------------------------


def hang(clock: Clock, taken: list[float]) -> Callable[[float], Any]:
    def send(seconds: float) -> Any:
        taken.append(seconds)
        clock.seconds += seconds
        raise ConnectionTimeout("TIMEOUT", "no answer", None)

    return send


# A server that hangs: a function of 50 s still has its reserve after it, and more than one connection was tried.
@pytest.mark.parametrize("left", [13.5, 15.0, 30.0, 50.0, 300.0, 890.0])
def test_a_hanging_server_leaves_the_reserve(clock: Clock, left: float) -> None:
    taken: list[float] = []
    with pytest.raises(TriedError):
        persist(hang(clock, taken), clock.pace(), Limit(clock.pace(), clock.time_left(left), 120.0), 60.0, True)
    assert left - clock.seconds >= RESERVE_SECONDS - 1e-6
    assert len(taken) >= 2 or left < 25
    assert max(taken) <= 60


# The checkpoint is written out of the reserve, and leaves the run's last seconds.
@pytest.mark.parametrize("left", [12.9, 12.0, 6.0, 2.5])
def test_the_reserve_is_for_the_checkpoint(clock: Clock, left: float) -> None:
    taken: list[float] = []
    with pytest.raises(TriedError):
        persist(hang(clock, taken), clock.pace(), Limit(clock.pace(), clock.time_left(left), 120.0), 60.0, True)
    assert left - clock.seconds >= LAST_SECONDS - 1e-6


# With nothing left, nothing is sent, and the error says so.
def test_no_time_at_all(server: Scripted, clock: Clock) -> None:
    cluster = client(server, clock)
    with cluster.limited(lambda: 1.0), pytest.raises(ClusterError, match="no time left") as error:
        cluster.request("GET", "/")
    assert (error.value.kind, server.seen) == (NO_TIME, [])
    assert cluster.request("GET", "/") == {}, "the limit ends with the run"


# Whatever a server does, in any order: the run's end is kept, and the tries are bounded.
@given(
    st.lists(st.sampled_from(["hang", "429", "503", "refuse", "later", "500"]), max_size=12),
    st.floats(0, 900),
    st.booleans(),
)
def test_the_end_is_kept(faults: list[str], left: float, safe: bool) -> None:
    clock, tries = Clock(), 0

    def send(seconds: float) -> str:
        nonlocal tries
        tries += 1
        fault = faults[tries - 1] if tries <= len(faults) else ""
        clock.seconds += seconds if fault == "hang" else min(seconds, 0.3)
        errors: dict[str, TransportError] = {
            "hang": ConnectionTimeout("TIMEOUT", "", None),
            "429": AnsweredError(429, "", None, ""),
            "503": AnsweredError(503, "", None, ""),
            "later": AnsweredError(429, "", None, "17"),
            "500": AnsweredError(500, "", None, ""),
            "refuse": NotSentError("N/A", "", None),
        }
        if fault:
            raise errors[fault]
        return "done"

    try:
        done = persist(send, clock.pace(), Limit(clock.pace(), clock.time_left(left), 120.0), 60.0, safe)
    except (TriedError, TimeoutError):
        done = ""
    assert left - clock.seconds >= min(left, LAST_SECONDS) - 1e-6
    assert tries <= TRIES
    if done:
        assert "500" not in faults[: tries - 1]
        assert safe or not {"hang", "503"} & set(faults[: tries - 1])


# Over real sockets: a server that never answers, and one that sends a byte now and then, are given up and asked again.
@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_hanging_and_dripping(server: Scripted, clock: Clock, fault: str) -> None:
    server.script = [fault]
    cluster = client(server, clock, timeout_seconds=0.4)
    assert cluster.request("GET", "/") == {}
    assert len(server.seen) == 2

    server.script = [fault] * 20
    with pytest.raises(ClusterError, match=r"cannot be reached: no complete answer in 0\.4 s \(6 tries\)"):
        cluster.request("GET", "/")


# A server that is away is asked again, for anything: it has seen nothing. It comes back at the third pause.
def test_dies_and_comes_back(server: Scripted, clock: Clock) -> None:
    port = server.server_port
    server.shutdown()
    server.server_close()
    back: list[Scripted] = []

    def come_back() -> None:
        if len(clock.pauses) == 3:
            again = Scripted.__new__(Scripted)
            ThreadingHTTPServer.__init__(again, ("127.0.0.1", port), Answers)
            again.script, again.seen, again.over = [], [], Event()
            Thread(target=again.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            back.append(again)

    clock.at_pause = come_back
    try:
        assert client(server, clock).request("POST", "/requests/_rollover") == {}
        assert [seen[1] for seen in back[0].seen] == ["/requests/_rollover"]
    finally:
        for again in back:
            again.shutdown()
            again.server_close()


# Where nothing has ever answered, a command says so after two tries; a server that has answered, if only to refuse, is
# waited for.
@pytest.mark.parametrize(("before", "tries"), [(None, 2), (200, TRIES), (404, TRIES), (503, TRIES)])
def test_a_command_waits_for_what_has_answered(server: Scripted, clock: Clock, before: int | None, tries: int) -> None:
    cluster = connect(server.url, pace=replace(PACE_OF_A_COMMAND, sleep=clock.sleep, clock=lambda: clock.seconds))
    if before:
        closing = {"Connection": "close"}
        server.script = [(before, closing), (200, closing)]
        cluster.request("GET", "/", ignore=(404,))
    server.shutdown()
    server.server_close()
    with pytest.raises(ClusterError, match=rf"cannot be reached: .*refused \({tries} tries\)"):
        cluster.request("GET", "/")


# The same within one request: an answer that asks for patience gets all tries.
def test_a_command_waits_for_a_server_that_starts(server: Scripted, clock: Clock) -> None:
    server.script = [503] * 4
    pace = replace(PACE_OF_A_COMMAND, sleep=clock.sleep, clock=lambda: clock.seconds)
    assert connect(server.url, pace=pace).request("GET", "/") == {}
    assert len(server.seen) == 5


# The functions wait for a cluster they have never reached as long as for any other.
def test_a_function_waits_from_the_first_request(server: Scripted, clock: Clock) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(ClusterError, match=r"refused \(6 tries\)"):
        client(server, clock).request("GET", "/")


# --- unusable answers ------------------------------------------------------------------------------------------------


# A page of a proxy, half an object, an array, nothing: one line, no traceback.
@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content-Type": "text/html"}, b"<html>sign in</html>"),
        (200, {}, b'{"hits": '),
        (200, {"Content-Encoding": "gzip"}, b"not gzip"),
        (400, {}, b"[1, 2]"),
        (400, {}, b'"no"'),
        (400, {}, b"\xff\xfe"),
        (403, {"Content-Type": "text/html"}, b"<html>\n<b>403</b>\n</html>"),
        (500, {}, b""),
    ],
)
def test_answers_that_are_none(
    server: Scripted, clock: Clock, status: int, headers: dict[str, str], body: bytes
) -> None:
    server.script = [(status, headers, body)] * TRIES
    with pytest.raises(ClusterError) as error:
        client(server, clock).request("GET", "/")
    assert "\n" not in str(error.value)


# OpenSearch refuses more buckets than search.max_buckets with 503, alone or as the cause of all shards: asking the same
# again can only fail again.
@pytest.mark.parametrize("position", ["itself", "root_cause", "caused_by"])
def test_too_many_buckets_are_not_asked_for_again(server: Scripted, clock: Clock, position: str) -> None:
    cause = {"type": "too_many_buckets_exception", "reason": "Trying to create too many buckets.", "max_buckets": 10}
    outer = {"type": "search_phase_execution_exception", "reason": "all shards failed"}
    within = {**outer, position: [cause] if position == "root_cause" else cause}
    error = cause if position == "itself" else within
    server.script = [(503, {}, json.dumps({"error": error, "status": 503}).encode())]

    with pytest.raises(ClusterError) as raised:
        client(server, clock).request("POST", "/a/_search", {})

    assert (len(server.seen), clock.pauses) == (1, [])
    assert raised.value.kind == "too_many_buckets_exception"
