"""Prepares the log bucket at deployment: checks the prefix's partition keys, and makes the Glue table for Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamtally.aws.clients import AwsError, aws_errors, glue_client
from streamtally.errors import SettingsError
from streamtally.transform.lake import TABLE, check_prefix, merge_columns, table_columns, to_table
from streamtally.transform.pipeline import Pipeline


def prepare_log_bucket(environment: Mapping[str, str], pipeline: Pipeline) -> str:
    """Check ``LOG_PREFIX`` and make the table in ``GLUE_DATABASE``; both may be empty.

    Returns: what was done, for the log.
    Raises: SettingsError: the prefix and the pipeline contradict each other. AwsError: Glue refused.
    """
    keys = (pipeline.document.get("source") or {}).get("partition_keys") or ()
    check_prefix(environment.get("LOG_PREFIX", ""), _number(environment.get("LOG_BUFFER_MBS")), keys)
    database = environment.get("GLUE_DATABASE", "")
    if not database:
        return "no table"
    columns = table_columns(pipeline.source, pipeline.document["plan"])
    return make_table(glue_client(), database, columns, environment.get("GLUE_LOCATION", ""))


def make_table(glue: Any, database: str, columns: list[str], location: str) -> str:
    """Create the table, or add new columns to it. Returns: what was done. Raises: AwsError."""
    try:
        with aws_errors():
            have = glue.get_table(DatabaseName=database, Name=TABLE)["Table"]
    except AwsError as error:
        if error.code != "EntityNotFoundException":
            raise
        with aws_errors():
            glue.create_table(DatabaseName=database, TableInput=to_table(columns, location))
        return f"created the table {database}.{TABLE} of {len(columns)} columns"
    descriptor = have.get("StorageDescriptor") or {}
    merged = merge_columns(descriptor.get("Columns") or (), columns)
    if len(merged) == len(descriptor.get("Columns") or ()) and descriptor.get("Location") == location:
        return f"the table {database}.{TABLE} is up to date"
    with aws_errors():
        glue.update_table(DatabaseName=database, TableInput=to_table(merged, location))
    return f"changed the table {database}.{TABLE} to {len(merged)} columns"


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        raise SettingsError(f"LOG_BUFFER_MBS = {text!r}: write a number of MB") from None
