"""What is no log is named in one line, exit status 2; a log with bad bytes is a log."""

from __future__ import annotations

import gzip
import io
import random
import sqlite3
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from streamtally.errors import RecordError
from streamtally.local.logs import check_logs, plain_bytes
from streamtally.local.no_logs import why_no_log
from tests.unit.cli.operator_runner import run
from tests.unit.events import combined


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("access.log", combined())


def _tar(mode: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
            entry = tarfile.TarInfo("access.log")
            entry.size = len(combined())
            archive.addfile(entry, io.BytesIO(combined()))

    return write


def _sqlite(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (a)")


def _bytes(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


RANDOM = random.Random(3).randbytes(9_000)
FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "zip": (_zip, "is a zip archive, not a log: unpack it"),
    "tar": (_tar("w"), "is a tar archive, not a log: unpack it"),
    "tar.gz": (_tar("w:gz"), "holds gzip data of what is a tar archive"),
    "tar.xz": (_tar("w:xz"), "holds xz data of what is a tar archive"),
    "7z": (_bytes(b"7z\xbc\xaf\x27\x1c\x00\x04"), "is a 7-Zip archive"),
    "pdf": (_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), "is a PDF document"),
    "program": (lambda path: _bytes(Path(sys.executable).read_bytes()[:9_000])(path), "is a program"),
    "sqlite": (_sqlite, "is an SQLite database"),
    "duckdb": (lambda path: duckdb.connect(str(path)).close(), "is a DuckDB database"),
    "png": (_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "is a PNG image"),
    "jpeg": (_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"), "is a JPEG image"),
    "gif": (_bytes(b"GIF89a\x01\x00\x01\x00"), "is a GIF image"),
    "journal": (_bytes(b"LPKSHHRH" + bytes(200)), "is a journal of systemd, not a log: export it with journalctl"),
    "evtx": (_bytes(b"ElfFile\0" + bytes(200)), "is an event log of Windows"),
    "parquet": (_bytes(b"PAR1\x15\x04\x15"), "is a Parquet file"),
    "pcap": (_bytes(b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00"), "is captured packets"),
    "compress": (_bytes(b"\x1f\x9d\x90abc"), "is compress (.Z) data, not a log: decompress it with uncompress"),
    "lz4": (_bytes(b"\x04\x22\x4d\x18\x64\x40\xa7"), "is LZ4 data"),
    "random": (_bytes(RANDOM), "is binary data"),
    "random in gzip": (_bytes(gzip.compress(RANDOM)), "holds gzip data of what is binary data"),
    "utf-16 without a mark": (_bytes((combined() * 2).decode().encode("utf-16-le")), "iconv -f UTF-16LE -t UTF-8"),
    "utf-16 be without a mark": (_bytes((combined() * 2).decode().encode("utf-16-be")), "iconv -f UTF-16BE -t UTF-8"),
    "nothing": (_bytes(b""), "is empty: there is no line in it"),
    "a folder": (Path.mkdir, "is a folder; name the log files in it"),
}


@pytest.mark.parametrize("command", [["parse"], ["detect"], ["run", "--json"]], ids=lambda command: command[0])
@pytest.mark.parametrize("kind", FILES)
def test_one_line_names_it(kind: str, command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    write, said = FILES[kind]
    write(path)
    out = ["--out", str(tmp_path / "out")] if command[0] == "run" else []
    ran = run(*command, str(path), *out)
    assert (ran.status, ran.stdout) == (2, "")
    assert ran.error.startswith(f"{path}: ")
    assert said in ran.error
    assert "\n" not in ran.error
    assert not {"\x00", "\x1b"} & set(ran.error)


# Objects of a bucket are listed as not read; the others are.
def test_objects() -> None:
    with pytest.raises(RecordError, match="is a PDF document"):
        plain_bytes(b"%PDF-1.7\n", 10_000)
    assert plain_bytes(b"", 10_000) == b""


# An empty log beside others (just rotated) keeps nobody from reading these.
def test_an_empty_log_beside_others(tmp_path: Path) -> None:
    empty, full = tmp_path / "access.log", tmp_path / "access.log.1"
    empty.touch()
    full.write_bytes(combined())
    check_logs([str(empty), str(full)])


# Attacks in a log, another charset, escape sequences, zeros of a truncated file, short input: it stays a log.
@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 30 + b"\n" + combined(),
        bytes(2_000) + combined(),
        bytes(9_000),
        "Größe - ü\n".encode("latin-1") * 50,
        b"\x1b[31mred\x1b[0m text of a log\n" * 50,
        b"\x01\x02\x03\n",
        "日本語のログ\n".encode("shift-jis") * 50,
        b"PK is not an archive\n",
        b"",
    ],
)
def test_logs(data: bytes) -> None:
    assert why_no_log(data[:8192]) == ""
