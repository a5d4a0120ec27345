"""How much one record and one invocation may hold."""

from __future__ import annotations

MAX_DECOMPRESSED_EVENT_BYTES = 64 * 2**20
"""Bounds of what gzip may grow to. An answer holds at most 6 MB, so more could not be answered anyway."""


MAX_RECORD_LINES, MAX_DECOMPRESSED_EVENT_LINES = 200_000, 1_000_000
"""… and of how many lines it may hold, empty ones not counted: those bytes hold no more lines of a log, but millions of
one letter, which would take minutes."""


READ_BYTES, READ_LINES = 8 * 2**20, 100_000
