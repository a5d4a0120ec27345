"""The answer to Firehose, kept under Lambda's 6 MB.

Its size is that of the JSON which the Lambda runtime writes: ``", "`` and ``": "`` between items, base64 inside.
Source: AWS Lambda quotas ("Invocation payload"); Amazon Data Firehose, "Required parameters for transformation".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pybase64

from streamtally.errors import ResponseTooLargeError

MAX_RESPONSE_BYTES = 6_291_556

OK, DROPPED, FAILED = "Ok", "Dropped", "ProcessingFailed"

_ENVELOPE_BYTES = len('{"records": []}')
_EMPTY_RECORD_BYTES = {
    result: len(json.dumps({"recordId": "", "result": result, "data": ""})) + len(", ")
    for result in (OK, DROPPED, FAILED)
}


@dataclass(slots=True)
class Result:
    """What a record is answered.

    Attributes:
        record_id, result: as in Firehose's contract.
        data: the transformed bytes (Ok).
        raw: the record's data as it came, base64 (ProcessingFailed).
    """

    record_id: str
    result: str
    data: bytes
    raw: str

    def size_bytes(self) -> int:
        """Its size in the answer, with the comma behind it."""
        body = _base64_size(len(self.data)) if self.result == OK else self._raw_size() if self.result == FAILED else 0
        return _EMPTY_RECORD_BYTES[self.result] + _text_size(self.record_id) + body

    def failed_size_bytes(self) -> int:
        """Its size if it were answered ProcessingFailed."""
        return _EMPTY_RECORD_BYTES[FAILED] + _text_size(self.record_id) + self._raw_size()

    def dropped_size_bytes(self) -> int:
        """Its size if it were answered Dropped."""
        return _EMPTY_RECORD_BYTES[DROPPED] + _text_size(self.record_id)

    def _raw_size(self) -> int:
        return _text_size(self.raw)

    def to_json(self) -> dict[str, str]:
        """The record of the answer."""
        data = (
            pybase64.b64encode_as_string(self.data) if self.result == OK else self.raw if self.result == FAILED else ""
        )
        return {"recordId": self.record_id, "result": self.result, "data": data}


def _base64_size(size_bytes: int) -> int:
    return (size_bytes + 2) // 3 * 4


def _text_size(text: str) -> int:
    # What came in may be any text; base64 and recordIds are plain ASCII, which JSON writes as it is.
    plain = text.isascii() and text.isprintable() and '"' not in text and "\\" not in text
    return len(text) if plain else len(json.dumps(text)) - 2


def choose_overflow(
    results: Sequence[Result], order: Callable[[int], Any], limit_bytes: int, may_go_back: Callable[[int], bool]
) -> frozenset[int]:
    """The places of the records that must be left out for the answer to fit; mostly none.

    Every record is first charged what it costs left out: as Dropped if it can go back into the stream, else as
    ProcessingFailed. Then records are taken in while there is room, in the order of what ``order`` gives their places,
    so that the same batch in another order of records leaves out the same ones.
    Raises: ResponseTooLargeError: even left out they are too large.
    """
    if _surely_fits(results, limit_bytes):
        return frozenset()
    sizes = [result.size_bytes() for result in results]
    if _ENVELOPE_BYTES + sum(sizes) <= limit_bytes:
        return frozenset()
    left_out_sizes = [
        result.dropped_size_bytes() if may_go_back(place) else result.failed_size_bytes()
        for place, result in enumerate(results)
    ]
    room = limit_bytes - _ENVELOPE_BYTES - sum(map(min, sizes, left_out_sizes))
    if room < 0:
        raise ResponseTooLargeError(
            f"the event's records do not fit into an answer of {limit_bytes} bytes even as they came: "
            "lower BufferSizeInMBs of the stream's Lambda processor"
        )
    chosen = set()
    for index in sorted(range(len(results)), key=order):
        more = sizes[index] - left_out_sizes[index]
        if more <= 0:
            continue
        if more <= room:
            room -= more
        else:
            chosen.add(index)
    return frozenset(chosen)


def _surely_fits(results: Sequence[Result], limit_bytes: int) -> bool:
    """A cheap bound from above: six bytes for each character of text that came in, which is JSON's worst."""
    chars = sum(len(result.record_id) for result in results)
    chars += sum(len(result.raw) for result in results if result.result == FAILED)
    data = sum(len(result.data) for result in results)
    each = max(_EMPTY_RECORD_BYTES.values()) + 4
    return _ENVELOPE_BYTES + len(results) * each + 6 * chars + data * 4 // 3 <= limit_bytes


def encode_answer(results: Iterable[Result]) -> dict[str, Any]:
    """The handler's return value, a record a result, in order."""
    return {"records": [result.to_json() for result in results]}
