"""How much one record and one invocation may hold."""

from __future__ import annotations

MAX_DECOMPRESSED_EVENT_BYTES = 64 * 2**20
"""How large an event may become when its gzip is decompressed. A response holds at most 6 MB, so a larger event could
not be answered."""

MAX_RECORD_LINES, MAX_DECOMPRESSED_EVENT_LINES = 200_000, 1_000_000
"""How many lines one record and one event may hold, without the empty ones. These bytes hold no more lines of a real
log, but could hold millions of lines of one letter, which would take minutes."""

READ_BYTES, READ_LINES = 8 * 2**20, 100_000
"""How much one invocation reads by default: decompressed bytes, and lines."""
