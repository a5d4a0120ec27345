"""The kernel's partials are the bytes of :func:`partial_document`, or are left to Python."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.config.source import source_settings
from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.documents import encode_document, partial_document
from streamtally.transform.kernel.layouts import find_layout, plain_lines
from streamtally.transform.kernel.protocol import Kernel, KernelBatch
from streamtally.transform.partials import Partials
from streamtally.transform.source import Source
from tests.unit.transform.kernel.test_same_answers import kernel  # noqa: F401 (a fixture)
from tests.unit.transform.partial_cases import INFO, NOT_COMPUTED, OUTPUTS, START_MS, Case, bytes_or_error, partials


@pytest.fixture(scope="module")
def batch(kernel: Kernel) -> KernelBatch:  # noqa: F811
    """Any batch: what it holds makes no difference to partials."""
    plain = plain_lines(Source(source_settings({}), ZoneInfo))
    layout = find_layout(kernel, plain) if plain is not None else None
    assert layout is not None
    made = kernel.read_data(layout, ["1"], [b"1\n"])
    assert made is not None
    return made


@given(cases=st.lists(partials(), min_size=1, max_size=4))
def test_the_kernel_writes_the_definitions_bytes(batch: KernelBatch, cases: list[Case]) -> None:
    for output, key, group in cases:
        document = Partials(output, INFO).encode_by(batch.write_partials, [(key, group, 0)])[0]
        if document is not None:
            expected = bytes_or_error(lambda: encode_document(partial_document(output, key, group, INFO)))  # noqa: B023
            assert document == expected


@pytest.mark.parametrize(
    ("output", "key", "states"),
    [
        (NOT_COMPUTED[0], [200], []),
        (NOT_COMPUTED[0], [None], []),
        (NOT_COMPUTED[1], ['a"\\ \x7f\n\x01é\U0001f600\u2028'], [2]),
        (NOT_COMPUTED[2], ["a", -(2**63), True], [0, -5, (2**63 - 1, 2), None, 7]),
    ],
)
def test_plain_partials_are_written(
    batch: KernelBatch, output: WindowedOutput, key: list[Any], states: list[Any]
) -> None:
    partial = ((START_MS, *key), [3, 1, *states])
    expected = encode_document(partial_document(output, *partial, INFO))
    assert Partials(output, INFO).encode_by(batch.write_partials, [(*partial, 0)]) == [expected]


@pytest.mark.parametrize(
    ("output", "key", "states"),
    [
        (NOT_COMPUTED[0], [2**63], []),
        (NOT_COMPUTED[1], ["\ud800"], [2]),
        (NOT_COMPUTED[1], ["a" * 9_000], [2]),
        (NOT_COMPUTED[2], ["a", 1, True], [0, -(2**63), (1, 2), None, 7]),
        (OUTPUTS[-1], ["1.5"], [3, 1]),
    ],
)
def test_others_are_left(batch: KernelBatch, output: WindowedOutput, key: list[Any], states: list[Any]) -> None:
    partial = ((START_MS, *key), [3, 1, *states], 0)
    assert Partials(output, INFO).encode_by(batch.write_partials, [partial]) == [None]


def test_a_layout_that_it_does_not_know_is_refused(batch: KernelBatch) -> None:
    with pytest.raises(ValueError, match="not a layout"):
        batch.write_partials(((("other", 0, ""),), (), ()), ("", "", "", ""), {}, [])
