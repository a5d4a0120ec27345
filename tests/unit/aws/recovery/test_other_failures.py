"""Every error prefix of Firehose: taken by redrive or named by it, and left out by backfill and reconcile."""

from __future__ import annotations

import base64
import json
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.recovery.failed_objects import read_failed
from streamtally.aws.recovery.other_failures import is_error_object, read_other_failures
from streamtally.aws.recovery.places import iter_places, to_place
from streamtally.aws.recovery.redrive import plan_redrive
from streamtally.aws.recovery.streams import find_time_zone
from streamtally.aws.sinks.objects import Folder
from streamtally.local.old_logs import Seen, run_old_logs
from streamtally.recovery.decide import Rules
from streamtally.times.iso import from_iso
from streamtally.transform.pipeline import Pipeline
from tests.unit.cli.operator_runner import run
from tests.unit.events import combined

NAME = "log-stream-1-2025-03-01-12-34-56-0c7a5c2e-9b0f-4a57-8a1e-5d5a1f6f9a10"
ARRIVED = from_iso("2025-03-01T12:34:56Z")


def error_line(data: bytes, code: str = "errorCode", **more: Any) -> bytes:
    """A line of Firehose's error objects; of format conversion and Iceberg the code's name differs."""
    name = code.removesuffix("Code")
    entry = {
        "attemptsMade": 1,
        "arrivalTimestamp": ARRIVED,
        code: "Some.Code",
        f"{name}Message": "what went wrong",
        "attemptEndingTimestamp": ARRIVED + 5_000,
        "rawData": base64.b64encode(data).decode(),
    }
    return json.dumps(entry | more).encode() + b"\n"


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [
        ("processing-failed/2025/03/01/12/", "failed"),
        ("errors/processing-failed/year=2025/", "failed"),
        ("errors/type=processing-failed/", "failed"),
        ("errors/processing-failed-2025-03-01/", "failed"),
        ("errors/processing-failed2025/03/", "failed"),
        ("AmazonOpenSearchService_failed/2025/03/01/12/", "refused"),
        ("AmazonOpenSearchService-failed/2025/03/01/12/", "refused"),
        ("AmazonOpenSearchServerless-failed/2025/03/01/12/", "refused"),
        ("elasticsearch-failed/2025/03/01/12/", "refused"),
        ("elasticsearch_failed/2025/03/01/12/", "refused"),
        ("format-conversion-failed/2025/03/01/12/", "other"),
        ("error-output/partitioning-failed/2025/03/01/12/", "other"),
        ("errors/dynamic-partitioning-failed/2025/03/01/12/", "other"),
        ("decompression-failed/2025/03/01/12/", "other"),
        ("splunk-failed/2025/03/01/12/", "other"),
        ("http-endpoint-failed/2025/03/01/12/", "other"),
        ("errors/log-stream/iceberg-failed/2025/03/01/12/", "other"),
        ("snowflake-failed/2025/03/01/12/", "other"),
        ("errors/manifests/2025/03/01/12/", "other"),
        ("manifests/2025/03/01/12/", "other"),
        ("2025/03/01/12/", "delivered"),
        ("logs/year=2025/month=03/day=01/hour=12/", "delivered"),
        ("status=200/host=a/", "delivered"),
        ("logins-failed/2025/03/01/12/", "delivered"),
        ("splunk-failed-logins/2025/03/01/12/", "delivered"),
        ("not-splunk-failed/2025/03/01/12/", "delivered"),
    ],
)
@pytest.mark.parametrize("extension", ["", ".gz", ".json.gz"])
def test_each_prefix_is_known(prefix: str, kind: str, extension: str) -> None:
    """Below any other prefix, with any ErrorOutputPrefix and file extension."""
    for below in ("", "some/where/"):
        place = to_place("", f"{below}{prefix}{NAME}{extension}")
        assert place is not None
        assert place.kind == kind
        if kind == "delivered":
            assert place.arrival == from_iso("2025-03-01T12:00:00Z")


OTHERS = [
    ("format-conversion-failed", "lastErrorCode"),
    ("partitioning-failed", "errorCode"),
    ("decompression-failed", "errorCode"),
    ("splunk-failed", "errorCode"),
    ("http-endpoint-failed", "errorCode"),
    ("iceberg-failed", "errorCode"),
    ("snowflake-failed", "ErrorCode"),
]


@pytest.mark.parametrize(("name", "code"), OTHERS)
def test_redrive_names_what_it_leaves_alone(tmp_path: Path, name: str, code: str) -> None:
    """How many records, why, where, and what to do; exit status 1."""
    objects = Folder(tmp_path)
    objects.put(f"{name}/2025/03/01/12/{NAME}", error_line(b'{"a":1}\n', code) * 3)
    problems: list[str] = []
    (other,) = read_other_failures(objects, problems)
    assert (other.kind, other.records, other.reason) == (name, 3, "Some.Code: what went wrong")
    assert other.example == f"{name}/2025/03/01/12/{NAME} line 1"
    assert ("never reached" in other.advice) == (name == "decompression-failed")
    assert (problems, list(read_failed(objects, problems))) == ([], [])
    ran = run("redrive", str(tmp_path), "--secret", "none", "--dry-run", "--time-zone", "UTC")
    assert ran.status == 1
    assert f"3 × stays in {name}: Some.Code: what went wrong; {other.advice}" in ran.stdout


def test_redrive_names_manifests_and_strange_lines(tmp_path: Path) -> None:
    """What Redshift has not loaded is an object; lines that Firehose did not write are counted as such."""
    objects = Folder(tmp_path)
    objects.put(f"errors/manifests/2025/03/01/12/{NAME}", b'{"entries":[{"url":"s3://logs/x","mandatory":true}]}')
    objects.put(f"splunk-failed/2025/03/01/12/{NAME}", b"not JSON\n[]\n\n{}\n")
    by_reason = {(other.kind, other.reason): other.records for other in read_other_failures(objects, [])}
    assert by_reason == {
        ("manifests", "not loaded"): 1,
        ("splunk-failed", "a line that Firehose did not write"): 2,
        ("splunk-failed", "no reason is given"): 1,
    }


def test_backfill_and_reconcile_leave_them_out(rows_pipeline: Pipeline, tmp_path: Path) -> None:
    """No row is made of an error line; what is left out is told apart from what is read."""
    objects = Folder(tmp_path)
    for name, code in [*OTHERS, ("processing-failed", "errorCode"), ("AmazonOpenSearchService_failed", "errorCode")]:
        objects.put(f"{name}/2025/03/01/12/{NAME}", error_line(combined(), code) * 2)
    objects.put(f"somewhere/else/{NAME}", error_line(combined()))  # an ErrorOutputPrefix of its own
    objects.put(f"logs/2025/03/01/12/{NAME}", combined())
    seen = Seen()
    assert sum(outcome.ledger.rows for outcome in run_old_logs(objects, rows_pipeline, seen)) == 1
    named = {name: 1 for name, _ in OTHERS}
    assert seen.left_out == named | {"Firehose's error objects": 1}
    assert (seen.lines, seen.problems) == (1, [])


def test_an_error_object_is_known_by_what_it_holds() -> None:
    """A log whose lines have some of these members is none."""
    assert is_error_object(error_line(b"x"))
    assert is_error_object(error_line(b"x").rstrip())
    assert not is_error_object(b'{"rawData":"x","host":"y"}\n')
    assert not is_error_object(b'{"attemptsMade":1,"a":"rawData"\n')
    assert not is_error_object(combined())
    assert not is_error_object(b"")


def test_the_streams_time_zone_rules_dates(rows_pipeline: Pipeline, tmp_path: Path) -> None:
    """A stream with CustomTimeZone writes prefix and name in it."""
    objects = Folder(tmp_path)
    objects.put(f"2025/03/01/21/{NAME.replace('12-34', '21-34')}", combined())
    for zone, hour in ((ZoneInfo("Asia/Tokyo"), 12), (UTC, 21), (ZoneInfo("Asia/Kolkata"), 15)):
        (place,) = iter_places(objects, zone)
        minutes = 30 if hour == 15 else 0
        assert place.arrival == from_iso(f"2025-03-01T{hour}:{minutes:02}:00Z")
    reach = 1000 * next(iter(rows_pipeline.outputs.values())).settings.max_past_seconds
    # The windows that an object can hold end with its hour of arrival, so another zone's are others.
    for zone, first, is_read in (
        (ZoneInfo("Asia/Tokyo"), "2025-03-01T13:00Z", True),
        (ZoneInfo("Asia/Tokyo"), "2025-03-01T21:00Z", False),
        (UTC, "2025-03-01T21:00Z", True),
    ):
        seen = Seen()
        list(run_old_logs(objects, rows_pipeline, seen, (from_iso(first), from_iso(first) + reach), zone))
        assert (seen.skipped, seen.lines) == ((0, 1) if is_read else (1, 0))


def test_an_hour_that_comes_twice_is_read_as_both(default_pipeline: Pipeline, tmp_path: Path) -> None:
    """When clocks go back, the name does not tell which of two hours it is."""
    objects = Folder(tmp_path)
    objects.put("2025/10/26/02/log-stream-1-2025-10-26-02-30-00-x", combined())
    seen = Seen()
    list(run_old_logs(objects, default_pipeline, seen, zone=ZoneInfo("Europe/Berlin")))
    assert seen.hours == (from_iso("2025-10-26T00:00Z"), from_iso("2025-10-26T01:00Z"))


@pytest.mark.parametrize("command", [["redrive"], ["backfill", "--opensearch", "http://x"], ["reconcile"]])
def test_an_unknown_zone_is_one_line(tmp_path: Path, command: list[str]) -> None:
    """The name, and an example."""
    more = ["--opensearch", "http://127.0.0.1:1"] if command == ["reconcile"] else []
    ran = run(command[0], str(tmp_path), *command[1:], *more, "--time-zone", "Mars/Base")
    assert (ran.status, ran.error) == (2, "unknown time zone 'Mars/Base': give a name such as Asia/Tokyo, or UTC")


def test_redrive_asks_the_stream_for_its_zone() -> None:
    """Where it may be described; otherwise names are in UTC."""

    class OneStream:
        def call(self, *_: Any, **__: Any) -> Any:
            destination = {"DestinationId": "x", "ExtendedS3DestinationDescription": {"CustomTimeZone": "Asia/Tokyo"}}
            return {"DeliveryStreamDescription": {"Destinations": [destination]}}

    zone_of: Any = find_time_zone
    assert zone_of(OneStream(), "log-stream") == "Asia/Tokyo"


def test_what_is_taken_is_still_taken(default_pipeline: Pipeline, tmp_path: Path) -> None:
    """processing-failed/ with a date instead of a folder below it: taken, and removed when it was sent."""
    objects = Folder(tmp_path)
    objects.put(
        f"errors/processing-failed-2025/{NAME}", error_line(combined(), errorCode="Lambda.ProcessingFailedStatus")
    )
    planned = plan_redrive(objects, Rules(default_pipeline))
    assert (planned.decision.records, planned.others, planned.is_whole) == (1, [], True)
