"""What the simulator has taken and not yet delivered, in SQLite: nothing acknowledged is lost by kill -9.

A write ahead log without a flush of the disk at each commit outlives the process, not a loss of power.
"""

from __future__ import annotations

import sqlite3
import struct
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    -- Records as they were put, many in one row; batch says which batch has taken them.
    CREATE TABLE IF NOT EXISTS chunks (
        id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, arrival_ms INTEGER NOT NULL,
        records INTEGER NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL, batch INTEGER);
    CREATE INDEX IF NOT EXISTS waiting ON chunks (stream, batch, id);
    CREATE TABLE IF NOT EXISTS batches (id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL);
    -- What goes to S3; object is the key once it was decided, so that a second try writes the same object.
    CREATE TABLE IF NOT EXISTS outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, prefix TEXT NOT NULL, since_ms INTEGER NOT NULL,
        records INTEGER NOT NULL, data BLOB NOT NULL, object TEXT);
    CREATE TABLE IF NOT EXISTS counters (
        stream TEXT NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (stream, name));
"""
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record: its id, when it arrived (ms since the epoch), its bytes."""

    id: str
    arrival_ms: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of a stream is in no batch yet: row, arrival, records, bytes."""

    id: int
    arrival_ms: int
    records: int
    size: int


class Journal:
    """The state of all streams. Args: path: the database file; ``:memory:`` keeps nothing."""

    def __init__(self, path: Path | str) -> None:
        self.lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)
        self._database.execute("INSERT OR IGNORE INTO meta VALUES ('origin', ?)", [str(uuid.uuid4().int)[:20]])
        # Record ids go into derived ids, so two journals must not give the same ones.
        self.origin = str(self._database.execute("SELECT value FROM meta WHERE key = 'origin'").fetchone()[0])

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing."""
        with self.lock:
            self._database.execute("BEGIN")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def append(self, stream: str, chunks: Iterable[list[bytes]], now_ms: int, counts: Mapping[str, float]) -> list[str]:
        """Keep records, each list in one row. Returns: their ids, in order."""
        ids = []
        with self.transaction() as database:
            for chunk in chunks:
                data = b"".join([_LENGTH.pack(len(record)) + record for record in chunk])
                size = sum(map(len, chunk))
                cursor = database.execute(
                    "INSERT INTO chunks (stream, arrival_ms, records, size, data) VALUES (?, ?, ?, ?, ?)",
                    (stream, now_ms, len(chunk), size, data),
                )
                ids += [self._record_id(cursor.lastrowid or 0, number) for number in range(len(chunk))]
            self.count(stream, counts)
        return ids

    def waiting(self, stream: str) -> list[Waiting]:
        """The rows of a stream that are in no batch, oldest first."""
        sql = "SELECT id, arrival_ms, records, size FROM chunks WHERE stream = ? AND batch IS NULL ORDER BY id"
        with self.lock:
            return [Waiting(*row) for row in self._database.execute(sql, [stream])]

    def make_batch(self, stream: str, rows: Iterable[Waiting]) -> int:
        """A batch of rows; its bounds are kept before it is first delivered, so a retry has the same records."""
        with self.transaction() as database:
            batch = database.execute("INSERT INTO batches (stream) VALUES (?)", [stream]).lastrowid or 0
            database.executemany("UPDATE chunks SET batch = ? WHERE id = ?", [(batch, row.id) for row in rows])
        return batch

    def batches(self, stream: str) -> list[int]:
        """The batches of a stream that are not done, oldest first."""
        with self.lock:
            rows = self._database.execute("SELECT id FROM batches WHERE stream = ? ORDER BY id", [stream])
            return [row[0] for row in rows]

    def records(self, batch: int) -> list[StoredRecord]:
        """The records of a batch."""
        with self.lock:
            sql = "SELECT id, arrival_ms, data FROM chunks WHERE batch = ? ORDER BY id"
            rows = self._database.execute(sql, [batch]).fetchall()
        return [
            StoredRecord(self._record_id(row, number), arrival, data)
            for row, arrival, chunk in rows
            for number, data in enumerate(_split(chunk))
        ]

    def finish(
        self,
        stream: str,
        batch: int,
        outbox: Iterable[tuple[str, int, bytes]],
        now_ms: int,
        counts: Mapping[str, float],
    ) -> None:
        """A batch is done: what goes to S3 (prefix, records, bytes) takes the place of its records."""
        with self.transaction() as database:
            database.executemany(
                "INSERT INTO outbox (stream, prefix, since_ms, records, data) VALUES (?, ?, ?, ?, ?)",
                [(stream, prefix, now_ms, records, data) for prefix, records, data in outbox],
            )
            database.execute("DELETE FROM chunks WHERE batch = ?", [batch])
            database.execute("DELETE FROM batches WHERE id = ?", [batch])
            self.count(stream, counts)

    def count(self, stream: str, counts: Mapping[str, float]) -> None:
        """Add to counters, within the caller's transaction or alone."""
        sql = """INSERT INTO counters VALUES (?, ?, ?)
                 ON CONFLICT DO UPDATE SET value = value + excluded.value"""
        with self.lock:
            self._database.executemany(sql, [(stream, name, value) for name, value in counts.items()])

    def counters(self, stream: str) -> dict[str, float]:
        """All counters of a stream since its beginning."""
        with self.lock:
            return dict(self._database.execute("SELECT name, value FROM counters WHERE stream = ?", [stream]))

    def _record_id(self, row: int, number: int) -> str:
        return f"{self.origin}{row:024d}{number:08d}000000"


def _split(chunk: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(chunk):
        (length,) = _LENGTH.unpack_from(chunk, position)
        position += 4
        yield chunk[position : position + length]
        position += length
