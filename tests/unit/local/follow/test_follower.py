"""Followed logs, with real files: each line is read once, whatever happens to the files."""

from __future__ import annotations

import gzip
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamtally.errors import SettingsError
from streamtally.local.follow import follower as module
from streamtally.local.follow.follower import GRACE_SECONDS, VANISHED_SECONDS, Follower


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Reader:
    """A follower and the lines that it has read."""

    def __init__(self, *paths: Path, from_end: bool = False) -> None:
        self.clock = Clock()
        self.follower = Follower([str(path) for path in paths], from_end, self.clock)
        self.lines: list[bytes] = []

    def poll(self, seconds: float = 0.2) -> list[bytes]:
        """The lines that one look reads."""
        self.clock.now += seconds
        read = [line for _, lists in self.follower.poll() for lines in lists for line in lines.lines]
        self.lines += read
        return read

    def finish(self) -> list[bytes]:
        """All lines, after the end."""
        self.lines += [line for _, lists in self.follower.finish() for lines in lists for line in lines.lines]
        return self.lines


def write(path: Path, *lines: bytes) -> None:
    with path.open("ab") as file:
        file.write(b"".join(lines))


def numbered(start: int, end: int) -> list[bytes]:
    return [b"line %d\n" % number for number in range(start, end)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(b"".join(numbered(0, 10)))
    return path


def test_lines_as_they_are_written(log: Path) -> None:
    reader = Reader(log)
    assert reader.poll() == numbered(0, 10)
    assert reader.poll() == []
    write(log, b"line 10\nline 1")
    assert reader.poll() == [b"line 10\n"]
    write(log, b"1\r\n", b"no end")
    assert reader.poll() == [b"line 11\r\n"]
    assert reader.finish() == [*numbered(0, 11), b"line 11\r\n", b"no end"]
    assert reader.follower.notices == []


def test_from_the_end(log: Path) -> None:
    write(log, b"begun")
    reader = Reader(log, from_end=True)
    assert reader.poll() == []
    write(log, b" before\n", *numbered(20, 22))
    assert reader.poll() == [b"begun before\n", *numbered(20, 22)]


# The server goes on with the renamed file until it is asked to reopen its log: nginx's USR1, Apache's graceful restart.
def test_rotation_by_rename(log: Path) -> None:
    reader = Reader(log)
    write(log, *numbered(10, 12))  # not read yet
    rotated = log.rename(log.with_name("access.log.1"))
    assert reader.poll() == numbered(0, 12)
    write(rotated, *numbered(12, 13))
    assert reader.poll() == numbered(12, 13)
    write(log, *numbered(14, 15))
    write(rotated, *numbered(13, 14))
    assert reader.poll() == numbered(13, 15)
    write(rotated, *numbered(15, 16))  # a slow worker process
    assert reader.poll(GRACE_SECONDS + 1) == numbered(15, 16)
    write(rotated, *numbered(16, 17))
    write(log, *numbered(17, 18))
    assert reader.poll(10 * GRACE_SECONDS) == numbered(16, 18)
    assert reader.finish() == numbered(0, 18)
    assert reader.follower.notices == []


def test_two_rotations_between_looks_are_read_as_far_as_they_were_seen(log: Path) -> None:
    reader = Reader(log)
    reader.poll()
    log.rename(log.with_name("access.log.2"))
    write(log, b"never seen\n")
    log.rename(log.with_name("access.log.1"))
    write(log, *numbered(10, 12))
    assert reader.poll() == numbered(10, 12)


def test_a_compressed_rotation_lets_go_of_the_file(log: Path) -> None:
    reader = Reader(log)
    reader.poll()
    rotated = log.rename(log.with_name("access.log.1"))
    log.touch()
    write(rotated, *numbered(10, 11))
    rotated.with_suffix(".1.gz").write_bytes(gzip.compress(rotated.read_bytes()))
    rotated.unlink()
    assert reader.poll() == numbered(10, 11)
    assert len(reader.follower.logs) == 2
    reader.poll(GRACE_SECONDS + 1)
    assert [followed.name for followed in reader.follower.logs] == [str(log)]


# What was written between the last look and the truncation is read from the copy.
@pytest.mark.parametrize("copy_name", ["access.log.1", "access-20250301.log", "access.log-20250301"])
def test_copytruncate(log: Path, copy_name: str) -> None:
    reader = Reader(log)
    reader.poll()
    write(log, *numbered(10, 12), b"line 1")
    shutil.copyfile(log, log.with_name(copy_name))
    os.truncate(log, 0)
    write(log, *numbered(13, 14))
    reader.poll()
    reader.poll()
    assert sorted(reader.finish()) == sorted([*numbered(0, 12), b"line 1", *numbered(13, 14)])
    assert reader.follower.notices == []


# logrotate's ``compress`` without ``delaycompress``; one that is not compressed to its end is not read.
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_copy_that_was_compressed_at_once(log: Path, is_whole: bool) -> None:
    reader = Reader(log)
    log.with_name("access.log.2.gz").write_bytes(gzip.compress(b"".join(numbered(50, 90))))
    reader.poll()
    write(log, *numbered(10, 12))
    packed = gzip.compress(log.read_bytes())
    log.with_name("access.log.1.gz").write_bytes(packed if is_whole else packed[:-12])
    os.truncate(log, 0)
    write(log, *numbered(12, 13))
    reader.poll()
    reader.poll()
    read = sorted(reader.finish())
    assert read == sorted(numbered(0, 13) if is_whole else numbered(0, 10) + numbered(12, 13))
    assert reader.follower.notices == ([] if is_whole else [f"{log}: {module.TRUNCATED}"])


# The file may have more bytes than before when it is looked at again.
def test_copytruncate_of_a_log_that_grows_fast(log: Path) -> None:
    reader = Reader(log)
    reader.poll()
    write(log, *numbered(10, 12))
    shutil.copyfile(log, log.with_name("access.log.1"))
    os.truncate(log, 0)
    write(log, *numbered(100, 200))
    reader.poll()
    reader.poll()
    assert sorted(reader.finish()) == sorted([*numbered(0, 12), *numbered(100, 200)])


# logrotate's manual warns of it: a server that does not append goes on at its old offset, behind a hole of zeros.
def test_copytruncate_under_a_writer_with_an_offset(log: Path) -> None:
    with log.open("r+b", buffering=0) as server:
        server.seek(0, os.SEEK_END)
        reader = Reader(log)
        reader.poll()
        shutil.copyfile(log, log.with_name("access.log.1"))
        os.truncate(log, 0)
        server.write(b"line 10\n")
        assert log.read_bytes()[0] == 0
        assert reader.poll() == []
        assert reader.poll() == [b"line 10\n"]
        server.write(b"line 11\n")
        assert reader.poll() == [b"line 11\n"]
    assert reader.finish() == numbered(0, 12)


# A file that was copied before the last look holds nothing more.
def test_a_copy_that_is_behind(log: Path) -> None:
    reader = Reader(log)
    shutil.copyfile(log, log.with_name("access.log.1"))
    write(log, *numbered(10, 12))
    reader.poll()
    os.truncate(log, 0)
    write(log, *numbered(12, 13))
    reader.poll()
    assert reader.finish() == numbered(0, 13)
    assert reader.follower.notices == []


def test_truncation_without_a_copy_is_said(log: Path) -> None:
    log.with_name("access.log.1").write_bytes(b"".join(numbered(50, 90)))  # an older one, of other lines
    reader = Reader(log)
    write(log, b"begun")
    reader.poll()
    log.write_bytes(b"line 10\n")
    reader.poll()
    assert sorted(reader.finish()) == sorted([*numbered(0, 11), b"begun"])
    assert reader.follower.notices == [f"{log}: {module.TRUNCATED}"]


# rsync, editors and ``sed -i`` write another file and put it in the place of the log.
@pytest.mark.parametrize("seconds", [0.2, GRACE_SECONDS + 1])
def test_a_log_that_is_written_anew(log: Path, seconds: float) -> None:
    reader = Reader(log)
    write(log, b"line 1")
    reader.poll()
    anew = log.with_name(".access.log.Xk2")
    anew.write_bytes(log.read_bytes() + b"0\n" + numbered(11, 12)[0])
    if seconds > GRACE_SECONDS:  # and is away for a while
        log.unlink()
        reader.poll(seconds)
        reader.poll(seconds)
    anew.rename(log)
    reader.poll(seconds)
    write(log, *numbered(12, 13))
    reader.poll()
    expected = numbered(0, 13)
    if seconds > GRACE_SECONDS:  # the file was let go, with its line as far as it was written
        expected[10:11] = [b"line 1", b"0\n"]
    assert reader.finish() == expected


def test_a_new_log_that_begins_as_the_rotated_one_did(log: Path) -> None:
    log.write_bytes(b"#Fields: date time\n")
    reader = Reader(log)
    reader.poll()
    rotated = log.rename(log.with_name("access.log.1"))
    write(log, b"#Fields: date time\n", *numbered(1, 2))
    reader.poll()
    write(rotated, *numbered(0, 1))
    reader.poll()
    assert sorted(reader.finish()) == sorted([b"#Fields: date time\n"] * 2 + numbered(0, 2))


# ``current.log`` is a link that moves to each day's file; a copy lies beside the file, not beside the link.
def test_a_link(log: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    link = links / "current.log"
    link.symlink_to(log)
    reader = Reader(link)
    reader.poll()
    write(log, *numbered(10, 12))
    shutil.copyfile(log, log.with_name("access.log.1"))
    os.truncate(log, 0)
    reader.poll()
    reader.poll()
    next_day = log.with_name("access-2.log")
    write(log, *numbered(12, 13))
    write(next_day, *numbered(13, 15))
    link.unlink()
    link.symlink_to(next_day)
    reader.poll()
    assert sorted(reader.finish()) == sorted(numbered(0, 15))
    assert reader.follower.notices == []


def test_a_disk_that_fails_for_a_while(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(log)
    pread = os.pread

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    assert reader.poll() == reader.poll() == []
    monkeypatch.setattr(os, "pread", pread)
    assert reader.poll() == numbered(0, 10)
    assert reader.follower.notices == [f"{log}: cannot be read: Input/output error; trying again"]


def test_a_log_that_vanishes_and_comes_back(log: Path) -> None:
    reader = Reader(log)
    reader.poll()
    write(log, *numbered(10, 11))
    log.unlink()
    assert reader.poll() == numbered(10, 11)
    reader.poll(VANISHED_SECONDS)
    reader.poll(VANISHED_SECONDS)
    write(log, *numbered(11, 12))
    reader.poll()
    assert reader.finish() == numbered(0, 12)
    assert reader.follower.notices == [f"{log}: has vanished; waiting for it", f"{log}: is there now"]


def test_a_log_that_appears_later(tmp_path: Path) -> None:
    log = tmp_path / "later.log"
    reader = Reader(log)
    assert reader.poll() == []
    write(log, *numbered(0, 2))
    assert reader.poll() == numbered(0, 2)
    assert reader.follower.notices == [f"{log}: no such file yet; waiting for it", f"{log}: is there now"]


# access.log* as a shell expands it: a rotated file is followed already under its former name.
def test_names_that_move_to_each_other(log: Path) -> None:
    older = log.with_name("access.log.1")
    older.write_bytes(b"".join(numbered(100, 103)))
    reader = Reader(older, log)
    reader.poll()
    older.rename(log.with_name("access.log.2"))
    log.rename(older)
    write(older, *numbered(10, 12))
    write(log, *numbered(12, 14))
    reader.poll()
    reader.poll(2 * GRACE_SECONDS)
    assert sorted(reader.finish()) == sorted([*numbered(0, 14), *numbered(100, 103)])


def test_a_copy_under_a_followed_name_is_not_counted_again(log: Path) -> None:
    older = log.with_name("access.log.1")
    reader = Reader(log, older)
    reader.poll()
    write(log, *numbered(10, 12))
    shutil.copyfile(log, older)
    reader.poll()
    os.truncate(log, 0)
    write(log, *numbered(12, 13))
    reader.poll()
    assert sorted(reader.finish()) == sorted(numbered(0, 13))
    assert f"{older}: is a copy of {log}, so it is not counted again" in reader.follower.notices


def test_several_logs(log: Path) -> None:
    other = log.with_name("error.log")
    other.write_bytes(b"x\n")
    reader = Reader(log, other)
    assert reader.poll() == [*numbered(0, 10), b"x\n"]


def test_a_long_log_does_not_keep_others_waiting(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT_BYTES", 20)
    other = log.with_name("error.log")
    other.write_bytes(b"x\n")
    reader = Reader(log, other)
    assert reader.poll() == [*numbered(0, 2), b"x\n"]
    assert reader.finish() == [*numbered(0, 2), b"x\n", *numbered(2, 10)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(b"x", mtime=0), "is compressed (gzip), so it does not grow by lines: count it without --follow"),
        ("\ufeffx".encode("utf-16-le"), "is in UTF-16-LE: --follow reads UTF-8; count it without --follow"),
        (b"%PDF-1.7", "is a PDF document, not a log: name a log"),
    ],
)
def test_what_cannot_be_followed(content: bytes, reason: str, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        Follower([str(log)])
    assert str(refused.value) == f"{log}: {reason}"
    log.unlink()
    reader = Reader(log)
    log.write_bytes(content)
    reader.poll()
    assert reader.finish() == []
    assert reader.follower.notices[-1] == f"{log}: {reason}"


def test_names_that_cannot_be_followed(log: Path) -> None:
    with pytest.raises(SettingsError, match="is a folder"):
        Follower([str(log.parent)])
    with pytest.raises(SettingsError, match=r"there is no folder .*/none$"):
        Follower([str(log.parent / "none" / "a.log")])
    with pytest.raises(SettingsError, match="is the same file as"):
        Follower([str(log), str(log.parent / "." / log.name)])
    with pytest.raises(SettingsError, match="the log name is empty"):
        Follower([""])


def test_a_named_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = Reader(pipe)
    assert reader.poll() == []
    for number in range(2):  # one writer after the other
        with pipe.open("wb", buffering=0) as writer:
            writer.write(b"line %d\n" % number)
            reader.poll()
    assert reader.finish() == numbered(0, 2)


def moves(log: Path, chance: random.Random) -> Iterator[str]:
    """What a server and its rotation may do, one step at a time."""
    number = 0
    writer = log.open("ab", buffering=0)
    for step in range(60):
        kind = chance.choice(["write"] * 4 + ["part", "rename", "copytruncate", "reopen"])
        if kind in ("write", "part"):
            lines = numbered(number, number + chance.randrange(1, 20))
            number += len(lines)
            data = b"".join(lines)
            cut = chance.randrange(1, len(data)) if kind == "part" else len(data)
            writer.write(data[:cut])
            yield kind
            writer.write(data[cut:])
        elif kind == "rename" and log.exists():
            log.rename(log.with_name(f"access.log.{step + 1}"))
        elif kind == "copytruncate" and log.exists() and log.stat().st_ino == os.fstat(writer.fileno()).st_ino:
            shutil.copyfile(log, log.with_name(f"access-{step + 1}.log"))
            os.truncate(log, 0)
        else:
            writer.close()
            writer = log.open("ab", buffering=0)
        yield kind
    writer.close()
    yield f"{number}"


# Whatever happens in which order, and however often the files are looked at in between.
@pytest.mark.parametrize("seed", range(30))
def test_each_line_once(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    log = tmp_path / "access.log"
    log.touch()
    reader = Reader(log)
    done = ""
    is_new = True
    for done in moves(log, chance):
        # Only what is looked at can be known again: there is a look after a file begins, and then some are left out.
        if is_new or done in ("rename", "copytruncate", "reopen") or chance.random() < 0.3:
            reader.poll(chance.choice([0.2, 5.0]))
            reader.poll()
        is_new = done in ("rename", "copytruncate", "reopen")
    assert sorted(reader.finish()) == sorted(numbered(0, int(done)))
