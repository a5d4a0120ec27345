"""RANDOM_CUT_FOREST → an anomaly detector of OpenSearch over the documents of a row or windowed output.

A score depends on every row before it, so the functions cannot compute it. OpenSearch's plugin runs the same algorithm
on what is indexed. The output keeps its rows; what the program says of the forest becomes the detector.

Source: *RANDOM_CUT_FOREST* in Kinesis Analytics' SQL Reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from streamtally.indices.detectors import MAX_FEATURES, Detector
from streamtally.plan.types import DOUBLE
from streamtally.sql.expressions.typed import PlanNode, Typed
from streamtally.sql.forest import Forest
from streamtally.sql.plan_tree import children
from streamtally.sql.planning.relations import Relation

SCORE_MARK = "anomaly_score"
"""Marks the NULL that stands for a score in an expression; its value is the number of the forest."""
MINUTE_MS = 60_000


def score_column(forest: int) -> Typed:
    """What stands for the score of a forest in expressions."""
    return Typed({"literal": None, "type": "DOUBLE", SCORE_MARK: forest}, DOUBLE)


def forest_in(node: Any) -> int | None:
    """The forest whose score an expression uses; None: it uses none."""
    if isinstance(node, dict) and SCORE_MARK in node:
        return int(node[SCORE_MARK])
    return next((number for child in children(node) if (number := forest_in(child)) is not None), None)


def is_score(node: PlanNode) -> bool:
    """Whether an expression is a score, possibly cast, and not something computed from one."""
    return SCORE_MARK in _uncast(node)


def without_scores(relation: Relation) -> tuple[Relation, list[PlanNode]]:
    """A relation without conditions on scores, with NULL in their columns; and these conditions."""
    kept: list[PlanNode] = []
    removed: list[PlanNode] = []
    for condition in relation.conditions:
        for part in _conjuncts(condition):
            (kept if forest_in(part) is None else removed).append(part)
    columns = tuple(
        replace(column, value=replace(column.value, node=_unmarked(column.value.node))) for column in relation.columns
    )
    return replace(relation, columns=columns, conditions=tuple(kept)), removed


def _conjuncts(condition: PlanNode) -> Iterator[PlanNode]:
    if condition.get("op") == "and":
        for part in condition["args"]:
            yield from _conjuncts(part)
    else:
        yield condition


def _unmarked(node: Any) -> Any:
    if isinstance(node, list):
        return [_unmarked(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {name: _unmarked(child) for name, child in node.items() if name != SCORE_MARK}


def threshold_of(condition: PlanNode) -> str | None:
    """``> 3.0`` of a condition that compares a score with a number; None for any other."""
    if condition.get("op") not in (">", ">="):
        return None
    score, limit = (_uncast(argument) for argument in condition["args"])
    if SCORE_MARK not in score or not isinstance(limit.get("literal"), int | float | str):
        return None
    return f"{condition['op']} {limit['literal']}"


def _uncast(node: PlanNode) -> PlanNode:
    while "cast" in node:
        node = node["cast"]
    return node


def make_detector(stream: str, relation: Relation, forest: Forest, threshold: str) -> Detector:
    """The detector over an output; without features if the output has no column of the CURSOR."""
    shown = {repr(_uncast(column.value.node)): column.name for column in reversed(relation.columns)}
    pairs = {name: shown.get(repr(_uncast(node))) for name, node in forest.columns.items()}
    features = tuple(column for column in pairs.values() if column is not None)
    missing = tuple(name for name, column in pairs.items() if column is None)
    window_ms = relation.window.window_ms if relation.window is not None else MINUTE_MS
    return Detector(stream, features, missing, forest.shingle_size, max(1, window_ms // MINUTE_MS), threshold)


def detector_note(detector: Detector) -> str:
    """What the user should know of a detector."""
    threshold = f"; WHERE ANOMALY_SCORE {detector.threshold} filters no rows" if detector.threshold else ""
    missing = f"; no feature, since the output lacks them: {', '.join(detector.missing)}" if detector.missing else ""
    many = f"; more than {MAX_FEATURES} features need a higher limit" if len(detector.features) > MAX_FEATURES else ""
    return (
        f'RANDOM_CUT_FOREST becomes an anomaly detector of OpenSearch over "{detector.stream}" (features: '
        f"{', '.join(detector.features)}): ANOMALY_SCORE is NULL in its documents{threshold}{missing}{many}"
    )
