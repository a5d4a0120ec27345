"""What holds of every line and of every event, however they were made."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.aws.handlers.invocation import answer_batch
from streamtally.errors import FormatError
from streamtally.formats import (
    REGISTRY,
    FormatOptions,
    Parser,
    alb,
    apache_combined,
    apache_common,
    cloudfront,
    elb,
    haproxy,
    s3_access,
)
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import Row
from streamtally.formats.engine.generate import compile_layout, generate_exact
from streamtally.formats.engine.layout import Layout
from streamtally.local.folder import read_folder
from streamtally.transform.lines import encode_row
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.response import MAX_RESPONSE_BYTES

ROOT = Path(__file__).resolve().parents[3]
REGEX = r'(?P<a>[^ ]*) \[(?P<b>[^\]]*)\] "(?P<c>(?:[^"\\]|\\.)*)" (?P<d>\d+)'
TYPES = {"a": "BIGINT", "b": "DOUBLE", "column_1": "BIGINT", "column_3": "DOUBLE", "status": "INTEGER", "d": "SMALLINT"}
LAYOUTS: dict[str, Layout] = {
    module.__name__.rpartition(".")[2]: module.LAYOUT
    for module in (alb, apache_combined, apache_common, cloudfront, elb, haproxy, s3_access)
    if isinstance(getattr(module, "LAYOUT", None), Layout)
}
SOURCES: dict[str, dict[str, Any]] = {
    "default": {},
    "json": {"format": "json", "paths": {"response": "$.a.b"}},
    "rewritten": {"split_request": True, "anonymize": True, "drop": ["ident"], "line_id": True},
    "line_field": {"line_field": "log"},
    "single": {"framing": "single"},
    "any time": {"time_field": "auto", "time_zone": "Europe/Berlin"},
    "agent": {"agent_options": [{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}], "types": {}},
    **{name: {"format": name} for name in REGISTRY if name != "regex"},
    "regex": {"format": "regex", "pattern": REGEX, "types": TYPES},
}


def parsers() -> dict[str, Parser]:
    """Every format's parser, and auto's."""
    options = FormatOptions(pattern=REGEX, types=TYPES, unescape=True)
    made = {format_.name: format_.compile(options) for format_ in REGISTRY.values()}
    return {**made, "auto": compile_auto(FormatOptions())}


def pipelines() -> dict[str, Pipeline]:
    """The checkout's pipelines, and the default one with other sources."""
    default = read_folder(ROOT / "layers/pipeline/pipeline")
    made = {"rows": load_pipeline(read_folder(ROOT / "pipelines/rows"), ZoneInfo)}
    for name, source in SOURCES.items():
        document = json.loads(json.dumps(default))
        document["source"] |= source
        made[name] = load_pipeline(document, ZoneInfo)
    return made


def read(parse: Callable[[str], Row], line: str) -> Row | str:
    """A line's row, or why it is none; raises whatever else a parser raises."""
    try:
        row = parse(line)
        encode_row(row)
    except FormatError as error:
        return error.reason
    return row


def check_line(parse: Parser, line: str) -> None:
    """A line gives a row that JSON can hold or a reason without a part of it, and the same the next time."""
    first = read(parse, line)
    assert isinstance(first, dict | str)
    assert isinstance(first, dict) or len(first) < 120
    assert repr(read(parse, line)) == repr(first)


def two_ways(layout: Layout) -> Callable[[str], None]:
    """A check that the fast way through a line and the exact one agree."""
    fast, exact = compile_layout(layout, FormatOptions()), generate_exact(layout, FormatOptions())

    def check(line: str) -> None:
        assert repr(read(fast, line)) == repr(read(exact, line))

    return check


def check_event(pipeline: Pipeline, event: dict[str, Any]) -> None:
    """Every record is answered once, every line is in the ledger once, what goes out is JSON within its limit."""
    documents: list[bytes] = []
    back: list[bytes] = []
    answer, ledger = answer_batch(
        pipeline,
        lambda made, _: documents.extend(document for delivery in made for document in delivery.documents),
        event,
        lambda: 300.0,
        max((record["approximateArrivalTimestamp"] for record in event["records"]), default=0),
        lambda _, envelopes, __: back.extend(envelopes),
    )
    assert [record["recordId"] for record in answer["records"]] == [record["recordId"] for record in event["records"]]
    assert len(json.dumps(answer)) <= MAX_RESPONSE_BYTES
    assert ledger.imbalance() == []
    assert sum(output.documents for output in ledger.outputs.values()) == len(documents)
    for document in documents:
        assert isinstance(json.loads(document, parse_constant=_refuse)["tally"], dict)
    for record, result in zip(event["records"], answer["records"], strict=True):
        data = base64.b64decode(result["data"], validate=True)
        assert result["result"] in ("Ok", "Dropped", "ProcessingFailed")
        if result["result"] == "ProcessingFailed":
            assert result["data"] == record["data"]
        for line in data.split(b"\n") if result["result"] == "Ok" else ():
            assert not line or isinstance(json.loads(line, parse_constant=_refuse), dict)


def _refuse(name: str) -> Any:
    raise AssertionError(f"{name} is no strict JSON")
