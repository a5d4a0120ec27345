"""Windows of a span: the partials that are there, and those that settled documents rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streamtally.aws.opensearch.settling.partials import Partials
from streamtally.aws.opensearch.settling.queries import Query, before, not_before
from streamtally.indices.load_entries import Span
from streamtally.indices.names import MS_PER_DAY


def inside(span: Span) -> tuple[Query, Query]:
    """Filters for the windows that start in a span."""
    return not_before(span[0]), before(span[1])


def count_partials(partials: Partials, span: Span) -> dict[int, int]:
    """Window start → partial documents."""
    return partials.counts(*inside(span))


def count_settled(partials: Partials, span: Span) -> dict[int, int]:
    """Window start → partials that its settled documents rest on."""
    return {window: settled.partials for window, settled in partials.settled(*inside(span)).items()}


def days_of(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans of days, day by day."""
    for start, end in spans:
        for day in range(start, end, MS_PER_DAY):
            yield day, day + MS_PER_DAY
