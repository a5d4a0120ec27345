"""Names that no column can have: OpenSearch keeps them for itself, or documents their own account."""

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
"""What OpenSearch keeps of a document beside its fields, and an ingest pipeline of a request."""


def why_reserved(column: str) -> str | None:
    """Why no column can have this name, as a clause; None: it can. A dot makes an object of what is before it."""
    first = column.partition(".")[0]
    if first == "tally":
        return "documents keep their own account there"
    return "it is OpenSearch's own" if first in METADATA_FIELDS else None
