"""Finds batches of two plans (a retry straddled a deployment), which plan counts for each, and their windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streamtally.aws.opensearch.settling.partials import Partials
from streamtally.aws.opensearch.settling.queries import Query, of_batches, since, to_chunks
from streamtally.indices.settling.plan_choice import CHECKPOINT_MARGIN_MS, MixedBatch, PlanShare, choose_plan

TERMS = 5_000  # values in one terms query of a keyword; 65,536 are allowed, but this keeps the request small


def find_mixed(partials: Partials, pinned: Mapping[str, tuple[str, int]]) -> dict[str, MixedBatch]:
    """The batches that have partials of more than one plan, each with the plan that counts.

    Take a batch of plans X and Y, where X stopped appearing first: the batch arrived before X's last partial was
    stamped. So only the few batches of Y that arrived by then are examined, if there are any: with a reference table
    that changes often there are many plans, and most follow each other at a distance.
    """
    last, first = _times(partials)
    plans = sorted(last, key=lambda plan_id: (last[plan_id], plan_id))
    batches: set[str] = set()
    for position, earlier in enumerate(plans):
        for later in plans[position + 1 :]:
            until = int(last[earlier]) + CHECKPOINT_MARGIN_MS
            if first[later] > until:
                continue
            limit = {"lte": until, "format": "epoch_millis"}
            arrived: list[Query] = [{"term": {"tally.plan_id": later}}, {"range": {"tally.batch_arrival": limit}}]
            candidates = [b["key"]["tally.batch_id"] for b in partials.composite(["tally.batch_id"], arrived)]
            for chunk in to_chunks(candidates, TERMS):
                both: list[Query] = [{"term": {"tally.plan_id": earlier}}, of_batches(chunk)]
                batches.update(b["key"]["tally.batch_id"] for b in partials.composite(["tally.batch_id"], both))
    mixed = _choose(partials, sorted(batches))
    return {**mixed, **{batch: MixedBatch(plan_id, count) for batch, (plan_id, count) in pinned.items()}}


def _times(partials: Partials) -> tuple[dict[str, float], dict[str, float]]:
    """(plan id → when its last partial was stamped, plan id → when its first batch arrived), in ms."""
    last, first = {"max": {"field": "tally.ingested_at"}}, {"min": {"field": "tally.batch_arrival"}}
    buckets = list(partials.composite(["tally.plan_id"], (), {"last": last, "first": first}))
    plans = [bucket["key"]["tally.plan_id"] for bucket in buckets]
    stamped = {plan: bucket["last"]["value"] or 0 for plan, bucket in zip(plans, buckets, strict=True)}
    arrived = {plan: bucket["first"]["value"] or 0 for plan, bucket in zip(plans, buckets, strict=True)}
    return stamped, arrived


def _choose(partials: Partials, batches: Sequence[str]) -> dict[str, MixedBatch]:
    """Batch id → the plan that counts."""
    shares: dict[str, dict[str, PlanShare]] = {}
    details = {
        "partials": {"cardinality": {"field": "tally.partial_id", "precision_threshold": 40_000}},
        "expected": {"max": {"field": "tally.batch_partials"}},
    }
    for chunk in to_chunks(batches, TERMS):
        for bucket in partials.composite(["tally.batch_id", "tally.plan_id"], [of_batches(chunk)], details):
            expected = bucket["expected"]["value"]
            share = PlanShare(bucket["partials"]["value"], None if expected is None else int(expected))
            shares.setdefault(bucket["key"]["tally.batch_id"], {})[bucket["key"]["tally.plan_id"]] = share
    return {batch: choose_plan(plans) for batch, plans in shares.items()}


def mixed_windows(partials: Partials, mixed: Mapping[str, MixedBatch], checkpoint_ms: int) -> set[int]:
    """All windows of the mixed batches that have new partials: the choice may have changed."""
    windows: set[int] = set()
    for chunk in to_chunks(sorted(mixed), TERMS):
        filters = [of_batches(chunk), since(checkpoint_ms)]
        windows |= windows_of(
            partials, [bucket["key"]["tally.batch_id"] for bucket in partials.composite(["tally.batch_id"], filters)]
        )
    return windows


def windows_of(partials: Partials, batches: Sequence[str]) -> set[int]:
    """Every window in which one of these batches has partials."""
    return {window for chunk in to_chunks(batches, TERMS) for window in partials.windows(of_batches(chunk))}
