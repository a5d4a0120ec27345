"""The field types of OpenSearch that ``types`` of an output may name.

Source: OpenSearch's page "Supported field types". A column holds one value, text or a number, and ``types`` gives a
type without parameters; types that need either to be otherwise are refused with that reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streamtally.errors import SettingsError
from streamtally.text import near_names, visible

FIELD_TYPES = (
    "binary",
    "boolean",
    "byte",
    "completion",
    "date",
    "date_nanos",
    "double",
    "float",
    "geo_point",
    "geo_shape",
    "half_float",
    "integer",
    "ip",
    "keyword",
    "long",
    "match_only_text",
    "rank_feature",
    "search_as_you_type",
    "short",
    "text",
    "unsigned_long",
    "wildcard",
    "xy_point",
    "xy_shape",
)
"""Types of one value that need no parameter."""

_NOT_ALONE = {
    "alias": "it is another field's name",
    **dict.fromkeys(("flat_object", "nested", "object", "join", "percolator", "rank_features"), "it holds objects"),
    **dict.fromkeys(
        ("date_range", "double_range", "float_range", "integer_range", "ip_range", "long_range"), "it holds ranges"
    ),
    **dict.fromkeys(
        ("constant_keyword", "derived", "knn_vector", "scaled_float", "sparse_vector", "token_count"),
        "it needs parameters",
    ),
}
"""Types that OpenSearch has and a column cannot take, and why."""


def check_types(types: Mapping[str, str], columns: Iterable[str], where: str) -> None:
    """Refuse an index type for a column that the output does not have, and one that no column can take.

    Args:
        types: column → field type of OpenSearch.
        where: the table, as it begins the message.
    Raises: SettingsError.
    """
    known = sorted(columns)
    for name, kind in types.items():
        if name not in known:
            near = near_names(name, known, 1)
            advice = f"did you mean {near[0]!r}? Its" if near else "its"
            shown = visible(name, 60)
            raise SettingsError(
                f"{where} types.{shown} is not a column of this output: {advice} columns are {', '.join(known)}"
            )
        if kind not in FIELD_TYPES:
            raise SettingsError(f"{where} types.{visible(name, 60)} = {visible(kind, 60)!r}: {_advice(kind)}")


def _advice(kind: str) -> str:
    if reason := _NOT_ALONE.get(kind):
        return f"a column cannot have this type of OpenSearch: {reason}"
    near = near_names(kind, FIELD_TYPES, 1)
    question = f"did you mean {near[0]!r}? " if near else ""
    return f"OpenSearch has no such field type: {question}The types are {', '.join(FIELD_TYPES)}"
