"""The inbox's check of a document that claims to be a partial or a row: every field is there and of the right type.

Anyone who may write to the stream can write anything. Settling reads only what the transform writes, so everything else
goes to ``late-unknown`` with the field's name: a document that lacks what merging needs would block its window forever,
and a value that its mapping rejects would block a delivery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streamtally.indices.spec import IndexSpec

# Painless. Messages contain no values: a value may be megabytes long, and the reason is a field of its own.
CHECK_SCRIPT = """
boolean isHex(def value) {
  if (!(value instanceof String) || value.length() != 32) { return false; }
  for (int i = 0; i < 32; i++) { if ('0123456789abcdef'.indexOf(value.substring(i, i + 1)) < 0) { return false; } }
  return true;
}
boolean isCount(def value) { return (value instanceof Integer || value instanceof Long) && value >= 0; }
boolean isScalar(def value) {
  return value == null || value instanceof String || value instanceof Number || value instanceof Boolean;
}
boolean isFlat(def value) {
  if (!(value instanceof List)) { return isScalar(value); }
  for (def item : value) { if (!isScalar(item)) { return false; } }
  return true;
}
boolean isTime(def value) {
  if (!(value instanceof String) || value.length() < 20 || value.length() > 35) { return false; }
  String shape = '0000-00-00T00:00:00';
  for (int i = 0; i < 19; i++) {
    String letter = value.substring(i, i + 1);
    String wanted = shape.substring(i, i + 1);
    if (wanted == '0' ? '0123456789'.indexOf(letter) < 0 : letter != wanted) { return false; }
  }
  if (value.indexOf('[') >= 0 || value.indexOf('z') >= 0) { return false; }
  try { ZonedDateTime.parse(value); } catch (Exception e) { return false; }
  return true;
}
boolean isTimes(def value) {
  if (!(value instanceof List) || value.size() != 2) { return false; }
  return isTime(value[0]) && isTime(value[1]);
}
boolean isState(def value) {
  if (!(value instanceof Map) || !(value.key instanceof List) || !(value.aggregates instanceof List)) { return false; }
  return isFlat(value.key) && isCount(value.rows);
}
boolean isMerge(def value) {
  if (!(value instanceof Map) || !(value.key instanceof String) || !isCount(value.values)) { return false; }
  for (def slot : value.entrySet()) {
    if (slot.key.startsWith('v') && !(slot.value instanceof Integer || slot.value instanceof Long)) { return false; }
  }
  return true;
}
void demand(boolean holds, String field) {
  if (!holds) { throw new IllegalArgumentException(field + ' is missing or of another kind: not a document of ours'); }
}
def tally = ctx.tally;
if (!(tally instanceof Map)) {
  boolean ours = ctx._index.startsWith('inbox-');
  for (def output : params.shapes.values()) { ours = ours || ctx._index.startsWith(output.index + '-'); }
  demand(!ours, 'tally');
  return;
}
if (!tally.containsKey('partial_id') && !tally.containsKey('row_id')) { return; }
boolean partial = tally.containsKey('partial_id');
demand(!partial || !tally.containsKey('row_id'), 'tally.row_id');
def output = tally.output instanceof String ? params.shapes[tally.output] : null;
demand(output != null, 'tally.output');
demand(output.windowed == partial, partial ? 'tally.row_id' : 'tally.partial_id');
demand(isHex(partial ? tally.partial_id : tally.row_id), partial ? 'tally.partial_id' : 'tally.row_id');
demand(isTime(partial ? tally.window_start : tally.time), partial ? 'tally.window_start' : 'tally.time');
for (def field : ['batch_id', 'batch_digest', 'plan_id']) { demand(isHex(tally[field]), 'tally.' + field); }
for (def field : ['batch_records', 'out_of_range']) { demand(isCount(tally[field]), 'tally.' + field); }
demand(isTimes(tally.batch_arrival), 'tally.batch_arrival');
if (partial) {
  demand(isHex(tally.group_id), 'tally.group_id');
  demand(isState(tally.state), 'tally.state');
  demand(tally.merge == null || isMerge(tally.merge), 'tally.merge');
  demand(tally.batch_partials == null || isCount(tally.batch_partials), 'tally.batch_partials');
}
for (def field : ['partials', 'final', 'visible']) { demand(!tally.containsKey(field), 'tally.' + field); }
for (def field : output.columns) { demand(isFlat(ctx[field]), 'a column'); }
"""


def to_check(specs: Sequence[IndexSpec]) -> dict[str, Any]:
    """The script processor for the outputs of one inbox. What it rejects is handled as a failure of the pipeline."""
    columns = {spec.name: sorted(column.name for column in spec.columns) for spec in specs}
    shapes: Mapping[str, Any] = {
        output.name: {"index": spec.index, "windowed": output.kind == "windowed", "columns": columns[spec.name]}
        for spec in specs
        for output in spec.outputs
    }
    return {
        "script": {
            "if": "ctx.tally != null",
            "lang": "painless",
            "source": CHECK_SCRIPT,
            "params": {"shapes": dict(shapes)},
        }
    }
