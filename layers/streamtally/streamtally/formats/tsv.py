"""Tab-separated values: the format csv with a tab as the delimiter. Source: IANA, text/tab-separated-values."""

from __future__ import annotations

from streamtally.formats.base import Example, Format
from streamtally.formats.csv import compile_delimited
from streamtally.formats.role_names import COMMON

FORMAT = Format(
    name="tsv",
    summary="Tab-separated values with quotes; name the columns with fields.",
    source="IANA: text/tab-separated-values",
    fields=(),
    examples=(
        Example(
            '192.0.2.1\t"a\tb"\t200',
            {"column_1": "192.0.2.1", "column_2": "a\tb", "column_3": "200"},
        ),
    ),
    compile=compile_delimited("tsv", "\t"),
    roles=COMMON,
)
