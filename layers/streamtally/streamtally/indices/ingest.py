"""The ingest pipeline of an inbox: it gives every document its own id, its index and its time of arrival.

Firehose does not let a client choose a document's id, but an ingest pipeline can: so a repeated delivery overwrites
itself. The script's text is the same for every pipeline (OpenSearch compiles it once); only its parameters differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from streamtally.indices.inbox_check import to_check
from streamtally.indices.load_entries import Span
from streamtally.indices.names import LATE_UNKNOWN
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState

FAILURE_FIELD = "streamtally_failure"
_OURS = "ctx.tally instanceof Map && (ctx.tally.partial_id != null || ctx.tally.row_id != null)"

# Painless. Weeks are counted by their Saturdays (names.to_suffix does the same in Python, a test compares both).
PLACE_SCRIPT = """
def tally = ctx.tally;
boolean partial = tally.partial_id != null;
def output = params.outputs[tally.output];
if (output == null) { throw new IllegalArgumentException('no output ' + tally.output); }
ZonedDateTime time = ZonedDateTime.parse(partial ? tally.window_start : tally.time).withZoneSameInstant(ZoneOffset.UTC);
long ms = time.toInstant().toEpochMilli();
if (ms > ZonedDateTime.parse(tally.ingested_at).toInstant().toEpochMilli() + output.max_ahead) {
  throw new IllegalArgumentException('a time in the future');
}
if (ms < output.closed_before) {
  ctx._index = 'late-' + output.index + '-' + tally.ingested_at.substring(0, 7);
  return;
}
String day = time.format(DateTimeFormatter.ofPattern('yyyy-MM-dd'));
if (partial) {
  if (tally.merge instanceof Map) { tally.merge.placed = true; }
  ctx._index = 'partials-' + output.index + '-' + day;
  return;
}
String rotation = output.rotations[0].rotation;
for (def change : output.rotations) { if (ms >= change.from) { rotation = change.rotation; } }
String date = day;
if (rotation == 'hour') { date = time.format(DateTimeFormatter.ofPattern('yyyy-MM-dd-HH')); }
else if (rotation == 'month') { date = day.substring(0, 7); }
else if (rotation == 'rollover') { date = 'write'; }
else if (rotation == 'week') {
  ZonedDateTime saturday = time.plusDays((13 - time.getDayOfWeek().getValue()) % 7);
  int week = (saturday.getDayOfYear() + 6) / 7;
  date = saturday.format(DateTimeFormatter.ofPattern('yyyy')) + (week < 10 ? '-w0' : '-w') + week;
}
ctx._index = output.index + '-' + date;
"""

# Of a load of old logs: a document of a time that the load has not opened is rejected, never placed elsewhere.
SPAN_SCRIPT = """
def tally = ctx.tally;
def spans = params.outputs[tally.output];
long ms = ZonedDateTime.parse(tally.partial_id != null ? tally.window_start : tally.time).toInstant().toEpochMilli();
for (def span : spans) { if (ms >= span.from && ms < span.to) { return; } }
throw new IllegalArgumentException('not in a span that this load has opened: ' + ms);
"""


def to_pipeline(specs: Sequence[IndexSpec], states: Mapping[str, OutputState]) -> dict[str, Any]:
    """The pipeline's body for the outputs of one inbox.

    Documents without a partial's or row's id pass unmodified; one that cannot be placed goes to ``late-unknown`` and is
    never rejected.

    Args:
        specs: outputs of one delivery stream.
        states: by index; gives the rotations and ``closed_before``.
    """
    outputs = {
        output.name: _parameters(spec, states[spec.index], output.ahead_ms) for spec in specs for output in spec.outputs
    }
    return {
        "description": "Streamtally: the id, the index and the time of arrival of each document",
        "processors": [
            to_check(specs),  # first: a document with an invalid id would be rejected, not kept
            {
                "set": {
                    "if": f"{_OURS} && ctx.tally.partial_id != null",
                    "field": "_id",
                    "value": "{{tally.partial_id}}",
                }
            },
            {"set": {"if": f"{_OURS} && ctx.tally.partial_id == null", "field": "_id", "value": "{{tally.row_id}}"}},
            {"set": {"if": _OURS, "field": "tally.ingested_at", "value": "{{_ingest.timestamp}}"}},
            {"script": {"if": _OURS, "lang": "painless", "source": PLACE_SCRIPT, "params": {"outputs": outputs}}},
        ],
        "on_failure": [
            {"set": {"field": "_index", "value": LATE_UNKNOWN}},
            {"set": {"field": FAILURE_FIELD, "value": "{{_ingest.on_failure_message}}"}},
        ],
    }


def to_load_pipeline(
    specs: Sequence[IndexSpec], states: Mapping[str, OutputState], spans: Mapping[str, Sequence[Span]]
) -> dict[str, Any]:
    """The pipeline of one load of old logs: like the inbox's, but the spans that it has opened are not closed to it.

    The inbox's own pipeline is unmodified, so what a stream delivers for a closed time is still late. A document that
    cannot be placed is rejected, so that the load sees it.

    Args:
        spans: by index, in ms.
    """
    opened = {spec.index: replace(states[spec.index], closed_before_ms=-(2**62)) for spec in specs}
    body = to_pipeline([replace(spec, max_ahead_ms=2**61) for spec in specs], opened)
    params = {
        output.name: [{"from": start, "to": end} for start, end in spans[spec.index]]
        for spec in specs
        for output in spec.outputs
    }
    check = {"script": {"lang": "painless", "source": SPAN_SCRIPT, "params": {"outputs": params}}}
    return {"description": "Streamtally: a load of old logs", "processors": [check, *body["processors"]]}


def _parameters(spec: IndexSpec, state: OutputState, ahead_ms: int = 0) -> dict[str, Any]:
    return {
        "index": spec.index,
        "closed_before": state.closed_before_ms,
        # No honest time is further ahead than this: event times are accepted up to max_ahead.
        "max_ahead": spec.max_ahead_ms + spec.grace_ms + ahead_ms,
        "rotations": [{"from": change.from_ms, "rotation": change.rotation} for change in state.rotations],
    }


def read_closed_before(pipeline: Mapping[str, Any] | None, index: str) -> int | None:
    """``closed_before`` of an output's index in the cluster's pipeline; None if it is not in it."""
    for processor in (pipeline or {}).get("processors", ()):
        outputs = processor.get("script", {}).get("params", {}).get("outputs", {})
        marks = [int(output["closed_before"]) for output in outputs.values() if output["index"] == index]
        if marks:
            return min(marks)
    return None
