"""The lines of an event that the kernel does not read, and Python does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamtally.formats.base import Scanner
from streamtally.transform.kernel.protocol import KernelBatch, OtherLine
from streamtally.transform.ledger import Ledger
from streamtally.transform.lines import LineReader
from streamtally.transform.payload_lines import to_text
from streamtally.transform.record import Record
from streamtally.transform.refusals import AFTER_TEXT, count_refused


def put_plain(batch: KernelBatch, scanner: Scanner, lines: Sequence[OtherLine]) -> list[OtherLine]:
    """Put in those of these lines that Python's scanner finds plain. Returns: the others."""
    if not lines:
        return []
    matches = scanner.findall("\n".join([to_text(content) for *_, content in lines]))
    others = []
    for line, match in zip(lines, matches, strict=True):
        if match[0]:
            batch.put_plain(line[0], match[:-1])
        else:
            others.append(line)
    return others


class OtherLines:
    """Reads lines, and puts their JSON in.

    Args:
        record_of: a record by its index, as far as its lines need it.
    """

    def __init__(
        self,
        scanner: Scanner,
        batch: KernelBatch,
        reader: LineReader,
        ledger: Ledger,
        record_of: Callable[[int], Record],
    ) -> None:
        self._scanner, self._batch, self._reader = scanner, batch, reader
        self._ledger, self._record_of = ledger, record_of

    def read(self, lines: Sequence[OtherLine], are_scanned: bool = False) -> None:
        """Read lines, in order.

        Args: are_scanned: whether the scanner has said of all of them that they are not plain; else those that are not
            ruled out may be plain for it.
        """
        ruled_out = self._reader.rule_out([to_text(content) for *_, content in lines]) or [False] * len(lines)
        uncertain = [line for line, is_ruled_out in zip(lines, ruled_out, strict=True) if not is_ruled_out]
        unread = {line[0] for line in (uncertain if are_scanned else put_plain(self._batch, self._scanner, uncertain))}
        refused = []
        for line, is_ruled_out in zip(lines, ruled_out, strict=True):
            if is_ruled_out and not self._reader.has_header:
                refused.append(line[0])
            elif is_ruled_out or line[0] in unread:
                self._read(line)
        self._batch.put_refused(refused, AFTER_TEXT)
        count_refused(self._ledger, len(refused))

    def _read(self, line: OtherLine) -> None:
        position, index, number, content = line
        encoded, rows = self._reader.read_line(self._record_of(index), number, to_text(content))
        self._ledger.rows += rows
        self._batch.put_line(position, encoded, rows)
