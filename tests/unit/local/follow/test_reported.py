"""What users of other programs that follow logs report: each line is read once here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from streamtally.local.follow.follower import GRACE_SECONDS
from tests.unit.local.follow.test_follower import Reader, numbered, write


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(b"".join(numbered(0, 10)))
    return path


def rotate(log: Path, generations: int = 3) -> None:
    """Rename a log and the older ones, as logrotate's ``create`` does; the oldest is removed."""
    for number in range(generations, 0, -1):
        older = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))
    log.touch()


# allinurl/goaccess#1974: after some weeks of rotations, each line was counted 26 times.
def test_many_rotations(log: Path) -> None:
    reader = Reader(log)
    reader.poll()
    for day in range(1, 41):
        rotate(log)
        write(log, *numbered(10 * day, 10 * day + 10))
        reader.poll()
        reader.clock.now += GRACE_SECONDS + 1
        reader.poll()
    assert reader.finish() == numbered(0, 410)


# logstash-plugins/logstash-input-file#109, filecoin-saturn/L1-node#317: the new log gets the inode of a removed one.
@pytest.mark.parametrize("is_longer", [False, True])
def test_an_inode_is_used_again(log: Path, is_longer: bool) -> None:
    reader = Reader(log)
    reader.poll()
    log.unlink()
    reader.poll()
    reader.clock.now += 2 * GRACE_SECONDS
    reader.poll()  # it lets go of the file, so that the system may use its inode
    write(log, *numbered(100, 120 if is_longer else 105))
    reader.poll()
    assert reader.finish() == numbered(0, 10) + numbered(100, 120 if is_longer else 105)


# tstack/lnav#668: a log is removed and written anew, with as many bytes as before.
def test_a_new_file_of_the_same_size(log: Path) -> None:
    reader = Reader(log)
    reader.poll()
    size = log.stat().st_size
    log.unlink()
    anew = [b"next %d\n" % number for number in range(10)]
    write(log, *anew)
    assert log.stat().st_size == size
    assert reader.poll() == anew


# flori/file-tail#9: copytruncate of a log that is empty, then lines.
def test_an_empty_log_is_truncated(tmp_path: Path) -> None:
    log = tmp_path / "empty.log"
    log.touch()
    reader = Reader(log)
    reader.poll()
    shutil.copy(log, tmp_path / "empty.log.1")
    os.truncate(log, 0)
    write(log, b"first\n")
    assert reader.poll() == [b"first\n"]
    assert reader.follower.notices == []


# fluent/fluentd#4237: a file is moved away, and moved back with more lines.
def test_moved_and_moved_back(log: Path) -> None:
    reader = Reader(log)
    reader.poll()
    away = log.with_name("other.log")
    log.replace(away)
    reader.poll()
    write(away, *numbered(10, 12))
    away.replace(log)
    reader.poll()
    write(log, *numbered(12, 14))
    assert reader.finish() == numbered(0, 14)


# allinurl/goaccess#1807: a job writes the whole file anew each hour, with what was in it and more.
def test_a_job_writes_the_whole_file_anew(log: Path) -> None:
    reader = Reader(log)
    reader.poll()
    for hour in range(1, 4):
        log.write_bytes(b"".join(numbered(0, 10 + 5 * hour)))
        reader.poll()
    assert reader.finish() == numbered(0, 25)


# allinurl/goaccess#2175: each few minutes another file is appended to the day's log.
def test_files_are_appended(log: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    reader = Reader(log)
    for number in range(1, 5):
        part.write_bytes(b"".join(numbered(10 * number, 10 * number + 10)))
        with log.open("ab") as to, part.open("rb") as read:
            shutil.copyfileobj(read, to)
        reader.poll()
    assert reader.finish() == numbered(0, 50)


# darron/goshe#26 and others: dateext's names, several rotations on one day, with a suffix of the hour.
@pytest.mark.parametrize(
    "name", ["access.log-20250301", "access-20250301.log", "access.log-20250301-14", "access.log.1"]
)
@pytest.mark.parametrize("is_copy", [False, True])
def test_names_of_rotated_logs(log: Path, name: str, is_copy: bool) -> None:
    reader = Reader(log)
    reader.poll()
    write(log, *numbered(10, 15))  # between the last look and the rotation
    if is_copy:
        shutil.copy(log, log.with_name(name))
        os.truncate(log, 0)
    else:
        log.replace(log.with_name(name))
    write(log, *numbered(15, 20))
    reader.poll()
    assert sorted(reader.finish()) == sorted(numbered(0, 20))
    assert reader.follower.notices == []


# tstack/lnav#104: a log is cut to its newest lines in place. These are counted again, and a notice says what happened.
def test_a_log_is_cut_to_its_newest_lines(log: Path) -> None:
    reader = Reader(log)
    reader.poll()
    log.write_bytes(b"".join(numbered(7, 10)))
    assert reader.poll() == []
    assert reader.poll() == numbered(7, 10)
    assert reader.follower.notices[0].endswith("lines that it was left with are counted again")
