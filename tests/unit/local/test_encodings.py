"""Byte order marks, UTF-16 and UTF-32: what Windows' servers and editors write.

Kinds from elastic/beats#1349 (UTF-8 with a mark, "UCS2 LE BOM" of SQL Server), fluent/fluent-bit#3256,
log2timeline/plaso#5029 (IIS), logstash-plugins/logstash-codec-json#1 (JSON), wazuh/wazuh#2584.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from streamtally.local.logs import plain_bytes, plain_stream, read_log
from streamtally.transform.payload_lines import to_text
from tests.unit.cli.operator_runner import run

W3C = "#Fields: date time c-ip sc-status\n2025-04-10 12:40:24 192.0.2.1 200\n2025-04-10 12:40:25 192.0.2.1 404\n"
COMBINED = '192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET /%d HTTP/1.1" 200 5 "-" "curl/8.5.0"\n'
ACCESS = "".join(COMBINED % number for number in range(3))
JSON = '{"status":200,"path":"/é"}\n{"status":404,"path":"/€"}\n'
LTSV = "host:192.0.2.1\tstatus:200\nhost:192.0.2.2\tstatus:301\n"
WRITTEN: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: codecs.BOM_UTF8 + text.encode(),
    "utf-16 le": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "utf-16 be": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "utf-32 le": lambda text: codecs.BOM_UTF32_LE + text.encode("utf-32-le"),
    "utf-32 be": lambda text: codecs.BOM_UTF32_BE + text.encode("utf-32-be"),
    "utf-16 le, CRLF": lambda text: codecs.BOM_UTF16_LE + text.replace("\n", "\r\n").encode("utf-16-le"),
}
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


# The same rows as without a mark: the header of W3C and the first line of JSON are not lost.
@pytest.mark.parametrize(
    "written, packed", [*((written, "plain") for written in WRITTEN), *(("utf-16 le", packed) for packed in PACKED)]
)
@pytest.mark.parametrize(
    "text, name, values",
    [
        (W3C, "sc_status", [200, 404]),
        (ACCESS, "request", ["GET /0 HTTP/1.1", "GET /1 HTTP/1.1", "GET /2 HTTP/1.1"]),
        (JSON, "path", ["/é", "/€"]),
        (LTSV, "host", ["192.0.2.1", "192.0.2.2"]),
    ],
    ids=["w3c", "combined", "json", "ltsv"],
)
def test_rows(text: str, name: str, values: list[object], written: str, packed: str, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(PACKED[packed](WRITTEN[written](text)))
    ran = run("parse", str(log))
    assert (ran.status, ran.error) == (0, "")
    assert [orjson.loads(line)[name] for line in ran.stdout.splitlines()] == values


@pytest.mark.parametrize("written", WRITTEN)
def test_the_other_commands(written: str, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(WRITTEN[written](ACCESS))
    assert "apache_combined (same as nginx's default), 3 of 3 lines" in run("detect", str(log)).stdout
    counted = run("run", str(log), "--out", str(tmp_path / "out"), "--json")
    assert orjson.loads(counted.stdout)["rows"] == 3
    assert plain_bytes(log.read_bytes(), 10_000).replace(b"\r", b"") == ACCESS.encode()


# Where files with a mark were joined, it stands in front of a line. Within a line it is a character like others.
def test_marks_of_joined_files(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes((codecs.BOM_UTF8 + b"a\n") * 2 + b"b" + codecs.BOM_UTF8 + b"\n")
    assert [line.data for line in read_log(str(log))] == [b"a\n", b"a\n", b"b" + codecs.BOM_UTF8 + b"\n"]
    assert to_text(log.read_bytes()) == "a\na\nb\ufeff\n"


# A character that is cut in two, half of a pair: bytes are shown as in a log that is not UTF-8. Nothing is left out.
def test_invalid_text() -> None:
    data = codecs.BOM_UTF16_LE + "a\U0001f600b\n".encode("utf-16-le") + b"\x00\xd8" + "c".encode("utf-16-le") + b"d"
    assert plain_stream(io.BytesIO(data)).read().decode() == "a\U0001f600b\n\\x00\\xd8c\\x64"


# Text that grows as UTF-8 (2 bytes become 3) is read in pieces of the size asked for, none lost at a block's edge.
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_long_text(encoding: str) -> None:
    text = "€1,\U0001f600\n" * 50_000
    stream = plain_stream(io.BytesIO(text.encode(encoding)))
    parts = list(iter(lambda: stream.read(777), b""))
    assert b"".join(parts).decode() == text
    assert max(map(len, parts)) == 777


# The agent sends a file's bytes, so its options see the mark.
def test_the_agent_knows_no_marks(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(codecs.BOM_UTF8 + b"a,b\n")
    options = '[{"optionName":"CSVTOJSON","customFieldNames":["x","y"]}]'
    assert orjson.loads(run("parse", str(log), "--agent-options", options).stdout)["x"] == "\ufeffa"
