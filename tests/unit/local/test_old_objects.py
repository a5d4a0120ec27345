"""Objects that are streamed, by any number of processes, give what reading them whole, one after another, gives."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from streamtally.aws.sinks.objects import Bucket, Folder
from streamtally.errors import WorkerError
from streamtally.local import old_logs, old_objects
from streamtally.local.old_logs import Seen, run_old_logs
from streamtally.local.old_objects import Place, list_objects, read_object, read_objects
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.transform import iter_documents

LINE = b'198.51.100.7 - - [08/Sep/2017:08:%02d:00 +0000] "GET /%d HTTP/1.1" 200 5316 "-" "test"\n'
LINES = b"".join(LINE % (number % 60, number) for number in range(30))
ROW = '{"line_id":"%016x0000000000000000","host":"192.0.2.1","datetime":"08/Sep/2017:08:47:00 +0000","response":200}\n'
DELIVERED = "".join(ROW % number for number in range(1, 9)).encode()
FAILED = json.dumps({"attemptsMade": 1, "arrivalTimestamp": 1, "rawData": "eA=="}).encode() + b"\n"
HOUR = "2017/09/08/08/"
OBJECTS = {
    f"{HOUR}stream-1-2017-09-08-08-00-00-a": LINES,
    f"{HOUR}stream-1-2017-09-08-08-10-00-b.gz": gzip.compress(LINES + b"no format\n\n\nx"),
    f"{HOUR}stream-1-2017-09-08-08-20-00-c": DELIVERED + b'{"unparsed":"x","reason":"y"}\n',
    f"{HOUR}stream-1-2017-09-08-08-30-00-d": DELIVERED[-300:] + DELIVERED[:100],
    "a/broken.gz": gzip.compress(LINES * 50)[:-20],
    "a/picture.log": b"\x89PNG\r\n\x1a\n\0\0\0",
    "a/empty": b"",
    "a/header.log": b"#Fields: date time c-ip sc-status\n2025-06-11 00:01:00 192.0.2.2 404\n",
    "a/utf16.log": LINES.decode().encode("utf-16"),
    "a/wide.log": LINES + b"y" * 1_200_000 + b"\n" + LINES,
    "moved/failed": FAILED,
    "processing-failed/2017/09/08/08/x": FAILED,
    "splunk-failed/2017/09/08/08/x": FAILED,
}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    for key, data in OBJECTS.items():
        path = tmp_path / "logs" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Folder(tmp_path / "logs")


def whole(objects: Folder, pipeline: Pipeline) -> tuple[Ledger, list[bytes], Seen]:
    ledger, documents, seen = Ledger(), list[bytes](), Seen()
    for outcome in run_old_logs(objects, pipeline, seen):
        ledger.add(outcome.ledger)
        documents += iter_documents(outcome.deliveries)
    return ledger, documents, seen


def streamed(objects: Any, pipeline: Pipeline, location: str, workers: int) -> tuple[Ledger, list[bytes], Seen]:
    ledger, documents, seen = Ledger(), list[bytes](), Seen()
    place = Place(location, None, None, None)
    for counted, made in read_objects(place, objects, pipeline, seen, workers):
        documents += made
        ledger.add(counted)
    return ledger, documents, seen


def same(one: Seen, other: Seen) -> bool:
    names = ("lines", "unparsed", "twins", "without_id", "left_out", "problems", "line_ids")
    return [getattr(one, name) for name in names] == [getattr(other, name) for name in names]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_logs, "BATCH_LINES", 12)


def test_as_read_whole(folder: Folder, default_pipeline: Pipeline, tmp_path: Path) -> None:
    ledger, documents, seen = streamed(folder, default_pipeline, str(tmp_path / "logs"), 1)
    expected_ledger, expected_documents, expected_seen = whole(folder, default_pipeline)
    assert ledger == expected_ledger
    assert documents == expected_documents
    assert same(seen, expected_seen)
    assert (seen.twins, seen.unparsed, len(seen.problems)) == (3, 1, 2)
    assert seen.left_out == {"Firehose's error objects": 1, "splunk-failed": 1}


@pytest.mark.large
def test_by_any_number_of_processes(
    folder: Folder, default_pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # another process does not know it
    alone = streamed(folder, default_pipeline, str(tmp_path / "logs"), 1)
    for workers in (2, 3):
        ledger, documents, seen = streamed(folder, default_pipeline, str(tmp_path / "logs"), workers)
        assert (ledger, documents) == alone[:2]
        assert same(seen, alone[2])


def _dies(*_: Any) -> None:
    raise SystemExit(3)


@pytest.mark.large
def test_a_process_that_dies(
    folder: Folder, default_pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_objects, "_serve", _dies)
    with pytest.raises(WorkerError, match=r"died \(exit status 3\) in (a|2017)/"):
        streamed(folder, default_pipeline, str(tmp_path / "logs"), 2)


# An object whose end cannot be read counts nothing: it is read again, and its documents would then be others.
def test_a_connection_that_breaks(default_pipeline: Pipeline, tmp_path: Path) -> None:
    class Body(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 300_000:
                raise TimeoutError("no answer")
            return super().read(size)

    class S3:
        def list_objects_v2(self, **_: Any) -> dict[str, Any]:
            return {"Contents": [{"Key": "old/a.log"}]}

        def get_object(self, **_: Any) -> dict[str, Any]:
            return {"Body": Body(LINES * 300)}

    bucket = Bucket(S3(), "logs", "old/")
    (old,) = list_objects(bucket, Seen())
    read = read_object(bucket, old, default_pipeline, tmp_path)
    assert read.ledger.lines == 0
    assert read.seen.problems == ["a.log: s3://logs/old/a.log: cannot be read: TimeoutError: no answer"]
    assert list(tmp_path.iterdir()) == []


def test_a_line_without_an_end(folder: Folder, default_pipeline: Pipeline, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(old_objects, "MAX_LINE_BYTES", 1_000_000)
    read = next(old for old in list_objects(folder, Seen()) if old.key == "a/wide.log")
    result = read_object(folder, read, default_pipeline, tmp_path)
    assert result.seen.problems == ["a/wide.log: a line has more than 1,000,000 bytes"]
