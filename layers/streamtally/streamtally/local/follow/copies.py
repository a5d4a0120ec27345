"""The copy that a rotation makes of a log before it truncates it (logrotate's ``copytruncate``)."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from streamtally.errors import StreamtallyError
from streamtally.local.compressed import BLOCK_BYTES, BrokenDataError, find_packing
from streamtally.local.follow.tail import Identity, Seen, identity_of
from streamtally.local.logs import open_log

MAX_LOOKED_AT = 100
"""Files beside the log that are looked at, the newest first."""
PACKED_SECONDS = 3600.0
"""A compressed file is looked at if it was written so recently; older ones are of rotations before."""
_MAGIC_BYTES = 16


def open_copy(log: Path, seen: Seen, known: set[Identity]) -> BinaryIO | None:
    """The copy of what a log was, which may hold lines that were not read before it was truncated.

    It is a file beside the log whose name begins as the log's does (``access.log.1``, ``access-20250301.log``) and
    which has the bytes that were read, at their places.

    Args: known: files that are followed themselves.
    Returns: the open file; it may end before the position that the log was read to. None: there is none.
    """
    for path in _candidates(log, known):
        try:
            handle = _open_plain(path, seen)
        except (OSError, BrokenDataError, StreamtallyError):  # it is gone by now, or not compressed to its end
            continue
        if handle is None:
            continue
        if _is_copy(seen, handle):
            return handle
        handle.close()
    return None


def _open_plain(path: Path, seen: Seen) -> BinaryIO | None:
    """A file; a compressed one (logrotate's ``compress``) as a temporary file, if it begins as the log did."""
    handle = path.open("rb", buffering=0)
    if find_packing(os.pread(handle.fileno(), _MAGIC_BYTES, 0)) is None:
        return handle
    handle.close()
    if time.time() - path.stat().st_mtime > PACKED_SECONDS:
        return None
    with open_log(str(path), is_decoded=False) as packed:
        head = packed.read(len(seen.head))
        if not head or not seen.head.startswith(head):
            return None
        whole = tempfile.TemporaryFile(prefix="streamtally-copy-")  # noqa: SIM115 (its reader closes it)
        whole.write(head)
        shutil.copyfileobj(packed, whole, BLOCK_BYTES)
        whole.flush()
    return whole


def _is_copy(seen: Seen, handle: BinaryIO) -> bool:
    try:
        size = os.fstat(handle.fileno()).st_size
        if size >= seen.position:
            return seen.is_of(handle)
        head = seen.head[:size]
        return bool(head) and os.pread(handle.fileno(), len(head), 0) == head
    except OSError:
        return False


def _candidates(log: Path, known: set[Identity]) -> Iterator[Path]:
    stem = log.name.partition(".")[0] or log.name
    dated = []
    try:
        for path in log.parent.iterdir():
            if path.name.startswith(stem) and path.name != log.name:
                stat = path.stat()
                if S_ISREG(stat.st_mode) and identity_of(stat) not in known:
                    dated.append((stat.st_mtime_ns, path))
    except OSError:
        return
    dated.sort(reverse=True)
    yield from (path for _, path in dated[:MAX_LOOKED_AT])
