"""What objects of old logs came to, as JSON: read in one invocation, merged in another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streamtally.indices.load_contents import Contents


@dataclass
class Account:
    """What one object came to, or several."""

    lines: int = 0
    rows: int = 0
    unparsed: int = 0
    """Lines that do not parse, and lines that were delivered as unparsed."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Error prefixes → objects below them, which hold no lines to load."""
    problems: list[str] = field(default_factory=list)
    """Objects that cannot be loaded, one line each; none of their lines counts."""
    contents: dict[str, Contents] = field(default_factory=dict)
    """By index."""

    def add(self, other: Account) -> None:
        """Take in another account."""
        self.lines += other.lines
        self.rows += other.rows
        self.unparsed += other.unparsed
        self.left_out += other.left_out
        self.problems += other.problems
        for index, contents in other.contents.items():
            self.contents.setdefault(index, Contents()).merge(contents)

    def counts(self) -> dict[str, Any]:
        """The counts without the contents, for people."""
        counts = {"lines": self.lines, "rows": self.rows, "unparsed": self.unparsed}
        return {**counts, "objects_left_out": dict(self.left_out), "problems": self.problems}

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            **self.counts(),
            "contents": {index: _contents_json(contents) for index, contents in self.contents.items()},
        }


def _contents_json(contents: Contents) -> dict[str, Any]:
    hours = [[hour, count, *contents.extents[hour]] for hour, count in sorted(contents.hours.items())]
    windows = {output: sorted(starts) for output, starts in contents.windows.items()}
    return {"windows": windows, "hours": hours, "checksum": f"{contents.checksum:032x}"}


def read_account(document: Mapping[str, Any]) -> Account:
    """The account of :meth:`Account.to_json`."""
    account = Account(document["lines"], document["rows"], document["unparsed"])
    account.left_out.update(document["objects_left_out"])
    account.problems += document["problems"]
    for index, packed in document["contents"].items():
        account.contents[index] = Contents(
            {output: set(starts) for output, starts in packed["windows"].items()},
            Counter({hour: count for hour, count, _, _ in packed["hours"]}),
            {hour: (first, last) for hour, _, first, last in packed["hours"]},
            int(packed["checksum"], 16),
        )
    return account
