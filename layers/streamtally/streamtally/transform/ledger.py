"""The ledger of a batch: every line is in exactly one class, and every row has exactly one fate in each output.

``lines = rows + unparsed + empty + failed + reingested``; for each output
``rows = emitted + filtered + eval_failed + out_of_range`` (an output counts emitted and out of range).
Where several pumps add each row to an output, a row has one fate by each of them; one that a join with a reference
table turns into several has a fate for each of these, and ``joined`` counts those beyond the first.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

KERNEL, PYTHON = "kernel", "python"
"""Which way an event goes where a kernel is loaded (``transform/kernel``)."""
LINE_CLASSES = ("rows", "unparsed", "empty", "failed", "reingested")
"""What becomes of a line."""
RECORD_RESULTS = ("ok", "dropped", "processing_failed")
"""What a record is answered."""
ROW_FATES = ("emitted", "filtered", "eval_failed", "out_of_range")
"""What becomes of a row in an output."""


@dataclass
class OutputLedger:
    """The fates of rows in one output."""

    emitted: int = 0
    """Rows that are in its documents."""
    filtered: int = 0
    """Rows that its WHERE excludes."""
    eval_failed: int = 0
    """Rows that could not be evaluated."""
    out_of_range: int = 0
    """Rows whose event time is not believed; they are in its documents, under their arrival."""
    documents: int = 0
    """How many documents the rows became."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why rows could not be evaluated → rows."""
    passes: int = 1
    """By how many pumps each row is added: so many fates it has."""
    joined: int = 0
    """The rows that joins added, beyond the rows themselves."""

    def add(self, other: OutputLedger) -> None:
        """Add another ledger of the same output."""
        for name in (*ROW_FATES, "documents", "joined"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons += other.reasons

    @property
    def rows(self) -> int:
        """All rows that were added to the output."""
        return self.emitted + self.filtered + self.eval_failed + self.out_of_range

    def to_json(self, max_reasons: int | None = None) -> dict[str, object]:
        """The fates and the most frequent reasons."""
        fates: dict[str, object] = {fate: getattr(self, fate) for fate in ROW_FATES}
        if self.joined:
            fates["joined"] = self.joined
        return {**fates, "reasons": dict(self.reasons.most_common(max_reasons))}


@dataclass
class Ledger:
    """The classes of lines, and the outputs' ledgers."""

    rows: int = 0
    """Lines that parse."""
    unparsed: int = 0
    """Lines that do not parse, also in a record answered ProcessingFailed."""
    empty: int = 0
    """Empty lines."""
    failed: int = 0
    """Every line of a record that is refused for another reason."""
    reingested: int = 0
    """Lines of records that are re-ingested into the source stream."""
    records: int = 0
    """All records."""
    ok: int = 0
    """Records answered Ok."""
    dropped: int = 0
    """Records answered Dropped."""
    processing_failed: int = 0
    """Records answered ProcessingFailed."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why lines did not parse, and why records failed → lines."""
    outputs: dict[str, OutputLedger] = field(default_factory=dict)
    """By the output's name."""
    way: str = field(default="", compare=False)
    """Which way the event went: ``KERNEL`` or ``PYTHON``; empty: no kernel is loaded."""
    ways: Counter[str] = field(default_factory=Counter, compare=False)
    """Of several batches: how many went which way."""
    kernel_error: str = field(default="", compare=False)
    """Why the kernel failed, after which the event went Python's way."""

    @property
    def lines(self) -> int:
        """All lines of all records."""
        return self.rows + self.unparsed + self.empty + self.failed + self.reingested

    def add(self, other: Ledger) -> None:
        """Add another batch's ledger."""
        for name in (*LINE_CLASSES, "records", *RECORD_RESULTS):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons += other.reasons
        for name, output in other.outputs.items():
            self.outputs.setdefault(name, OutputLedger(passes=output.passes)).add(output)

    def line_classes(self) -> dict[str, int]:
        """How many lines there are in all and of each class."""
        return {"lines": self.lines, **{name: getattr(self, name) for name in LINE_CLASSES}}

    def row_fates(self) -> dict[str, int]:
        """How many rows have each fate, over all outputs."""
        return {name: sum(getattr(output, name) for output in self.outputs.values()) for name in ROW_FATES}

    def to_json(self, max_reasons: int | None = None) -> dict[str, object]:
        """Counts, the most frequent reasons, and each output's own."""
        outputs = {name: output.to_json(max_reasons) for name, output in self.outputs.items()}
        return {**self.line_classes(), "reasons": dict(self.reasons.most_common(max_reasons)), "outputs": outputs}

    def imbalance(self) -> list[str]:
        """One sentence per count that does not add up; empty when everything does, as it must."""
        wrong = [
            f"output {name}: {output.rows} of {self.rows} rows"
            for name, output in self.outputs.items()
            if output.rows != self.rows * output.passes + output.joined
        ]
        answered = self.ok + self.dropped + self.processing_failed
        if answered != self.records:
            wrong.append(f"{answered} of {self.records} records")
        return wrong
