"""Anomaly detectors of OpenSearch, and monitors for them, over the documents of an output.

Source of the bodies: *Anomaly Detection APIs* (create detector) and *Configuring anomaly alerting* in OpenSearch's
documentation. No plugin was at hand to try them on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

GRADE = 0.7
"""The grade (0 to 1) above which the monitor alerts. Scores of Kinesis Analytics have another scale."""
DELAY_MINUTES = 2
"""How long the detector waits for documents: they are delivered and settled within about a minute."""
MAX_FEATURES = 5
"""Features of a detector without changing ``plugins.anomaly_detection.max_anomaly_features``."""


@dataclass(frozen=True, slots=True)
class Detector:
    """What a detector over an output reads.

    Attributes:
        stream: the in-application stream of the output.
        features: the output's columns that are features.
        missing: columns of the CURSOR that the output does not have.
        shingle_size: how many intervals form a point.
        interval_minutes: the length of an interval.
        threshold: the WHERE on the score, as in the program; empty: there is none.
    """

    stream: str
    features: tuple[str, ...]
    missing: tuple[str, ...]
    shingle_size: int
    interval_minutes: int
    threshold: str


def detector_body(detector: Detector, index: str, time_field: str) -> dict[str, Any]:
    """The body of ``POST _plugins/_anomaly_detection/detectors``.

    Args:
        index: the alias of the output.
        time_field: a date field of its documents.
    """
    said = f"; Kinesis Analytics: ANOMALY_SCORE {detector.threshold}" if detector.threshold else ""
    return {
        "name": f"{index}-anomalies"[:64],
        "description": f"RANDOM_CUT_FOREST of the stream {detector.stream}{said}",
        "time_field": time_field,
        "indices": [index],
        "feature_attributes": [
            {
                "feature_name": name,
                "feature_enabled": True,
                "aggregation_query": {name: {"avg": {"field": column}}},
            }
            for name, column in zip(_feature_names(detector.features), detector.features, strict=True)
        ],
        "filter_query": {"match_all": {}},
        "detection_interval": _period(detector.interval_minutes, "Minutes"),
        "window_delay": _period(DELAY_MINUTES, "Minutes"),
        "shingle_size": detector.shingle_size,
    }


def monitor_body(detector: Detector, index: str) -> dict[str, Any]:
    """The body of ``POST _plugins/_alerting/monitors``: an alert for a high grade.

    The detector's id, which its creation returns, takes the place of DETECTOR_ID.
    """
    minutes = detector.interval_minutes
    grade = "ctx.results[0].aggregations.max_anomaly_grade.value"
    ended = {"gte": f"{{{{period_end}}}}||-{minutes}m", "lte": "{{period_end}}", "format": "epoch_millis"}
    filters = [{"range": {"execution_end_time": ended}}, {"term": {"detector_id": {"value": "DETECTOR_ID"}}}]
    query = {
        "size": 1,
        "query": {"bool": {"filter": filters}},
        "aggregations": {"max_anomaly_grade": {"max": {"field": "anomaly_grade"}}},
    }
    script = {"lang": "painless", "source": f"return {grade} != null && {grade} > {GRADE}"}
    trigger = {"name": f"{index}-anomaly", "severity": "1", "condition": {"script": script}, "actions": []}
    return {
        "type": "monitor",
        "monitor_type": "query_level_monitor",
        "name": f"{index}-anomalies"[:64],
        "enabled": True,
        "schedule": _period(minutes, "MINUTES"),
        "inputs": [{"search": {"indices": [".opendistro-anomaly-results*"], "query": query}}],
        "triggers": [{"query_level_trigger": trigger}],
    }


def _period(interval: int, unit: str) -> dict[str, Any]:
    return {"period": {"interval": interval, "unit": unit}}


def _feature_names(columns: Sequence[str]) -> list[str]:
    """Names of letters, digits, - and _, each once and of at most 64 characters, as the plugin demands."""
    names: list[str] = []
    for column in columns:
        name = re.sub(r"[^A-Za-z0-9_-]", "_", column)[:60] or "feature"
        number = 2
        unique = name
        while unique in names:
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
    return names
