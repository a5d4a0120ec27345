"""What is kept of a report gives the same page again, whatever its texts are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from streamtally.errors import SettingsError
from streamtally.report.page import render_report
from streamtally.report.saved import decode_report, encode_report, report_json
from tests.unit.report.hostile import hostile_report


def test_same_page() -> None:
    data = hostile_report()
    kept = decode_report(encode_report(data))
    assert render_report(kept) == render_report(data)
    assert json.loads(json.dumps(report_json(data), allow_nan=False)) == report_json(kept)


# All that the page shows is there: each list with its counts.
def test_json() -> None:
    shown = report_json(replace(hostile_report(), last_documents=()))
    assert shown["visitors"][1] == {"start_ms": 1_740_873_600_000, "visitors": 20_000, "is_exact": False}
    assert shown["response_times"]["all"]["p99_us"] == 3_000_000
    assert shown["top_hosts"]["error"] == 7
    assert shown["path_bytes"]["entries"][0][1] == 100


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pipeline":7}', "null"])
def test_not_a_report(text: str) -> None:
    with pytest.raises(SettingsError, match="not a report of this version"):
        decode_report(text)
