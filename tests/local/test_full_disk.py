"""A folder that stands for a bucket, when the disk is full or a process died in it: no litter, nothing in part."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamtally.aws.objects import Folder
from streamtally.errors import SinkError
from streamtally.local.laptop import Laptop


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
