"""Reference tables in S3, read by the transform from moto's server: versions, refreshes, and what is refused."""

from __future__ import annotations

import uuid
from zoneinfo import ZoneInfo

import pytest
from aws_lambda_powertools import Logger

from streamtally.aws.handlers.current_pipeline import RETRY_MS, CurrentPipeline
from streamtally.aws.reference_objects import read_from, read_objects
from streamtally.errors import SettingsError
from streamtally.transform.pipeline import Pipeline, load_pipeline, read_references
from tests.integration.moto.conftest import World
from tests.unit.events import run
from tests.unit.transform.test_joined_rows import PAYLOADS, TEXT, document_of


class Table:
    """A bucket with the table's object. Attributes: pipeline: the pipeline that names it, without its content."""

    def __init__(self, world: World) -> None:
        self.s3 = world.client("s3")
        self.bucket = f"reference-tables-{uuid.uuid4().hex[:8]}"
        self.s3.create_bucket(Bucket=self.bucket)
        document = document_of(None)
        document["references"]["StatusNames"]["place"] = f"s3://{self.bucket}/tables/names.csv"
        document["references"]["StatusNames"]["refresh_seconds"] = 60
        self.pipeline = load_pipeline(document, ZoneInfo)
        self.read = read_from(lambda: self.s3)

    def put(self, text: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key="tables/names.csv", Body=text.encode())

    def current(self) -> CurrentPipeline:
        return CurrentPipeline(self.pipeline, self.read, Logger(service="test"))


@pytest.fixture
def table(world: World) -> Table:
    return Table(world)


def _joined(pipeline: Pipeline) -> int:
    ledger = run(pipeline, PAYLOADS).ledger
    assert ledger.imbalance() == []
    return len(PAYLOADS)


# The object's content joins the rows; unchanged it is not sent again, changed it is another version of the same plan.
def test_a_changed_object_is_another_version(table: Table) -> None:
    table.put(TEXT)
    current = table.current()
    first = current(0)
    assert _joined(first)
    assert current(60_000) is first  # 304, not modified
    table.put(TEXT.replace("Missing", "Gone"))
    second = current(120_000)
    assert second.plan_id != first.plan_id
    assert second.plan_id[:16] == first.plan_id[:16]
    assert _joined(second)
    table.put(TEXT)
    assert current(180_000).plan_id == first.plan_id


# Without the object no batch is answered; one that goes missing later leaves the content in use.
def test_an_object_that_is_missing(table: Table) -> None:
    current = table.current()
    with pytest.raises(SettingsError, match=r"StatusNames \(s3://reference-tables-.*NoSuchKey.*check bucket and key"):
        current(0)
    table.put(TEXT)
    first = current(1)
    table.s3.delete_object(Bucket=table.bucket, Key="tables/names.csv")
    assert current(60_001) is first
    assert current.failed == 1
    table.put(TEXT.replace("Missing", "Gone"))
    assert current(60_001 + RETRY_MS).plan_id != first.plan_id


# A bucket that is missing is named, with what to check; local commands read the object in the same way.
def test_local_commands_read_the_object(table: Table) -> None:
    table.put(TEXT)
    references = read_references(table.pipeline.document)
    assert read_objects(references, table.read) == {"StatusNames": TEXT.encode()}
    table.s3.delete_object(Bucket=table.bucket, Key="tables/names.csv")
    table.s3.delete_bucket(Bucket=table.bucket)
    with pytest.raises(SettingsError, match=r"NoSuchBucket.*check bucket and key"):
        read_objects(references, table.read)
