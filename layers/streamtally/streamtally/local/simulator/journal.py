"""What the simulator has accepted and not yet delivered, in SQLite: kill -9 loses nothing that was acknowledged.

A write-ahead log that is not flushed to disk at each commit survives the end of the process, but not a power failure.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

from streamtally.errors import SettingsError
from streamtally.local.simulator.parts import ForS3, StoredRecord

LAYOUT = 2
"""The version of the tables; a file with another one is refused."""
PAGE_BYTES = 32_768  # a row holds about 100 kB, which small pages would split into long chains

# Large values are last in their rows and never updated: SQLite would rewrite the whole row.
_SCHEMA = """
    -- Records as they were sent, many in one row.
    CREATE TABLE IF NOT EXISTS chunks (
        id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, arrival_ms INTEGER NOT NULL,
        records INTEGER NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS chunks_of_stream ON chunks (stream, id, arrival_ms, records, size);
    -- A batch is a range of its stream's rows.
    CREATE TABLE IF NOT EXISTS batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
    -- What goes to S3.
    CREATE TABLE IF NOT EXISTS outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, prefix TEXT NOT NULL, since_ms INTEGER NOT NULL,
        records INTEGER NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS outbox_of_stream ON outbox (stream, prefix, id, since_ms, size);
    -- The object written next: its key and its last row are decided once, so that a retry writes the same object.
    CREATE TABLE IF NOT EXISTS objects (
        stream TEXT NOT NULL, prefix TEXT NOT NULL, key TEXT NOT NULL, last INTEGER NOT NULL,
        PRIMARY KEY (stream, prefix));
    CREATE TABLE IF NOT EXISTS counters (
        stream TEXT NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (stream, name));
"""
_NUMBERS = [f"{number:08d}000000" for number in range(1_000)]


class Waiting(NamedTuple):
    """A row of records that are in no batch yet."""

    id: int
    arrival_ms: int
    """In ms since the epoch."""
    records: int
    """How many records."""
    size: int
    """In bytes."""


class Outbox(NamedTuple):
    """What waits for S3 under a prefix."""

    since_ms: int
    """Since when its oldest row waits, in ms since the epoch."""
    size: int
    """In bytes; 0: nothing waits."""


class PendingObject(NamedTuple):
    """An object to be written."""

    key: str
    last: int
    """Its last row in the outbox."""
    records: int
    """How many records."""
    data: bytes


def _keep_private(path: Path | str) -> None:
    """Create the file, or change its mode, so that only its owner can read it: it contains log lines.

    SQLite gives its other files (-wal, -shm) the mode of the database.
    """
    if path != ":memory:":
        with contextlib.suppress(OSError):  # SQLite has the better error message
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            for name in (str(path), f"{path}-wal", f"{path}-shm"):
                with contextlib.suppress(FileNotFoundError):
                    Path(name).chmod(Path(name).stat().st_mode & 0o700)


class Journal:
    """The state of all streams.

    Args: path: the database file; ``:memory:`` keeps nothing.
    Raises: SettingsError: the file is not such a database, or has another layout.
    """

    def __init__(self, path: Path | str) -> None:
        self.lock = threading.RLock()
        _keep_private(path)
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self.origin = self._open()
        except sqlite3.Error as error:
            self._database.close()
            raise SettingsError(f"{path}: cannot be used as the simulator's state: {error}") from None
        except SettingsError as error:
            self._database.close()
            raise SettingsError(f"{path}: {error}") from None

    def _open(self) -> str:
        execute = self._database.execute
        execute(f"PRAGMA page_size = {PAGE_BYTES}")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        execute("PRAGMA secure_delete = OFF")  # some builds overwrite everything that is deleted
        execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        # Derived ids contain record ids, so two journals must not give the same record ids.
        first = {"layout": str(LAYOUT), "origin": str(uuid.uuid4().int)[:20]}
        with self.transaction() as database:
            stored = dict(database.execute("SELECT key, value FROM meta"))
            if not stored:
                database.executemany("INSERT INTO meta VALUES (?, ?)", first.items())
        meta = stored or first
        if meta.get("layout") != str(LAYOUT):
            raise SettingsError("was written by another version of streamtally local: choose another folder")
        self._database.executescript(_SCHEMA)
        return meta["origin"]

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit everything or nothing."""
        with self.lock:
            self._database.execute("BEGIN")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # if the disk is full, SQLite has already ended it
                    self._database.execute("ROLLBACK")
                raise

    # --- incoming records

    def append(self, stream: str, chunks: Iterable[list[bytes]], now_ms: int, counts: Mapping[str, float]) -> list[str]:
        """Store records, each list in one row. Returns: their ids, in order."""
        ids: list[str] = []
        with self.transaction() as database:
            for chunk in chunks:
                cursor = database.execute(
                    "INSERT INTO chunks (stream, arrival_ms, records, size, data) VALUES (?, ?, ?, ?, ?)",
                    (stream, now_ms, len(chunk), sum(map(len, chunk)), _join(chunk)),
                )
                ids += self._record_ids(cursor.lastrowid or 0, len(chunk))
            self.count(stream, counts)
        return ids

    def waiting(self, stream: str) -> list[Waiting]:
        """The rows of a stream that are in no batch, oldest first."""
        sql = """SELECT id, arrival_ms, records, size FROM chunks WHERE stream = ?1
                 AND id > (SELECT coalesce(max(last), 0) FROM batches WHERE stream = ?1) ORDER BY id"""
        with self.lock:
            return [Waiting(*row) for row in self._database.execute(sql, [stream])]

    def make_batch(self, stream: str, rows: Sequence[Waiting]) -> int:
        """Make a batch of rows; its bounds are stored before its first delivery, so a retry has the same records."""
        sql = "INSERT INTO batches (stream, first, last) VALUES (?, ?, ?)"
        with self.transaction() as database:
            return database.execute(sql, (stream, rows[0].id, rows[-1].id)).lastrowid or 0

    def batches(self, stream: str) -> list[int]:
        """The unfinished batches of a stream, oldest first."""
        with self.lock:
            rows = self._database.execute("SELECT id FROM batches WHERE stream = ? ORDER BY id", [stream])
            return [row[0] for row in rows]

    def records(self, batch: int) -> list[StoredRecord]:
        """The records of a batch."""
        sql = """SELECT chunks.id, arrival_ms, records, data FROM batches JOIN chunks
                 ON chunks.stream = batches.stream AND chunks.id BETWEEN first AND last
                 WHERE batches.id = ? ORDER BY chunks.id"""
        with self.lock:
            rows = self._database.execute(sql, [batch]).fetchall()
        return [
            StoredRecord(name, arrival, data)
            for row, arrival, count, chunk in rows
            for name, data in zip(self._record_ids(row, count), _split(chunk, count), strict=True)
        ]

    def finish(
        self, stream: str, batch: int, outbox: Iterable[ForS3], now_ms: int, counts: Mapping[str, float]
    ) -> None:
        """Finish a batch: what goes to S3 replaces its records."""
        with self.transaction() as database:
            database.executemany(
                "INSERT INTO outbox (stream, prefix, since_ms, records, size, data) VALUES (?, ?, ?, ?, ?, ?)",
                [(stream, part.prefix, now_ms, part.records, len(part.data), part.data) for part in outbox],
            )
            bounds = database.execute("SELECT first, last FROM batches WHERE id = ?", [batch]).fetchone()
            database.execute("DELETE FROM chunks WHERE stream = ? AND id BETWEEN ? AND ?", (stream, *bounds))
            database.execute("DELETE FROM batches WHERE id = ?", [batch])
            self.count(stream, counts)

    # --- what goes to S3

    def prefixes(self, stream: str) -> list[str]:
        """The prefixes under which something waits."""
        with self.lock:
            rows = self._database.execute("SELECT DISTINCT prefix FROM outbox WHERE stream = ?", [stream])
            return [row[0] for row in rows]

    def outbox(self, stream: str, prefix: str) -> Outbox:
        """What waits under a prefix."""
        sql = "SELECT coalesce(min(since_ms), 0), coalesce(sum(size), 0) FROM outbox WHERE stream = ? AND prefix = ?"
        with self.lock:
            return Outbox(*self._database.execute(sql, (stream, prefix)).fetchone())

    def next_object(self, stream: str, prefix: str, limit_bytes: int, name: Callable[[int], str]) -> PendingObject:
        """The object that was begun, or a new one from the first rows that fill it.

        Args:
            limit_bytes: when an object is full.
            name: since when its first row waits, in ms since the epoch → the object's key.
        """
        where = "stream = ? AND prefix = ?"
        with self.transaction() as database:
            begun = database.execute(f"SELECT key, last FROM objects WHERE {where}", (stream, prefix)).fetchone()  # noqa: S608
            if begun is None:
                sql = f"SELECT id, since_ms, size FROM outbox WHERE {where} ORDER BY id"  # noqa: S608
                rows = database.execute(sql, (stream, prefix)).fetchall()
                sizes = accumulate(row[2] for row in rows)
                last = next((row[0] for row, size in zip(rows, sizes, strict=True) if size >= limit_bytes), rows[-1][0])
                begun = (name(rows[0][1]), last)
                database.execute("INSERT INTO objects VALUES (?, ?, ?, ?)", (stream, prefix, *begun))
            key, last = begun
            sql = f"SELECT records, data FROM outbox WHERE {where} AND id <= ? ORDER BY id"  # noqa: S608
            parts = database.execute(sql, (stream, prefix, last)).fetchall()
        return PendingObject(key, last, sum(part[0] for part in parts), b"".join([part[1] for part in parts]))

    def finish_object(self, stream: str, prefix: str, pending: PendingObject, counts: Mapping[str, float]) -> None:
        """Delete the rows of an object that has been written."""
        with self.transaction() as database:
            sql = "DELETE FROM outbox WHERE stream = ? AND prefix = ? AND id <= ?"
            database.execute(sql, (stream, prefix, pending.last))
            database.execute("DELETE FROM objects WHERE stream = ? AND prefix = ?", (stream, prefix))
            self.count(stream, counts)

    # --- counters

    def count(self, stream: str, counts: Mapping[str, float]) -> None:
        """Add to counters, in the caller's transaction if there is one."""
        sql = """INSERT INTO counters VALUES (?, ?, ?)
                 ON CONFLICT DO UPDATE SET value = value + excluded.value"""
        with self.lock:
            self._database.executemany(sql, [(stream, name, value) for name, value in counts.items()])

    def counters(self, stream: str) -> dict[str, float]:
        """All counters of a stream since it was created."""
        with self.lock:
            return dict(self._database.execute("SELECT name, value FROM counters WHERE stream = ?", [stream]))

    def _record_ids(self, row: int, count: int) -> list[str]:
        first = f"{self.origin}{row:024d}"
        if count <= len(_NUMBERS):
            return [first + number for number in _NUMBERS[:count]]
        return [f"{first}{number:08d}000000" for number in range(count)]


def _join(chunk: Sequence[bytes]) -> bytes:
    """Join records into one value: their lengths, then their bytes."""
    return struct.pack(f">{len(chunk)}I", *map(len, chunk)) + b"".join(chunk)


def _split(data: bytes, count: int) -> list[bytes]:
    lengths = struct.unpack_from(f">{count}I", data)
    bounds = pairwise(accumulate(lengths, initial=4 * count))
    return [data[start:end] for start, end in bounds]
