"""The account of a batch: every line in exactly one class, every row in exactly one fate of each output.

``lines = rows + unparsed + empty + failed + reingested``; for each output
``rows = emitted + filtered + eval_failed + out_of_range`` (an output counts emitted and out of range).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class OutputLedger:
    """The fates of rows in one output.

    Attributes:
        emitted, filtered, eval_failed, out_of_range: rows.
        documents: how many documents they became.
        reasons: why rows failed to evaluate → rows.
    """

    emitted: int = 0
    filtered: int = 0
    eval_failed: int = 0
    out_of_range: int = 0
    documents: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: OutputLedger) -> None:
        """Take in another account of the same output."""
        self.emitted += other.emitted
        self.filtered += other.filtered
        self.eval_failed += other.eval_failed
        self.out_of_range += other.out_of_range
        self.documents += other.documents
        self.reasons += other.reasons

    @property
    def rows(self) -> int:
        """All rows that the output was given."""
        return self.emitted + self.filtered + self.eval_failed + self.out_of_range


@dataclass
class Ledger:
    """The classes of lines, and the outputs' accounts.

    Attributes:
        rows: lines that parse; unparsed: lines that do not, also in a record answered ProcessingFailed.
        empty: empty lines; failed: every line of a record refused for another reason.
        reingested: lines of records that went back into the stream.
        records, ok, dropped, processing_failed: records by result.
        reasons: why lines did not parse, and why records failed → lines.
    """

    rows: int = 0
    unparsed: int = 0
    empty: int = 0
    failed: int = 0
    reingested: int = 0
    records: int = 0
    ok: int = 0
    dropped: int = 0
    processing_failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    outputs: dict[str, OutputLedger] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        """All lines of all records."""
        return self.rows + self.unparsed + self.empty + self.failed + self.reingested

    def add(self, other: Ledger) -> None:
        """Take in another batch's account."""
        for name in (
            "rows",
            "unparsed",
            "empty",
            "failed",
            "reingested",
            "records",
            "ok",
            "dropped",
            "processing_failed",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons += other.reasons
        for name, output in other.outputs.items():
            self.outputs.setdefault(name, OutputLedger()).add(output)

    def imbalance(self) -> list[str]:
        """What does not add up, in words; empty when everything does, as it must."""
        wrong = [
            f"output {name}: {output.rows} of {self.rows} rows"
            for name, output in self.outputs.items()
            if output.rows != self.rows
        ]
        answered = self.ok + self.dropped + self.processing_failed
        if answered != self.records:
            wrong.append(f"{answered} of {self.records} records")
        return wrong
