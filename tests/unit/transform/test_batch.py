"""What a batch is known by in an error file: the same for the same records, whatever their order."""

from __future__ import annotations

import base64
import hashlib
import random
import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamtally.transform.batch import SHORT_BYTES, describe_batch
from streamtally.transform.envelope import Envelope, encode_envelope
from streamtally.transform.records import decode_records

LOGGED = st.tuples(st.integers(0, 3), st.binary(max_size=6) | st.just(b"x" * SHORT_BYTES))


def records(logged: list[tuple[int, bytes]]) -> list[dict[str, Any]]:
    return [
        {"recordId": str(number), "approximateArrivalTimestamp": time, "data": base64.b64encode(data).decode()}
        for number, (time, data) in enumerate(logged)
    ]


def digest(raw: list[dict[str, Any]]) -> str:
    return describe_batch(decode_records(raw, 0)).digest


# It is the hash of all arrivals, all sizes and all data, sorted by arrival and data: short records or long, arrivals
# that repeat or run backwards. So an index that was written before still says the same of the same batch.
@given(st.lists(LOGGED, max_size=12), st.randoms(use_true_random=False))
def test_sorted_and_hashed(logged: list[tuple[int, bytes]], order: random.Random) -> None:
    ordered = sorted(logged)
    numbers = [time for time, _ in ordered] + [len(data) for _, data in ordered]
    plain = struct.pack(f"<{len(numbers)}q", *numbers) + b"".join(data for _, data in ordered)
    raw = records(logged)
    order.shuffle(raw)
    batch = describe_batch(decode_records(raw, 0))
    assert batch.digest == hashlib.sha256(plain).hexdigest()[:32]
    bounds = (ordered[0][0], ordered[-1][0]) if ordered else (0, 0)
    assert (batch.records, batch.first_arrival, batch.last_arrival) == (len(logged), *bounds)


# One byte, one millisecond, a byte that moves to the next record: another batch.
def test_others_differ() -> None:
    cases = [[(1, b"ab"), (1, b"c")], [(1, b"a"), (1, b"bc")], [(1, b"ab"), (2, b"c")], [(1, b"ab"), (1, b"d")]]
    assert len({digest(records(logged)) for logged in cases}) == len(cases)


# A re-ingested part is known by when it was received, as its error file has it; what is no base64, by its text.
def test_envelopes_and_broken_data() -> None:
    envelope = encode_envelope(Envelope("origin", "0", 5, 1, False, b"line"))
    assert digest(records([(900, envelope)])) != digest(records([(5, envelope)]))
    broken = [{"recordId": "1", "approximateArrivalTimestamp": 7, "data": text} for text in ("%%%", "%%", "\ud800")]
    assert len({digest([record]) for record in broken}) == 3
    assert digest(broken[:1]) == digest(records([(7, b"%%%")]))
