"""CloudWatch's rules for an alarm on one metric, as far as template.yaml uses them: periods, M of N, missing data."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

Points = Sequence[tuple[float, float]]
"""(second, value), in order."""

STATISTICS = {"Sum": sum, "Maximum": max, "Minimum": min}
COMPARISONS = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}


def states(alarm: Mapping[str, Any], points: Points, start: int, end: int) -> list[str]:
    """The alarm's state at each minute: "OK", "ALARM" or "INSUFFICIENT_DATA".

    The periods end at the minute of the evaluation. Data that are missing count as breaching or as not, or (``ignore``)
    leave the state as it is where the others do not decide.
    """
    period, count = int(alarm["Period"]), int(alarm["EvaluationPeriods"])
    needed = int(alarm.get("DatapointsToAlarm", count))
    breaches = COMPARISONS[alarm["ComparisonOperator"]]
    threshold, statistic = float(alarm["Threshold"]), STATISTICS[alarm["Statistic"]]
    missing = alarm["TreatMissingData"]
    state, seen = "INSUFFICIENT_DATA", []
    times = [at for at, _ in points]
    for now in range(start, end, 60):
        verdicts: list[bool | None] = []
        for number in range(count):
            low, high = now - (number + 1) * period, now - number * period
            values = [value for _, value in points[bisect_left(times, low) : bisect_left(times, high)]]
            verdicts.append(breaches(statistic(values), threshold) if values else _verdict(missing))
        bad, open_ = verdicts.count(True), verdicts.count(None)
        if bad >= needed:
            state = "ALARM"
        elif bad + open_ < needed:
            state = "OK"
        seen.append(state)
    return seen


def _verdict(missing: str) -> bool | None:
    return {"breaching": True, "notBreaching": False, "ignore": None}[missing]
