"""A folder that stands for a bucket, when the disk is full or a process died in it: no litter, nothing in part."""

from __future__ import annotations

import resource
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streamtally.aws.sinks.objects import Folder
from streamtally.errors import SinkError
from streamtally.local.pipeline import Laptop
from streamtally.local.simulator.journal import Journal


@pytest.fixture
def no_room() -> Iterator[None]:
    """No file of this process may grow past 4 kB, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


# An object that does not fit is refused in words, leaves no file behind however often it is tried, and the one that
# was there before stays as it was.
def test_an_object_that_does_not_fit(tmp_path: Path, no_room: None) -> None:
    folder = Folder(tmp_path / "bucket")
    folder.put("2025/one", b"before")
    for _ in range(3):
        with pytest.raises(SinkError, match="one: cannot be written: File too large"):
            folder.put("2025/one", b"x" * 100_000)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["one"]
    assert folder.get("2025/one") == b"before"


# What a process left half written when it died is gone at the next start; whole objects are not touched.
def test_what_was_left_half_written(tmp_path: Path) -> None:
    bucket = tmp_path / "log-bucket" / "2025"
    bucket.mkdir(parents=True)
    (bucket / ".part-x1").write_bytes(b"half of it")
    (bucket / "whole").write_bytes(b"whole")
    Laptop(tmp_path, lambda event: None, {}).close()
    assert [path.name for path in bucket.iterdir()] == ["whole"]


# The journal's disk is full, while it is written or at the commit: that put is refused for what it is, nothing of it is
# kept, and the next one goes on once there is room.
@pytest.mark.parametrize("pages", [0, 3])
def test_the_journal(tmp_path: Path, pages: int) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.append("s", [[b"before"]], 1, {})
    count = journal._database.execute("PRAGMA page_count").fetchone()[0]
    journal._database.execute(f"PRAGMA max_page_count = {count + pages}")
    with pytest.raises(sqlite3.OperationalError, match="database or disk is full"):
        journal.append("s", [[b"x" * 1_000_000]], 1, {})
    journal._database.execute("PRAGMA max_page_count = 100000")
    journal.append("s", [[b"after"]], 1, {})
    batch = journal.make_batch("s", journal.waiting("s"))
    assert [record.data for record in journal.records(batch)] == [b"before", b"after"]
    journal.close()


# A commit that fails leaves no transaction open in which all later ones would fail.
def test_a_failed_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deny = iter([True])

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *given: Any) -> Any:
            if sql == "COMMIT" and armed and next(deny, False):
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(sql, *given)

    armed: list[bool] = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: connect(*given, **more, factory=Connection))
    journal = Journal(tmp_path / "journal.db")
    armed.append(True)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        journal.append("s", [[b"lost"]], 1, {})
    journal.append("s", [[b"kept"]], 1, {})
    assert sum(row.records for row in journal.waiting("s")) == 1
    journal.close()
