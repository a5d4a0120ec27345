"""Records whose lines are scanned together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, pairwise

from streamtally.formats.base import Plain
from streamtally.transform.record import Record, as_records

Reading = tuple[int, str, int]
"""A record's position among those to be read, its lines' JSON, and how many of its lines are rows."""


_LINE_END = 0x0A


class Chunk:
    """Records whose lines are scanned together; payloads are without their last line end.

    Args: records: those among which they are.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._among = records
        self.positions: list[int] = []
        self.payloads: list[bytes] = []
        self.matches: list[Plain] = []
        self.has_others = False
        """Whether there are lines that are not plain."""

    @property
    def records(self) -> list[Record]:
        """The records, in order."""
        return [self._among[position] for position in self.positions]

    @cached_property
    def plain(self) -> list[Plain]:
        """The fields of the plain lines alone."""
        return [fields for fields in self.matches if fields[0]] if self.has_others else self.matches

    @cached_property
    def sizes(self) -> list[int]:
        """How many lines each record has."""
        among = as_records(self._among)
        ends, payloads = among.line_ends, among.columns.payloads
        # The last line end is none between lines.
        return [
            ends[position] + (not (payload := payloads[position]) or payload[-1] != _LINE_END)
            for position in self.positions
        ]

    @cached_property
    def ends(self) -> list[int]:
        """The index of the line after each record's last one."""
        return list(accumulate(self.sizes))

    def address(self, index: int) -> tuple[Record, int]:
        """A line's record, and its number in that record."""
        number = bisect_right(self.ends, index)
        return self._among[self.positions[number]], index - self.ends[number] + self.sizes[number]

    @cached_property
    def addresses(self) -> list[tuple[Record, int]]:
        """Each line's record, and its number in that record."""
        sized = zip(self.records, self.sizes, strict=True)
        return [(record, number) for record, size in sized for number in range(size)]

    @cached_property
    def arrivals(self) -> list[int]:
        """Each line's arrival, in ms since the epoch."""
        sized = zip(self.records, self.sizes, strict=True)
        return [record.arrival for record, size in sized for _ in range(size)]

    def split(self, encoded: list[str], not_rows: Sequence[int]) -> list[Reading]:
        """The lines' JSON as one reading per record. Args: not_rows: the indices of lines that are not rows."""
        texts, rows = encoded, self.sizes
        if len(encoded) > len(rows):  # records of several lines
            starts = [0, *self.ends]
            texts = ["".join(encoded[start:end]) for start, end in pairwise(starts)]
        if not_rows:
            rows = list(rows)
            for index in not_rows:
                rows[bisect_right(self.ends, index)] -= 1
        return list(zip(self.positions, texts, rows, strict=True))
