"""Any line is read by its own format, or by none: never by a third one, by itself or inside any wrapper."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator

import pytest

from scripts.make_formats_doc import sample_lines
from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import Format, last_format, last_wrappers
from streamtally.formats.beginnings import DETECTED
from streamtally.formats.unwrapping.headers import MESSAGE_FORMATS

ISO = "2025-10-10T13:55:36.123456789Z"
WRAPPERS = {
    "": "",
    "syslog": "Nov 10 12:11:55 web1 app[7]: ",
    "nginx's syslog": "<190>Oct 10 13:55:36 web1 nginx: ",
    "rfc5424": "<190>1 2025-10-10T13:55:36Z web1 app 77 - - ",
    "rsyslog": "2025-10-10T13:55:36.123456+02:00 web1 app: ",
    "cri": f"{ISO} stdout F ",
    "timestamp": f"{ISO} ",
    "kubectl": "[pod/web-1/app] ",
    "compose": "web-1  | ",
    "journal": "Fri 2025-10-10 13:55:36 UTC web1 app[77]: ",
    "cloudwatch": "2025-10-10T13:55:36.123000+00:00 web/app/1 ",
    "docker": "",
}
# Formats that write the same lines: what a line of one means, it means as a line of the other.
_COMBINED_WITH_MORE = frozenset(("apache_combined", "apache_common"))
SAME: dict[str, Iterable[str]] = {
    **dict.fromkeys(("nginx_main", "ingress_nginx", "haproxy_clf", "traefik", "lighttpd"), _COMBINED_WITH_MORE),
    "nginx": {"apache_combined"},
    "api_gateway": {"apache_common"},
    "apache_common": {"api_gateway"},
}
# A line without its last fields is one of the shorter format; HAProxy's without them is a message of its syslog header;
# the rest of a CSV line that ends in base64's "=" is a pair of logfmt.
BROKEN: dict[str, Iterable[str]] = {
    "apache_combined": {"apache_common"},
    "nginx": {"apache_common"},
    **dict.fromkeys(("haproxy", "haproxy_tcp", "haproxy_clf"), frozenset(MESSAGE_FORMATS)),
    "api_gateway_csv": {"logfmt"},
}
# Their lines may begin with anything and hold anything, and auto detects none of them.
ANY_TEXT = {"csv", "tsv", "regex"}


def wrapped(name: str, line: str) -> str:
    """The line inside that wrapper."""
    if name == "docker":
        return json.dumps({"log": line + "\n", "stream": "stdout", "time": ISO}, separators=(",", ":"))
    return WRAPPERS[name] + line


def lines() -> list[tuple[Format, str]]:
    """The examples and samples of every format."""
    return [
        (log_format, line)
        for log_format in REGISTRY.values()
        if log_format.name not in ANY_TEXT
        for line in dict.fromkeys([*(example.line for example in log_format.examples), *sample_lines(log_format.name)])
        if line[:1] != "#"
    ]


def mutations(line: str, rng: random.Random) -> Iterator[str]:
    """The line cut, and with words left out, repeated and moved: of its format, or of none."""
    words = line.split(" ")
    for _ in range(6):
        some = list(words)
        index = rng.randrange(len(some))
        match rng.randrange(4):
            case 0:
                del some[index]
            case 1:
                some.insert(index, some[index])
            case 2:
                some = some[: index + 1]
            case _:
                some[index] = some[index][: rng.randrange(len(some[index]) + 1)]
        yield " ".join(some)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_whole_lines(wrapper: str) -> None:
    parse = compile_auto(FormatOptions())
    wrong = []
    for log_format, line in lines():
        text = wrapped(wrapper, line)
        try:
            parse(text)
        except FormatError:
            continue
        read = last_format(parse)
        assert read is not None
        allowed = {log_format.name, *SAME.get(log_format.name, ())}
        if wrapper and not last_wrappers(parse):  # inside, it is of no known format, and the wrapper's own row holds it
            allowed |= {*MESSAGE_FORMATS, "json"} | ({"haproxy"} & {log_format.name})
        if read.name not in allowed:
            wrong.append((log_format.name, read.name, text))
    assert not wrong


# A broken line is of its format, of none, or a plain message: of no other format with fields of its own.
def test_broken_lines() -> None:
    parse, rng = compile_auto(FormatOptions()), random.Random(17)
    wrong = []
    for log_format, line in lines():
        if log_format.name in MESSAGE_FORMATS or log_format.name in ("json", "ltsv", "logfmt"):
            continue  # what they hold is any text
        for text in mutations(line, rng):
            try:
                parse(text)
            except FormatError:
                continue
            read = last_format(parse)
            assert read is not None
            if read.name not in {log_format.name, *SAME.get(log_format.name, ()), *BROKEN.get(log_format.name, ())}:
                wrong.append((log_format.name, read.name, text))
    assert not wrong


# What a wrapper's row holds where its inside is of no known format, auto detects by itself.
def test_wrappers_are_detected() -> None:
    assert {log_format.name for log_format in DETECTED} >= set(MESSAGE_FORMATS)
