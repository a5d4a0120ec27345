"""The log bucket at deployment: the prefix is checked, the table made, changed, or left as it is."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from streamtally.aws.clients import AwsError
from streamtally.aws.handlers import log_bucket
from streamtally.errors import SettingsError
from tests.integration.opensearch.data import make_pipeline


class Glue:
    """Glue's three operations; a refusal instead of a table if ``code`` is given."""

    def __init__(self, table: dict[str, Any] | None = None, code: str = "EntityNotFoundException") -> None:
        self.table, self.code = table, code
        self.writes: list[str] = []

    def get_table(self, **_: Any) -> dict[str, Any]:
        if self.table is None:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "GetTable")
        return {"Table": self.table}

    def create_table(self, DatabaseName: str, TableInput: dict[str, Any]) -> None:
        self.writes.append(f"create {DatabaseName}")
        self.table = TableInput

    def update_table(self, DatabaseName: str, TableInput: dict[str, Any]) -> None:
        self.writes.append(f"update {DatabaseName}")
        self.table = TableInput


def names(glue: Glue) -> list[str]:
    assert glue.table is not None
    return [column["Name"] for column in glue.table["StorageDescriptor"]["Columns"]]


def test_the_table_is_made_once_and_grows() -> None:
    glue = Glue()
    assert "created the table logs.lines of 2 columns" in log_bucket.make_table(glue, "logs", ["a", "b"], "s3://x/y/")
    assert "up to date" in log_bucket.make_table(glue, "logs", ["b", "a"], "s3://x/y/")
    assert "to 3 columns" in log_bucket.make_table(glue, "logs", ["b", "c"], "s3://x/y/")
    assert names(glue) == ["a", "b", "c"]
    assert "changed" in log_bucket.make_table(glue, "logs", ["c"], "s3://x/z/")  # another folder
    assert glue.writes == ["create logs", "update logs", "update logs"]


def test_a_refusal_is_not_an_absent_table() -> None:
    glue = Glue(code="AccessDeniedException")
    with pytest.raises(AwsError, match="AccessDenied"):
        log_bucket.make_table(glue, "logs", ["a"], "s3://x/y/")
    assert glue.writes == []


def test_the_pipelines_columns_reach_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    glue = Glue()
    monkeypatch.setattr(log_bucket, "glue_client", lambda: glue)
    environment = {"GLUE_DATABASE": "logs", "GLUE_LOCATION": "s3://my-logs/logs/", "LOG_PREFIX": "logs/"}
    log_bucket.prepare_log_bucket(environment, make_pipeline())
    assert {"unparsed", "reason"} <= set(names(glue))


# Nothing is asked of Glue without a database, and a prefix is checked all the same.
def test_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_bucket, "glue_client", lambda: pytest.fail("Glue was called"))
    assert log_bucket.prepare_log_bucket({}, make_pipeline()) == "no table"
    environment = {"LOG_PREFIX": "a/!{partitionKeyFromLambda:host}/", "LOG_BUFFER_MBS": "64"}
    with pytest.raises(SettingsError, match="partition key host"):
        log_bucket.prepare_log_bucket(environment, make_pipeline())
    with pytest.raises(SettingsError, match="LOG_BUFFER_MBS"):
        log_bucket.prepare_log_bucket({"LOG_BUFFER_MBS": "many"}, make_pipeline())
