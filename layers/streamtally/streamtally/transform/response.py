"""The response to Firehose, kept under Lambda's 6 MB.

Its size is that of the JSON that the Lambda runtime writes: ``", "`` and ``": "`` between items, base64 inside.
Source: AWS Lambda quotas ("Invocation payload"); Amazon Data Firehose, "Required parameters for data transformation"
(``data``; for Amazon MSK ``kafkaRecordValue``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import pybase64

from streamtally.errors import ResponseTooLargeError
from streamtally.transform.event import DATA

MAX_RESPONSE_BYTES = 6_291_556

OK, DROPPED, FAILED = "Ok", "Dropped", "ProcessingFailed"

_ENVELOPE_BYTES = len('{"records": []}')
_EMPTY_RECORD_BYTES = {
    result: len(json.dumps({"recordId": "", "result": result, "data": ""})) + len(", ")
    for result in (OK, DROPPED, FAILED)
}


class Response(NamedTuple):
    """What Firehose is answered for a record."""

    record_id: str
    """As in Firehose's contract."""
    result: str
    """One of ``OK``, ``DROPPED`` and ``FAILED``."""
    data: bytes
    """The transformed bytes, which are sent if the result is OK."""
    raw: str
    """The record's data in base64, unmodified, which is sent if it is FAILED."""
    data_name: str = DATA
    """What the data is called: as in the event."""
    partition_keys: Mapping[str, str] | None = None
    """The partition keys, which are sent if the result is OK; None: there are none."""

    def size_bytes(self) -> int:
        """Its size in the response, with the comma after it."""
        body = _base64_size(len(self.data)) if self.result == OK else self._raw_size() if self.result == FAILED else 0
        return self._empty_size(self.result) + body + (len(self._metadata_text()) if self.result == OK else 0)

    def failed_size_bytes(self) -> int:
        """Its size if it were answered ProcessingFailed."""
        return self._empty_size(FAILED) + self._raw_size()

    def dropped_size_bytes(self) -> int:
        """Its size if it were answered Dropped."""
        return self._empty_size(DROPPED)

    def _empty_size(self, result: str) -> int:
        return _EMPTY_RECORD_BYTES[result] + _text_size(self.record_id) + len(self.data_name) - len(DATA)

    def _raw_size(self) -> int:
        return _text_size(self.raw)

    def _metadata_text(self) -> str:
        """What the partition keys add to the response."""
        if self.partition_keys is None:
            return ""
        return f', "metadata": {json.dumps({"partitionKeys": dict(self.partition_keys)})}'


new_response: Callable[[tuple[str, str, bytes, str, str, Mapping[str, str] | None]], Response]
"""A response of all its fields, in half of the constructor's time."""
new_response = partial(tuple.__new__, Response)


def _base64_size(size_bytes: int) -> int:
    return (size_bytes + 2) // 3 * 4


def _text_size(text: str) -> int:
    # An event may hold any text; base64 and recordIds are plain ASCII, which JSON writes without escapes.
    plain = text.isascii() and text.isprintable() and '"' not in text and "\\" not in text
    return len(text) if plain else len(json.dumps(text)) - 2


def choose_overflow(
    responses: Sequence[Response],
    order: Callable[[int], Any],
    limit_bytes: int,
    can_reingest: Callable[[int], bool],
) -> frozenset[int]:
    """The indices of the records that must be left out for the response to fit, usually none.

    Every record is first charged what it costs when it is left out: as Dropped if it can be re-ingested, else as
    ProcessingFailed. Then records are taken in while there is room, sorted by ``order`` of their indices, so that the
    same batch in another order of records leaves out the same ones.
    Raises: ResponseTooLargeError: the response does not fit even if all are left out.
    """
    has_keys = any(response.partition_keys for response in responses)
    if not has_keys and _surely_fits(responses, limit_bytes):
        return frozenset()
    sizes = [response.size_bytes() for response in responses]
    if _ENVELOPE_BYTES + sum(sizes) <= limit_bytes:
        return frozenset()
    left_out_sizes = [
        response.dropped_size_bytes() if can_reingest(index) else response.failed_size_bytes()
        for index, response in enumerate(responses)
    ]
    room = limit_bytes - _ENVELOPE_BYTES - sum(map(min, sizes, left_out_sizes))
    if room < 0:
        raise ResponseTooLargeError(
            f"the event's records do not fit into a response of {limit_bytes} bytes even unmodified: "
            "lower BufferSizeInMBs of the stream's Lambda processor"
        )
    overflow = set()
    for index in sorted(range(len(responses)), key=order):
        more = sizes[index] - left_out_sizes[index]
        if more <= 0:
            continue
        if more <= room:
            room -= more
        else:
            overflow.add(index)
    return frozenset(overflow)


def _surely_fits(responses: Sequence[Response], limit_bytes: int) -> bool:
    """A cheap upper bound of the size: six bytes for each character of text from the event, which is JSON's worst."""
    chars = size_bytes = 0
    for record_id, result, data, raw, name, _ in responses:
        size_bytes += len(data)
        chars += len(record_id) + (len(raw) if result == FAILED else 0) + (len(name) - len(DATA))
    fixed = max(_EMPTY_RECORD_BYTES.values()) + 4
    return _ENVELOPE_BYTES + len(responses) * fixed + 6 * chars + size_bytes * 4 // 3 <= limit_bytes


def encode_response(responses: Iterable[Response]) -> dict[str, Any]:
    """The handler's return value, one record per response, in order."""
    encode = pybase64.b64encode_as_string
    records: list[dict[str, Any]] = []
    for record_id, result, data, raw, name, keys in responses:
        text = encode(data) if result == OK else raw if result == FAILED else ""
        record: dict[str, Any] = {"recordId": record_id, "result": result, name: text}
        if keys is not None and result == OK:
            record["metadata"] = {"partitionKeys": dict(keys)}
        records.append(record)
    return {"records": records}
