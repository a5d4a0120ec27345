"""Several logs that are followed: each line is read once, through rotation, truncation and missing files.

A file is known by its identity, not by its name. So a file that was renamed is read to its end under the old handle,
also where its writer goes on with it for a while, and a name that a followed file moved to is not read again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from errno import EINVAL
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from streamtally.errors import SettingsError
from streamtally.local.follow.copies import open_copy
from streamtally.local.follow.followed import FollowedLog
from streamtally.local.follow.names import FollowedName, identity_of_log, line_start
from streamtally.local.follow.opened import check_followed, open_file, open_pipe, why_not_followed
from streamtally.local.follow.tail import Tail, identity_of
from streamtally.local.line_lists import LineList
from streamtally.local.no_logs import SAMPLE_BYTES

LIMIT_BYTES = 4 * 2**20
"""So much is read of a log at once, so that no log keeps the others waiting."""
GRACE_SECONDS = 60.0
"""A renamed or deleted file is closed when it has not grown for so long: its writer may need a while to reopen."""

VANISHED_SECONDS = 5.0
"""A file that is missing for less was only rotated."""
TRUNCATED = (
    "was truncated; no copy is beside it, so lines written just before that may not be counted, and lines that it was "
    "left with are counted again"
)

Arrived = tuple[FollowedLog, list[LineList]]
"""A log and lines of it."""


class Follower:
    """Reads logs while they are written.

    Args:
        names: files, which need not exist yet, named pipes, ``-`` for standard input.
        from_end: leave out the lines that the files have already.
        clock: a monotonic clock, in s.
    Attributes:
        notices: what a user must know, one line each; the oldest first.
    Raises: SettingsError: a name cannot be followed.
    """

    def __init__(
        self, names: Sequence[str], from_end: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.notices: list[str] = []
        self._clock = clock
        self._logs: list[FollowedLog] = []
        self._names: list[FollowedName] = []
        for name in names:
            check_followed(name)
            pipe = open_pipe(name)
            if pipe is None:
                self._names.append(FollowedName(Path(name), name))
            else:
                shown = "standard input" if name == "-" else name
                self._logs.append(FollowedLog(shown, None, pipe, clock()))
        for known in self._names:
            self._look(known, is_start=True, from_end=from_end)

    @property
    def is_over(self) -> bool:
        """Whether nothing can come any more: all logs are pipes, and they have ended."""
        return not self._names and not self._logs

    @property
    def logs(self) -> list[FollowedLog]:
        """The logs that are read now."""
        return list(self._logs)

    def poll(self) -> list[Arrived]:
        """The lines that were completed since the last time."""
        for known in self._names:
            self._look(known)
        arrived: list[Arrived] = []
        for log in list(self._logs):
            try:
                lists = log.read(LIMIT_BYTES, self._clock())
            except OSError as error:  # of a disk, or of a server of files
                self._notice(f"{log.name}: cannot be read: {error.strerror}; trying again")
                continue
            if lists is None:
                arrived += self._truncated(log)
            elif lists:
                arrived.append((log, lists))
        arrived += self._retired()
        return [(log, lists) for log, lists in arrived if lists]

    def finish(self) -> Iterator[Arrived]:
        """Read what has been written so far, then let go of all files."""
        left = max([log.source.left for log in self._logs if isinstance(log.source, Tail)], default=0)
        for _ in range(left // LIMIT_BYTES + 1):  # not until nothing comes: a writer may be faster
            yield from self.poll()
        for log in self._logs:
            log.source.close()
            if lists := log.last_lines():
                yield log, lists
        self._logs.clear()

    # --- names

    def _look(self, known: FollowedName, is_start: bool = False, from_end: bool = False) -> None:
        """See which file a name stands for now."""
        try:
            status = known.path.stat()
        except OSError as error:
            self._miss(known, error)
            return
        identity = identity_of(status)
        if (identity, status.st_mtime_ns) == known.refused or (known.log and identity_of_log(known.log) == identity):
            return
        same = next((log for log in self._logs if identity_of_log(log) == identity), None)
        if same is not None and is_start:
            raise SettingsError(f"{known.shown}: is the same file as {same.name}: name it once")
        log = same or self._open(known, status, is_start, from_end)
        if log is not None:
            if known.trouble and not is_start:
                self.notices.append(f"{known.shown}: is there now")
            known.replace(log)

    def _miss(self, known: FollowedName, error: OSError) -> None:
        """A name stands for no file, or cannot be looked at."""
        if not isinstance(error, FileNotFoundError):
            self._say(known, f"cannot be read: {error.strerror}; trying again")
            return
        if known.log is not None:
            known.replace(None)
            known.vanished = self._clock()
        if known.vanished is None:
            self._say(known, "no such file yet; waiting for it")
        elif self._clock() - known.vanished >= VANISHED_SECONDS:
            self._say(known, "has vanished; waiting for it")

    def _notice(self, text: str) -> None:
        """Give a notice, unless it was the last one."""
        if self.notices[-1:] != [text]:
            self.notices.append(text)

    def _say(self, known: FollowedName, trouble: str) -> None:
        """Give notice of trouble with a name, once."""
        if known.trouble != trouble:
            self.notices.append(f"{known.shown}: {trouble}")
            known.trouble = trouble

    def _open(self, known: FollowedName, status: os.stat_result, is_start: bool, from_end: bool) -> FollowedLog | None:
        """Open the file that a name stands for now; None: it cannot be followed."""
        try:
            if not S_ISREG(status.st_mode):
                raise OSError(EINVAL, "it is not a regular file any more")
            handle = open_file(known.path)
        except OSError as error:
            self._say(known, f"cannot be read: {error.strerror}; trying again")
            return None
        if reason := "" if is_start else self._why_refused(known, handle):
            handle.close()
            known.replace(None)
            known.refused = identity_of(status), status.st_mtime_ns
            self._say(known, reason)
            return None
        return self._go_on(known, handle) or self._begin(known, handle, line_start(handle) if from_end else 0)

    def _begin(self, known: FollowedName, handle: BinaryIO, position: int) -> FollowedLog:
        """Follow a file from a position."""
        path = known.path.resolve()  # a copy of it lies beside the file, not beside a link to it
        log = FollowedLog(known.shown, path, Tail(handle, position), self._clock())
        self._logs.append(log)
        return log

    def _go_on(self, known: FollowedName, handle: BinaryIO) -> FollowedLog | None:
        """Go on in a file that has replaced a deleted one and begins with all that was read of that; None: it has not.

        So do rsync, editors and ``sed -i`` write a file anew.
        """
        old = known.log or known.former
        if old is None or not isinstance(old.source, Tail) or not old.source.seen.is_of(handle):
            return None
        position = old.source.seen.position
        if old not in self._logs:
            return self._begin(known, handle, position)
        if old.source.links:
            return None  # it was renamed, and may be written to
        old.source.close()
        old.source = Tail(handle, position)
        return old

    def _why_refused(self, known: FollowedName, handle: BinaryIO) -> str:
        """Why a file that appeared is not followed; "" if it is."""
        for log in self._logs:
            path = known.path.resolve()
            is_other = log.path is not None and log.path != path and path.name.startswith(log.path.name)
            if is_other and isinstance(log.source, Tail) and log.source.seen.is_start_of(handle):
                return f"is a copy of {log.name}, so it is not counted again"
        start = os.pread(handle.fileno(), SAMPLE_BYTES, 0)
        return why_not_followed(start) if start else ""

    # --- logs

    def _truncated(self, log: FollowedLog) -> list[Arrived]:
        """A log of which what was read is gone: it goes on in a copy, if that has more; the file begins anew."""
        tail = log.source
        if not isinstance(tail, Tail) or log.path is None:
            raise AssertionError("only a file can be truncated")
        copy = open_copy(log.path, tail.seen, {identity_of_log(other) for other in self._logs})
        begun = FollowedLog(log.name, log.path, tail, self._clock())
        self._logs.insert(self._logs.index(log) + 1, begun)
        for known in self._names:
            if known.log is log:
                known.former, known.log = log, begun
        rest: list[Arrived] = []
        if copy is not None and os.fstat(copy.fileno()).st_size >= tail.seen.position:
            log.source = Tail(copy, tail.seen.position)
            log.grown = self._clock()
        else:
            if copy is None:
                self.notices.append(f"{log.name}: {TRUNCATED}")
            else:
                copy.close()
            self._logs.remove(log)
            rest.append((log, log.last_lines()))
        tail.restart()
        return rest

    def _retired(self) -> list[Arrived]:
        """Close what no longer grows and has no followed name."""
        named = {id(known.log) for known in self._names}
        former = {id(known.former) for known in self._names}
        arrived: list[Arrived] = []
        for log in list(self._logs):
            if isinstance(log.source, Tail):
                is_idle = self._clock() - log.grown > GRACE_SECONDS
                # The latest former file stays open while it has a name: it costs nothing, and its writer may be slow.
                is_done = id(log) not in named and is_idle and not (id(log) in former and log.source.links)
            else:
                is_done = log.source.is_ended
            if is_done:
                self._logs.remove(log)
                log.source.close()
                arrived.append((log, log.last_lines()))
        return arrived
