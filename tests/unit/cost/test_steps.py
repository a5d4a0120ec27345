"""Firehose bills records in steps of 5 KB."""

from __future__ import annotations

import pytest

from streamtally.cost.steps import FULL_RECORD_BYTES, billed_bytes, billed_multiple


# Firehose's pricing page: a record of 3 KB is billed as 5 KB, one of 12 KB as 15 KB.
@pytest.mark.parametrize(
    ("size", "kib"), [(0, 5), (1, 5), (3 * 1024, 5), (5 * 1024, 5), (5 * 1024 + 1, 10), (12 * 1024, 15)]
)
def test_rounded_up(size: int, kib: int) -> None:
    assert billed_bytes(size) == kib * 1024


def test_agent_configs_records_are_whole_steps() -> None:
    assert billed_bytes(FULL_RECORD_BYTES) == FULL_RECORD_BYTES


@pytest.mark.parametrize(
    ("bytes_sent", "records", "multiple"),
    [(200_000, 1000, 25.6), (5_120_000, 1000, 1.0), (100_000_000, 1000, 1.0), (0, 10, None), (10, 0, None)],
)
def test_multiple(bytes_sent: float, records: float, multiple: float | None) -> None:
    assert billed_multiple(bytes_sent, records) == multiple
