"""What ``auto`` rules out by one look at a line is what it refuses after it has tried all formats."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from streamtally.errors import FormatError
from streamtally.formats import FormatOptions
from streamtally.formats.auto import OF_NO_FORMAT, compile_auto
from streamtally.formats.beginnings import DETECTED, are_of_no_format, is_of_no_format
from streamtally.formats.detect import detect
from tests.examples import examples
from tests.unit.formats.engine.test_fast_ways import lines_of

# Lines of programs, as their own documentation shows them: Java, Rails, PHP, PostgreSQL, Redis, make, pip, dmesg …
OF_PROGRAMS = (
    "Exception in thread \"main\" java.lang.NullPointerException: Cannot invoke \"String.length()\"",
    "\tat com.example.Shop.pay(Shop.java:42)",
    "Caused by: java.io.IOException: Connection reset by peer",
    "Traceback (most recent call last):",
    '  File "/app/shop.py", line 3, in <module>',
    "Started GET \"/carts\" for 192.0.2.7 at 2025-11-22 21:21:41 +0000",
    "INFO [main] org.example.Server - listening on port 8080",
    "I, [2025-11-22T21:21:41.000000 #42]  INFO -- : ready",
    "PHP Warning:  Undefined variable $x in /srv/a.php on line 3",
    "STATEMENT:  SELECT 1",
    "42:M 22 Nov 2025 21:21:41.000 * Ready to accept connections",
    "make: *** [Makefile:3: all] Error 2",
    "worker 7 has taken a job from the queue of the shop",
    "at org.example.Filter.doFilter(Filter.java:90) ~[shop.jar:1.2]",
    "--- a/file", "", " ", "x", "é", "\u2028", "\x00", "-", "[", "}", "]",
)  # fmt: skip
# Near to what is a line of a format, or holds one: each is tried.
NEAR = (
    "shop-1  | GET / 200", "web_1 | x", "a=1 b", "Nov 22 21:21:41 host app: x", "{", " {", "a:b\tc:d",
    "version account-id interface-id srcaddr",
    "action bytes", "https 2025-", "ACCESS [2025-11-22T21:21:41.000Z] \"",
    'h - - [10/Oct/2025:13:55:36 -0700] "GET /" 200 5', "h - - [10/Oct/2025:13:55:36", "#Fields: date",
    "Mon 2025-11-22",
    "\x1b[36mweb-1  |\x1b[0m x", "1763846501.123456 host app[1]: x", "[pod/a/b] x", "[    1.000000] host a: x",
)  # fmt: skip


def refusal(parse: Any, line: str) -> tuple[str, int | None] | None:
    """Why a line is refused; None: it is not."""
    try:
        parse(line)
    except FormatError as error:
        return error.reason, error.position
    return None


def made_lines() -> Iterator[str]:
    """Lines of all formats, of programs, and their beginnings and ends exchanged."""
    known = [line for log_format in DETECTED for line in lines_of(log_format.name)]
    lines = [*known, *OF_PROGRAMS, *NEAR]
    yield from lines
    rng = random.Random(7)
    for _ in range(examples(4_000)):
        first, second = rng.choice(lines), rng.choice(lines)
        start, end = rng.randrange(len(first) + 1), rng.randrange(len(second) + 1)
        yield first[:start] + second[end:]
        yield first.replace(rng.choice("\t =[|:"), rng.choice(("", " ", "x")), rng.choice((1, -1)))


def test_what_is_ruled_out_is_refused() -> None:
    ruled_out = 0
    whole = compile_auto(FormatOptions())
    for line in made_lines():
        if is_of_no_format(line):
            ruled_out += 1
            whole._has_refused = False  # type: ignore[attr-defined]
            assert refusal(whole.for_record(), line) == (OF_NO_FORMAT, None), line  # type: ignore[attr-defined]
    assert ruled_out > 100


def test_many_lines_are_looked_at_as_one_by_one() -> None:
    lines = [*made_lines(), ""]
    assert are_of_no_format(lines) == [is_of_no_format(line) and line != "" and "{" not in line for line in lines]


def test_many_lines_are_ruled_out_after_some_were() -> None:
    """A line of a known format among them does not end that, and nothing is looked at before one was refused."""
    parse: Any = compile_auto(FormatOptions())
    lines = ["GET /a", "level=info", "GET /b"]
    assert parse.rule_out(lines) == []
    assert refusal(parse, "GET /a") == (OF_NO_FORMAT, None)
    assert parse.rule_out(lines) == [True, False, True]
    parse("level=info a=b")
    assert parse.rule_out(lines) == [True, False, True]
    assert parse.rule_out(["level=info"]) == []
    assert parse.rule_out(lines) == []
    refusal(parse, "GET /a")
    refusal(parse, "#Fields: cs-method cs-uri-stem")
    assert parse.has_header
    assert parse.rule_out(lines) == []


@pytest.mark.parametrize("line", OF_PROGRAMS)
def test_lines_of_programs(line: str) -> None:
    assert refusal(compile_auto(FormatOptions()), line) is not None
    assert is_of_no_format(line) == (line != "["), line


@pytest.mark.parametrize("line", NEAR)
def test_near_lines_are_tried(line: str) -> None:
    assert not is_of_no_format(line)


def test_a_header_applies_to_lines_of_no_format() -> None:
    """Lines as a header declares them may begin with anything."""
    parse: Any = compile_auto(FormatOptions())
    line = "GET /a 200 2025-11-22 21:21:41"
    assert refusal(parse, line) == (OF_NO_FORMAT, None)
    assert parse.rules_out(line)
    refusal(parse, "#Fields: cs-method cs-uri-stem sc-status date time")
    assert parse(line)["cs_uri_stem"] == "/a"
    assert refusal(parse, "GET /a") == (OF_NO_FORMAT, None)
    assert not parse.rules_out("GET /a")
    assert parse(line)["cs_uri_stem"] == "/a"
    assert refusal(parse.for_record(), line) == (OF_NO_FORMAT, None)


def test_lines_of_known_formats_are_not_looked_at() -> None:
    parse: Any = compile_auto(FormatOptions())
    parse(next(line for line in NEAR if line.startswith("Nov")))
    assert not parse.rules_out("GET /a")
    assert refusal(parse, "GET /a") is not None
    assert parse.rules_out("GET /a")


# An equals sign in a table's cell, a URL or a call does not make a line logfmt; keys with dots, slashes and @ do.
@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("MISS|200|1742075824321|128|192.0.2.4|https://www.example.org/path?query=string|DE|curl/8", None),  # Bunny CDN
        ("https://www.example.org/path?query=string", None),
        ("connect(host=db) failed", None),
        ("<request id=1>", None),
        ("level=info msg=started", "logfmt"),
        (" @level=info service.name=web", "logfmt"),
        ("k8s.io/pod-name=web-1 1=2", "logfmt"),
        ("schlüssel=wert", "logfmt"),
    ],
)
def test_the_first_key_of_logfmt(line: str, name: str | None) -> None:
    best = detect([line]).best
    assert (None if best is None else best.format.name) == name
    parse = compile_auto(FormatOptions())
    if name is None:
        with pytest.raises(FormatError):
            parse(line)
    else:
        assert parse(line)
