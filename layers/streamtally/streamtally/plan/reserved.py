"""Reserved column names: OpenSearch's metadata fields, and ``tally``, in which documents keep their own data."""

from __future__ import annotations

METADATA_FIELDS = frozenset(
    [
        "_data_stream_timestamp",
        "_doc_count",
        "_dynamic_templates",
        "_field_names",
        "_id",
        "_if_primary_term",
        "_if_seq_no",
        "_ignored",
        "_index",
        "_ingest",
        "_meta",
        "_nested_path",
        "_op_type",
        "_primary_term",
        "_require_alias",
        "_routing",
        "_seq_no",
        "_size",
        "_source",
        "_tier",
        "_type",
        "_version",
        "_version_type",
    ]
)
"""Metadata fields of OpenSearch documents, and of requests in an ingest pipeline."""


def why_reserved(column: str) -> str | None:
    """Why no column can have this name, as a clause; None if one can.

    A dot makes an object of the part before it, so only that part is checked.
    """
    first = column.partition(".")[0]
    if first == "tally":
        return "it is reserved for Streamtally's own data"
    return "it is reserved by OpenSearch" if first in METADATA_FIELDS else None
