"""One object's documents as parts, and the account of them."""

from __future__ import annotations

import gzip
import json
import re
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.sinks.objects import Folder
from streamtally.backfill import reading
from streamtally.backfill.account import Account, read_account
from streamtally.backfill.loading import read_accounts
from streamtally.backfill.reading import read_object_to_parts
from streamtally.indices.load_contents import Contents
from streamtally.indices.spec import read_specs
from streamtally.local.folder import read_folder
from streamtally.local.load_spool import unpack
from streamtally.local.old_logs import Seen
from streamtally.local.old_objects import Place, list_objects, read_object
from streamtally.transform.pipeline import Pipeline, load_pipeline

LINE = '198.51.100.%d - - [08/Sep/2017:%02d:%02d:00 +0000] "GET /%d HTTP/1.1" %d 100 "-" "test"\n'
LOG = "".join(LINE % (n % 9, n % 5, n * 7 % 60, n % 5, (200, 304, 404)[n % 3]) for n in range(300)).encode()


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return load_pipeline(read_folder(None), ZoneInfo)


@pytest.fixture
def stores(tmp_path: Path) -> tuple[Folder, Folder]:
    (tmp_path / "logs").mkdir()
    return Folder(tmp_path / "logs"), Folder(tmp_path / "work")


def read(stores: tuple[Folder, Folder], pipeline: Pipeline, key: str, seconds: float = 900) -> Account:
    specs = read_specs(pipeline.document, "log-summary")
    return read_object_to_parts(stores[0], key, pipeline, specs, stores[1], lambda: seconds)


def parts(work: Folder) -> dict[str, bytes]:
    return {key: work.get(key) for key in work.keys(reading.PARTS)}


@pytest.mark.parametrize("data", [LOG, gzip.compress(LOG)], ids=["plain", "gzip"])
def test_parts_are_the_documents_of_backfill(
    data: bytes, stores: tuple[Folder, Folder], pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PART_BYTES", 10_000)
    objects, work = stores
    objects.put("a/access.log", data)
    account = read(stores, pipeline, "a/access.log")
    assert (account.lines, account.rows, account.unparsed, account.problems) == (300, 300, 0, [])
    written = parts(work)
    assert len(written) > 2
    documents = [document for part in written.values() for _, document in unpack(BytesIO(part))]
    (old,) = list_objects(objects, Seen())
    expected = read_object(Place(objects.name, None, None, None).open(), old, pipeline, tmp_path).documents
    assert documents == expected.read_bytes().splitlines()
    # A repetition writes the same parts, and the account that was written is the one that was returned.
    assert read(stores, pipeline, "a/access.log") == account
    assert parts(work) == written
    assert read_accounts(work) == account


def test_accounts_of_objects_add_up(stores: tuple[Folder, Folder], pipeline: Pipeline) -> None:
    for number in range(3):
        stores[0].put(f"access-{number}.log", LOG[number * 800 :])
    total = Account()
    for number in range(3):
        total.add(read(stores, pipeline, f"access-{number}.log"))
    assert read_accounts(stores[1]) == total
    assert read_account(json.loads(json.dumps(total.to_json()))) == total
    assert total.lines == sum(LOG[number * 800 :].count(b"\n") for number in range(3))


# An object counts as a whole or not at all: what was written before it broke off is taken back.
def test_a_broken_object_leaves_no_parts(
    stores: tuple[Folder, Folder], pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PART_BYTES", 2_000)
    stores[0].put("access.log.gz", gzip.compress(LOG * 40)[:-100])
    account = read(stores, pipeline, "access.log.gz")
    (problem,) = account.problems
    assert problem.startswith("access.log.gz: ")
    assert (account.lines, account.contents, parts(stores[1])) == (0, {}, {})


@pytest.mark.parametrize(
    ("data", "seconds", "reason"),
    [
        (b'{"line_id":"%s","host":"192.0.2.1"}\n' % (b"1" * 32), 900, "its lines have a line_id"),
        (LOG, 44, r"does not end within one invocation \(300 lines were read\)"),
        (b"\0\1\2\3" * 100, 900, "a.log: "),
    ],
)
def test_what_cannot_be_loaded_here_is_a_problem(
    data: bytes, seconds: float, reason: str, stores: tuple[Folder, Folder], pipeline: Pipeline
) -> None:
    stores[0].put("a.log", data)
    account = read(stores, pipeline, "a.log", seconds)
    assert len(account.problems) == 1
    assert re.search(reason, account.problems[0])
    assert not parts(stores[1])


# As by backfill: their lines are elsewhere, or were never counted.
def test_firehoses_errors_are_left_out(stores: tuple[Folder, Folder], pipeline: Pipeline) -> None:
    key = "processing-failed/2025/03/04/05/stream-1-2025-03-04-05-06-07-0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"
    stores[0].put(key, b"{}\n")
    assert read(stores, pipeline, key) == Account()  # redrive's
    assert read(stores, pipeline, key.replace("processing", "splunk")).left_out.total() == 1


def test_merged_contents_are_those_of_all_documents() -> None:
    every, first, second = Contents(), Contents(), Contents()
    for number in range(50):
        document, time_ms = b'{"a":%d}' % (number % 20), number * 60_000 * 7
        window_ms = 60_000 if number % 3 else 0
        for contents in (every, first if number % 2 else second):
            contents.add(document, "out", time_ms, window_ms)
    first.merge(second)
    assert first == every
    assert first.digest == every.digest
