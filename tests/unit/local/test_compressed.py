"""Compressed logs: what rotation and servers write, and what is broken.

Kinds from fluent/fluentd#3107 and fluent/fluent-bit#8777 (members of one file), the manuals of pbzip2, pixz and pzstd.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tracemalloc
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import orjson
import pytest

from streamtally.errors import RecordError
from streamtally.local import compressed
from streamtally.local.compressed import find_packing
from streamtally.local.logs import is_read_once, plain_bytes, plain_stream, read_log
from tests.unit.cli.operator_runner import run
from tests.unit.events import combined
from tests.unit.local.test_logs import pipe


def zstd(data: bytes) -> bytes:
    """Zstandard data; the test is skipped where the library is not installed."""
    pytest.importorskip("backports.zstd")
    packed: bytes = import_module("backports.zstd").compress(data)
    return packed


LINES = combined() * 3
HALVES = LINES[:100], LINES[100:]
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "Zstandard": zstd,
}


@pytest.mark.parametrize("name", PACK)
def test_one_member_or_several(name: str, tmp_path: Path) -> None:
    pack = PACK[name]
    packing = find_packing(pack(LINES))
    assert packing is not None
    assert packing.name == name
    members = {
        "one": pack(LINES),
        "two": b"".join(map(pack, HALVES)),
        "an empty one first": pack(b"") + pack(LINES),
        "padding": pack(HALVES[0]) + bytes(8) + pack(HALVES[1]) + bytes(512),
        "a byte each": b"".join(pack(bytes([byte])) for byte in LINES[:-1]) + pack(b"\n"),
    }
    for data in members.values():
        assert plain_stream(io.BytesIO(data)).read() == LINES
        assert plain_bytes(data, len(LINES)) == LINES
    log = tmp_path / "a.log"  # the name says nothing
    log.write_bytes(members["two"])
    assert len(run("parse", str(log)).stdout.splitlines()) == 3
    assert "3 of 3 lines" in run("detect", str(log)).stdout
    assert orjson.loads(run("run", str(log), "--out", str(tmp_path / "out"), "--json").stdout)["rows"] == 3


@pytest.mark.parametrize("name", PACK)
def test_a_pipe(name: str) -> None:
    with pipe(PACK[name](combined() * 5_000)) as path:
        assert is_read_once(path)
        assert sum(1 for _ in read_log(path)) == 5_000


# Frames without data: pzstd writes one first.
def test_skippable_frames() -> None:
    frame = struct.pack("<II", 0x184D2A5F, 5) + b"hello"
    assert plain_stream(io.BytesIO(frame + zstd(HALVES[0]) + frame + zstd(HALVES[1]))).read() == LINES


# What was read before the broken place is given, and its last line is said.
@pytest.mark.parametrize("name", PACK)
def test_broken_data(name: str, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    whole = PACK[name](combined() * 2)
    for data, lines in ((whole + PACK[name](LINES)[:-6], 2), (whole + b"and more", 2), (whole[:-20], 0)):
        log.write_bytes(data)
        ran = run("parse", str(log))
        assert ran.status == 2
        assert ran.error.startswith(f"{log}: the {name} data is corrupt or truncated after line ")
        assert int(ran.error.split()[-1]) >= lines
        assert len(ran.stdout.splitlines()) >= lines
        with pytest.raises(RecordError, match=f"the {name} data is corrupt or truncated"):
            plain_bytes(data, 10_000)


# A bit that flipped on a disk: these formats hold checksums (in Zstandard's they are optional).
@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_checksums(name: str) -> None:
    data = bytearray(PACK[name](LINES))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(RecordError, match="corrupt or truncated"):
        plain_bytes(bytes(data), 10_000)


# 64 MiB from a few kilobytes, as one line and as empty lines: memory stays that of a line.
@pytest.mark.parametrize("name", PACK)
def test_data_that_grows(name: str, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    part = PACK[name](b"a" * 2**20)
    log.write_bytes(PACK[name](b"x" * 99 + b"\n") + part * 64)
    tracemalloc.start()
    try:
        sizes = [line.size_bytes for line in read_log(str(log))]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sizes == [100, 2**26]
    assert peak < 24 * 2**20
    with pytest.raises(RecordError, match="grows too large"):
        plain_bytes(log.read_bytes(), 2**20)


# An archive may ask for as much memory as its author likes.
def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compressed, "MAX_MEMORY_BYTES", 2**20)
    log = tmp_path / "a.log"
    log.write_bytes(lzma.compress(LINES, preset=9))
    ran = run("parse", str(log))
    assert ran.status == 2
    assert ran.error.startswith(f"{log}: the xz data needs too much memory: decompress it with its own program")


def test_compressed_twice(tmp_path: Path) -> None:
    log = tmp_path / "a.log.gz"
    log.write_bytes(gzip.compress(bz2.compress(LINES)))
    ran = run("detect", str(log))
    assert (ran.status, ran.error) == (2, f"{log}: is compressed twice (gzip, then bzip2): decompress it once")


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(compressed, "import_module", missing)
    log = tmp_path / "a.log.zst"
    log.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
    ran = run("parse", str(log))
    assert ran.status == 2
    assert "Zstandard data needs the package" in ran.error
    assert "\n" not in ran.error


# The bar of a file moves by what was read of it, whatever that decompresses to.
@pytest.mark.parametrize("name", PACK)
def test_progress(name: str, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    data = PACK[name](b"".join(combined(path=f"/{number}") for number in range(20_000)))
    log.write_bytes(data)
    sizes: list[int] = []
    assert sum(1 for _ in read_log(str(log), sizes.append)) == 20_000
    assert sum(sizes) == len(data)


# A text that only begins like bzip2's name is a text.
def test_text_is_not_compressed(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"BZh9 is how bzip2 data begins\n")
    assert [line.data for line in read_log(str(log))] == [b"BZh9 is how bzip2 data begins\n"]
