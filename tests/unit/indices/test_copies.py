"""Copies of a shard: what OpenSearch's refusals say, and what fits."""

from __future__ import annotations

import pytest

from streamtally.indices.copies import fits, fitting_copies, required_multiple


@pytest.mark.parametrize(
    ("reason", "multiple"),
    [
        ("expected max cap on auto expand to be a multiple of total awareness attributes [3];", 3),
        ("expected total copies needs to be a multiple of total awareness attributes [2];", 2),
        (
            "index_template [x] invalid, cause [Validation Failed: 1: expected total copies needs to be a multiple of "
            "total awareness attributes [3];]",
            3,
        ),
        ("this action would add [2] shards, but this cluster currently has [1000]/[1000] maximum shards open", None),
        ("multiple of total awareness attributes [0]", None),
        (None, None),
    ],
)
def test_the_multiple_is_read_from_the_refusal(reason: str | None, multiple: int | None) -> None:
    assert required_multiple(reason) == multiple


@pytest.mark.parametrize(("multiple", "copies"), [(1, 2), (2, 2), (3, 3), (4, 4)])
def test_the_default_is_two_or_the_next_multiple(multiple: int, copies: int) -> None:
    assert fitting_copies(multiple) == copies


@pytest.mark.parametrize(
    ("multiple", "replicas", "expand", "fit"),
    [
        (1, 1, None, True),
        (3, 2, None, True),
        (3, 5, None, True),
        (3, 1, None, False),
        (3, 0, None, False),
        (2, 1, None, True),
        (2, 2, None, False),
        (3, None, "0-2", True),
        (3, None, "0-all", True),
        (3, None, "2-all", True),
        (3, None, "0-1", False),
        (3, None, None, True),
    ],
)
def test_what_fits(multiple: int, replicas: int | None, expand: str | None, fit: bool) -> None:
    assert fits(multiple, replicas, expand) is fit
