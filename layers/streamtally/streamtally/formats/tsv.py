"""Tab-separated values: the format csv with a tab as the delimiter, and without quotes: a quote is like any character.

Source: IANA, text/tab-separated-values, in which no cell may hold a tab.
"""

from __future__ import annotations

from streamtally.formats.base import Example, Format
from streamtally.formats.csv import compile_delimited
from streamtally.formats.role_names import COMMON

FORMAT = Format(
    name="tsv",
    summary="Tab-separated values; name the columns with fields.",
    source="IANA: text/tab-separated-values",
    fields=(),
    examples=(
        Example(
            '192.0.2.1\t"exact phrase" site\t200',
            {"column_1": "192.0.2.1", "column_2": '"exact phrase" site', "column_3": "200"},
        ),
    ),
    compile=compile_delimited("tsv", "\t", quote=""),
    roles=COMMON,
)
