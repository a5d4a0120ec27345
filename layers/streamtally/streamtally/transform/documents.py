"""Documents of the summary stream: an output's columns, and Streamtally's own members under ``tally``.

Ids are derived, so that a repeated invocation makes the same document: ``partial_id`` from (plan, output, window, key,
batch), ``row_id`` from (output, record identity, line number). Times are ISO 8601, UTC, with Z.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from streamtally.ids import digest, digest_texts, has_scalars, numbered_digests
from streamtally.plan.aggregates.merged import to_merge
from streamtally.plan.json_values import encode_decimal
from streamtally.plan.rows import RowOutput
from streamtally.plan.windowed import WindowedOutput
from streamtally.times.iso import to_iso
from streamtally.transform.batch import Batch

MAX_DOCUMENT_BYTES = 1000 * 1024 - 1
"""A record of PutRecordBatch holds at most 1,000 KiB (before base64), including its line end."""


def encode_document(document: dict[str, Any]) -> bytes:
    """A document as one line of JSON, without a line end."""
    try:
        return orjson.dumps(document, default=encode_decimal)
    except TypeError:
        return encode_hard(document)


def encode_hard(document: dict[str, Any]) -> bytes:
    """JSON of what orjson cannot write: integers beyond 64 bits, lone surrogates, deeper nesting.

    Raises: TypeError, ValueError, RecursionError: this cannot write it either.
    """
    return json.dumps(document, separators=(",", ":"), default=float, allow_nan=False).encode()


def batch_info(batch: Batch, batch_id: str, plan_id: str) -> dict[str, Any]:
    """The members of ``tally`` that all documents of a group share."""
    return {
        "batch_id": batch_id,
        "batch_digest": batch.digest,
        "batch_records": batch.records,
        "batch_arrival": [to_iso(batch.first_arrival), to_iso(batch.last_arrival)],
        "plan_id": plan_id,
    }


def partial_id(plan_id: str, output: str, window_start: int, key: list[Any], batch_id: str, part: int = 0) -> str:
    """The id of a batch's partial for a window and key.

    Args:
        window_start: ms since the epoch.
        key: as JSON.
        part: which of several partials that make up a large one, from 0.
    """
    hash_of = digest_texts if has_scalars(key) else digest
    return hash_of([plan_id, output, window_start, key, batch_id, *([part] if part else [])])


def group_id(output: str, window_start: int, key: list[Any]) -> str:
    """The id of all partials of a window and key. Args: window_start: ms since the epoch; key: as JSON."""
    return (digest_texts if has_scalars(key) else digest)([output, window_start, key])


def row_id(output: str, identity: str, line: int, joined: int = 0) -> str:
    """The id of a row's document.

    Args:
        line: its number within the record, from 0.
        joined: its number among the rows that a join made of the line's, from 0.
    """
    return digest([output, identity, line, joined] if joined else [output, identity, line])


def partial_document(
    output: WindowedOutput, key: tuple[Any, ...], group: list[Any], batch_info: dict[str, Any], part: int = 0
) -> dict[str, Any]:
    """The partial of a window and key. Args: key: (window start in ms, *key values); part: see :func:`partial_id`."""
    window_start = key[0]
    state = output.state_to_json(key[1:], group)
    columns = output.finish_group(key, group, state)
    identity = partial_id(batch_info["plan_id"], output.name, window_start, state["key"], batch_info["batch_id"], part)
    tally = {
        "output": output.name,
        "window_start": to_iso(window_start),
        "partial_id": identity,
        # Sorted by this id a group's partials are adjacent, so settling reads any number of them in little memory.
        "group_id": group_id(output.name, window_start, state["key"]),
    }
    merge = to_merge(output.operations, state)
    more = {"merge": merge} if merge else {}
    return {**columns, "tally": {**tally, **batch_info, "state": state, **more, "out_of_range": group[1]}}


UNPARSED = '{"unparsed":'
UNPARSED_LINE = re.compile(rb'\{(?:"line_id":"[0-9a-f]{32}",)?"unparsed":')
"""How a line in S3 begins if it did not parse, and only then: a row that would begin so gets a blank."""


def unlike_unparsed(text: str) -> str:
    """A row's JSON, changed so that it never begins like a line that did not parse."""
    looks_so = text.startswith((UNPARSED, '{"line_id":')) and UNPARSED_LINE.match(text[:100].encode("utf-8", "replace"))
    return f" {text}" if looks_so else text


def add_line_ids(text: str, identity: str) -> str:
    """JSON lines with a ``line_id`` first, which is derived from record and line, so that duplicates in S3 show."""
    lines = text.split("\n")
    ids = numbered_digests(identity, len(lines))
    return "\n".join([_with_id(line, id_) if line else line for line, id_ in zip(lines, ids, strict=True)])


def _with_id(line: str, id_: str) -> str:
    body = line.lstrip()[1:]
    if body.startswith('"unparsed":') and not line.startswith(UNPARSED):
        body = f" {body}"  # a row's first member, see unlike_unparsed
    return f'{{"line_id":"{id_}"' + (body if body.lstrip()[:1] == "}" else "," + body)


def row_document(
    output: RowOutput, columns: dict[str, Any], time: int, id_: str, is_out_of_range: bool, batch_info: dict[str, Any]
) -> dict[str, Any]:
    """The document of a row. Args: time: ms since the epoch."""
    tally = {"output": output.name, "time": to_iso(time), "row_id": id_}
    return {**columns, "tally": {**tally, **batch_info, "out_of_range": int(is_out_of_range)}}
