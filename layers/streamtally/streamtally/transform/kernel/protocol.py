"""What the kernel (``kernel/src/python/``) offers. Nothing else of it is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

KERNEL_MODULE = "streamtally_kernel"
INTERFACE = 11
"""The number of this interface: a kernel that was built for another one is not used."""

ALWAYS, OR_NULL, OR_ABSENT, WITH, APART = "always", "or_null", "or_absent", "with", "apart"
"""Whether a column may be missing: it is in every line; it and all columns after it may be missing, and it is null, or
not in the row, then; it is not in the row if the one before is missing; it may be missing by itself, and is null then.
"""
DescribedColumn = tuple[str, str, str, bool, str]
"""A column: its name, its shape, the text before it; whether ``-`` is null; whether it may be missing."""
OtherLine = tuple[int, int, int, bytes]
"""A line that Python reads: its index in the batch, its record's, its number in the record, and its bytes without the
line end."""
Pending = (
    tuple[Literal["record"], int]
    | tuple[Literal["parts"], list[int]]
    | tuple[Literal["lines"], list[OtherLine]]
    | tuple[Literal["scanned"], int, int]
)
"""What Python reads: a record as a whole, records whose lines may be parts of longer ones, or lines; or, if the layout
wants it, which records have been scanned: the first one, and the one after the last."""


PartialLayout = tuple[tuple[tuple[str, int, str], ...], tuple[tuple[int, int], ...], tuple[bool, ...]]
"""What a partial consists of: its parts, where a group has its numbers, and which of these may be None."""


class KernelLayout(Protocol):
    """The columns of plain lines, and which records are read."""


class KernelBatch(Protocol):
    """An event that is being read. Every method raises ValueError for an index that does not exist."""

    @property
    def specials(self) -> list[int]:
        """The indices of records that Python decodes and puts in by ``put_special``."""

    @property
    def plain_lines(self) -> int:
        """How many lines are plain."""

    @property
    def empty_lines(self) -> int:
        """How many lines are empty, apart from those that Python reads."""

    @property
    def arrivals(self) -> tuple[int, int] | None:
        """The earliest and the latest arrival, in ms; None if there are no records."""

    def arrival(self, index: int) -> int:
        """A record's arrival, in ms."""

    def payload(self, index: int) -> bytes:
        """What holds a record's lines."""

    def put_special(
        self, index: int, identity: str, arrival: int, data: bytes, payload: bytes | None, is_whole: bool
    ) -> None:
        """Put in a record that Python has decoded.

        Args:
            payload: what holds its lines; None: its data.
            is_whole: whether Python reads it as a whole.
        """

    def size(self) -> tuple[int, int]:
        """The bytes of all payloads, and a bound of their lines: line ends, and one more for each record."""

    def identify(self) -> tuple[str, str] | None:
        """The batch's digest and id; None: the identities are not plain texts, or not distinct."""

    def scan(self) -> list[Pending] | None:
        """Read all plain lines. Returns what Python reads, in order; None: all of it."""

    def put_line(self, line: int, json: str, rows: int) -> None:
        """Put in the JSON of a line that Python has read."""

    def put_refused(self, lines: Sequence[int], after: str) -> None:
        """Put in lines that are refused for the same reason.

        Args:
            lines: their indices.
            after: what follows the text of each in its JSON: the reason, and the line end.
        """

    def put_plain(self, line: int, values: Sequence[str]) -> None:
        """Put in the values of a line that Python's scanner has found to be plain."""

    def put_record(self, index: int, json: str, rows: int) -> None:
        """Put in the JSON of the lines of a record that Python has read."""

    def count(
        self,
        positions: Sequence[int],
        seconds: tuple[int, int] | None = None,
        records: tuple[int, int] | None = None,
    ) -> dict[Any, int]:
        """The distinct combinations of the values at these positions in a plain line → how many lines have them.

        A combination is as ``operator.itemgetter`` gives it: a text for one position, else a tuple. They are in the
        order of the lines.

        Args:
            seconds: where the value at the first position has its seconds, as ``SecondsAt`` describes it. Values that
                differ by them alone are counted together, under the first one of each minute.
            records: the first record whose lines count, and the one after the last; None: all do.
        """

    def write_partials(
        self,
        layout: PartialLayout,
        batch: tuple[str, str, str, str],
        windows: Mapping[int, tuple[str, ...]],
        groups: list[tuple[tuple[Any, ...], list[Any], int]],
    ) -> list[bytes | None]:
        """The documents of an output's groups; None for each that is not plain.

        Args:
            layout: ``Layout`` of ``plan/partial_text.py``.
            batch: its ``BatchTexts``.
            windows: a window's start in ms → its texts; a group of another window is not plain.
            groups: as in ``plan/windowed.py``.
        Raises: ValueError: the kernel does not know a part of the layout.
        """

    def set_arrivals(self, arrivals: Sequence[int]) -> None:
        """Say when each record arrives, in ms since the epoch."""

    def rows(self, positions: Sequence[int]) -> list[tuple[str, ...] | None]:
        """The values of each line at some positions, in a tuple of all columns with empty texts at the others.

        None where a line is not plain. Equal values of lines in a row are one object.
        """

    def plain_rows(self, positions: Sequence[int], first: int, end: int) -> list[tuple[int, int, tuple[str, ...]]]:
        """The plain lines of records: the record's index, the line's number in it, and its values at some positions.

        Args: first, end: the first record, and the one after the last.
        """

    def results(self, limit: int, fixed: tuple[int, int, int]) -> tuple[bytes, int, int, list[int]] | None:
        """What the records of ``read_data`` are answered; None: the answer would be larger than allowed.

        Returns: the JSON of those that are Ok, how many are Ok and how many Dropped, the indices of those that are
            ProcessingFailed.
        """

    def answer(self, limit: int, fixed: tuple[int, int, int]) -> tuple[list[dict[str, Any]], int, int, int] | None:
        """The answer's records, and how many are Ok, Dropped and ProcessingFailed; None: they are larger than allowed.

        Args:
            limit: bytes of JSON.
            fixed: the bytes of a record of each result, without its id and data.
        """


class Kernel(Protocol):
    """The module."""

    def __hash__(self) -> int:
        """Layouts are made once for each kernel."""

    def Layout(  # noqa: N802 - a class
        self,
        columns: Sequence[DescribedColumn],
        end: str,
        has_escapes: bool,
        first_bytes: bytes,
        marks: Sequence[bytes],
        marks_of_parts: Sequence[bytes],
        beginnings: Sequence[bytes],
        chunk_bytes: int,
        empty_lines: int,
        record_bytes: int,
        arrivals: tuple[int, int],
        directive: bytes | None,
        says_scanned: bool,
    ) -> KernelLayout:
        """A layout.

        Args:
            columns: in their order.
            end: the text after the last one.
            has_escapes: whether lines with a backslash in a quoted text are read; it is passed on unmodified.
            first_bytes: a record that begins with one of them is special.
            marks: a record that begins with one of these two bytes is special.
            marks_of_parts: what lines hold that may be parts of longer ones.
            beginnings: what lines begin with that Python has to see among all lines of their record, such as header
                lines, which say what the lines after them hold.
            chunk_bytes: how much text is read at once.
            empty_lines: a batch with more of them in one record is left to Python.
            record_bytes: a longer record is special.
            arrivals: the earliest and the latest arrival that is believed, in ms.
            directive: the ``#Fields`` line after which a record's lines are plain; empty: they are as long as the
                record has none; None: records have none.
            says_scanned: whether ``scan`` says which records have been scanned, after the lines of theirs.
        Raises: ValueError: the kernel does not know a shape.
        """

    def read_data(self, layout: KernelLayout, ids: Sequence[str], data: Sequence[bytes]) -> KernelBatch | None:
        """Take records that are decoded already; None: one of them is special."""

    def read(self, layout: KernelLayout, records: Iterable[Mapping[str, Any]]) -> KernelBatch | None:
        """Decode an event's records; None: one of them has no texts as recordId and data."""
