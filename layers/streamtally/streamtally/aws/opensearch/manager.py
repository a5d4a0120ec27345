"""The index manager's tasks, as the function, the command line and the local run call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from streamtally.aws.opensearch.apply import Result, apply
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.groups import Way
from streamtally.aws.opensearch.merge import merge_groups
from streamtally.aws.opensearch.observe import observe
from streamtally.aws.opensearch.run import SettleReport
from streamtally.aws.opensearch.settle import Unsettled, count_unsettled, settle
from streamtally.errors import IndexPlanError, SettingsError
from streamtally.indices.actions import Plan
from streamtally.indices.observed import Observed
from streamtally.indices.plan import Wanted, plan_manage
from streamtally.indices.roles import to_role_mappings, to_roles
from streamtally.indices.spec import IndexSpec, read_specs
from streamtally.transform.pipeline import Pipeline

# A first manage has at most three things that the next look makes possible: repair, an alias, an empty inbox; and
# settling, which runs each minute, may change a state between a look and the plan's first action.
MAX_ROUNDS = 5


@dataclass(frozen=True)
class Managed:
    """What a manage run did: the results of all rounds, the last plan, and the cluster as that saw it."""

    results: list[Result]
    plan: Plan
    observed: Observed

    @property
    def failed(self) -> list[Result]:
        return [result for result in self.results if result.outcome == "failed"]


@dataclass(frozen=True)
class Manager:
    """A pipeline and its cluster.

    ``wanted`` is what the environment asks beside the pipeline; ``way`` is how settling merges.
    """

    cluster: Cluster
    pipeline: Pipeline
    specs: tuple[IndexSpec, ...]
    wanted: Wanted = field(default_factory=Wanted)
    way: Way = merge_groups

    def plan(self, now_ms: int) -> tuple[Plan, Observed]:
        """One look and what should be done."""
        observed = observe(self.cluster, self.specs, self.wanted)
        return plan_manage(self.specs, observed, now_ms, self.wanted), observed

    def manage(self, now_ms: int, time_left: Callable[[], float], dry_run: bool = False) -> Managed:
        """Look, plan, do, and look again until nothing is left to do now; bounded rounds.

        A failure ends nothing: what failed is in the results, and the next run tries it again.
        """
        with self.cluster.limited(time_left):
            return self._manage(now_ms, time_left, dry_run)

    def _manage(self, now_ms: int, time_left: Callable[[], float], dry_run: bool) -> Managed:
        results: list[Result] = []
        for _ in range(MAX_ROUNDS):
            plan, observed = self.plan(now_ms)
            if dry_run or not plan.actions:
                break
            done = apply(self.cluster, plan, time_left)
            results += done
            if any(result.outcome == "failed" for result in done):
                break
        return Managed(results, plan, observed)

    def settle(self, now_ms: int, time_left: Callable[[], float], audit: bool = False) -> list[SettleReport]:
        """Settle every windowed output; failures are in the reports. ``audit``: now, not once a day."""
        with self.cluster.limited(time_left):
            return settle(self.cluster, self.pipeline, self.specs, now_ms, time_left, audit, self.way)

    def unsettled(self, now_ms: int) -> Unsettled:
        """The windows that the next settling run would take up."""
        return count_unsettled(self.cluster, self.pipeline, self.specs, now_ms)


def make_manager(
    cluster: Cluster,
    pipeline: Pipeline,
    environment: Mapping[str, str],
    replace: Sequence[str] = (),
    closing: bool = True,
) -> Manager:
    """A manager of a pipeline; what the environment asks beside it.

    ``FIREHOSE_ROLE_ARN``, ``INDEX_MANAGER_ROLE_ARN`` and ``SETTLE_ROLE_ARN`` ask for role mappings.
    ``AUDIT_LOG`` (true) asks for the domain's audit log; ``OUTPUT_STREAM_ARNS`` says to which streams, besides
    ``SUMMARY_STREAM``, the deployment may put.
    Raises: SettingsError: names the variable or the output.
    """
    specs = read_specs(pipeline.document, environment.get("SUMMARY_STREAM") or None)
    _check_streams(specs, environment)
    unknown = sorted(set(replace) - {spec.index for spec in specs})
    if unknown:
        raise IndexPlanError(f"no output has the index {unknown[0]!r}; there are {', '.join(s.index for s in specs)}")
    firehose = _arns(environment.get("FIREHOSE_ROLE_ARN"))
    manager = _arns(environment.get("INDEX_MANAGER_ROLE_ARN"))
    settling = _arns(environment.get("SETTLE_ROLE_ARN"))
    asked = bool(firehose or manager or settling)
    wanted = Wanted(
        plan_id=pipeline.plan_id,
        document=pipeline.document,
        closing=closing,
        replace=frozenset(replace),
        roles=to_roles(specs) if asked else None,
        role_mappings=to_role_mappings(firehose, manager, settling) if asked else None,
        audit=environment.get("AUDIT_LOG") == "true",
    )
    return Manager(cluster, pipeline, specs, wanted)


def _check_streams(specs: Sequence[IndexSpec], environment: Mapping[str, str]) -> None:
    """Where a deployment says which streams it may put to, an output with another one would lose every document."""
    if "OUTPUT_STREAM_ARNS" not in environment:
        return
    permitted = {arn.rpartition("/")[2] for arn in _arns(environment.get("OUTPUT_STREAM_ARNS"))}
    permitted.add(environment.get("SUMMARY_STREAM", ""))
    for spec in specs:
        if spec.stream not in permitted:
            raise SettingsError(
                f"output {spec.name}: this stack may not put to its delivery stream {spec.stream}: add its ARN "
                "to the template's parameter OutputStreamArns, or leave 'stream' out of pipeline.toml"
            )


def _arns(text: str | None) -> list[str]:
    return [arn.strip() for arn in (text or "").split(",") if arn.strip()]
