"""The index manager's tasks, as the function, the command line and the local run call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from streamtally.aws.opensearch.apply_plan import ActionResult, apply_plan
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.observe import observe
from streamtally.aws.opensearch.observe_surroundings import read_obstacles
from streamtally.aws.opensearch.settling.groups import Way
from streamtally.aws.opensearch.settling.merge import merge_groups
from streamtally.aws.opensearch.settling.settle import settle
from streamtally.aws.opensearch.settling.settle_report import SettleReport
from streamtally.aws.opensearch.settling.unsettled import Unsettled, count_unsettled
from streamtally.errors import IndexPlanError, SettingsError
from streamtally.findings import Finding
from streamtally.indices.actions import IndexPlan
from streamtally.indices.observed import Observed
from streamtally.indices.plan import plan_manage
from streamtally.indices.roles import to_role_mappings, to_roles
from streamtally.indices.spec import IndexSpec, read_specs
from streamtally.indices.wanted import Wanted
from streamtally.transform.pipeline import Pipeline, read_references

# A first run has at most three actions that only the next plan can have (repair, an alias, an empty inbox); and
# settling, which runs each minute, may change a state between the observation and the plan's first action.
MAX_ROUNDS = 5

# The ISM plugin's job does these minutes later, so the next round still sees what was before.
_ASYNCHRONOUS = ("attach_ism_policy", "change_ism_policy", "detach_ism_policy")


@dataclass(frozen=True)
class Managed:
    """What a manage run did."""

    results: list[ActionResult]
    """Of all rounds."""
    plan: IndexPlan
    """The last one."""
    observed: Observed
    """What the last plan was made from."""

    @property
    def failed(self) -> list[ActionResult]:
        """The actions that failed."""
        return [result for result in self.results if result.outcome == "failed"]


@dataclass(frozen=True)
class Manager:
    """A pipeline and its cluster."""

    cluster: Cluster
    pipeline: Pipeline
    specs: tuple[IndexSpec, ...]
    wanted: Wanted = field(default_factory=Wanted)
    """What the environment asks of the cluster, in addition to the pipeline."""
    way: Way = merge_groups
    """How settling merges."""

    def plan(self, now_ms: int) -> tuple[IndexPlan, Observed]:
        """What should be done, and the observation that it is based on."""
        observed = observe(self.cluster, self.specs, self.wanted)
        return plan_manage(self.specs, observed, now_ms, self.wanted), observed

    def obstacles(self, now_ms: int, observed: Observed) -> list[Finding]:
        """What keeps documents out although the pipeline's own parts are as planned. Raises: ClusterError."""
        states = {index: stored.state for index, stored in observed.states.items()}
        return read_obstacles(self.cluster, self.specs, now_ms, states)

    def manage(self, now_ms: int, time_left: Callable[[], float], dry_run: bool = False) -> Managed:
        """Observe, plan and apply until nothing is left to do now, in a bounded number of rounds.

        A failure does not raise: it is in the results, and the next run retries it.
        """
        with self.cluster.limited(time_left):
            return self._manage(now_ms, time_left, dry_run)

    def _manage(self, now_ms: int, time_left: Callable[[], float], dry_run: bool) -> Managed:
        results: list[ActionResult] = []
        asked: set[str] = set()
        for _ in range(MAX_ROUNDS):
            plan, observed = self.plan(now_ms)
            left = [action for action in plan.actions if action.kind not in _ASYNCHRONOUS or action.target not in asked]
            if dry_run or not left:
                break
            asked |= {action.target for action in left if action.kind in _ASYNCHRONOUS}
            done = apply_plan(self.cluster, replace(plan, actions=tuple(left)), time_left)
            results += done
            if any(result.outcome == "failed" for result in done):
                break
        return Managed(results, plan, observed)

    def settle(self, now_ms: int, time_left: Callable[[], float], audit: bool = False) -> list[SettleReport]:
        """Settle every windowed output; failures are in the reports.

        Args:
            audit: compare all windows now, not once a day.
        """
        with self.cluster.limited(time_left):
            return settle(self.cluster, self.pipeline, self.specs, now_ms, time_left, audit, self.way)

    def unsettled(self, now_ms: int) -> Unsettled:
        """The windows that the next settling run would process."""
        return count_unsettled(self.cluster, self.pipeline, self.specs, now_ms)


def make_manager(
    cluster: Cluster,
    pipeline: Pipeline,
    environment: Mapping[str, str],
    replace: Sequence[str] = (),
    closing: bool = True,
) -> Manager:
    """A manager of a pipeline.

    Args:
        environment: ``FIREHOSE_ROLE_ARN``, ``INDEX_MANAGER_ROLE_ARN`` and ``SETTLE_ROLE_ARN`` request role mappings,
            ``READER_ARNS``, ``READER_GROUPS`` and ``ADMIN_ARNS`` those of people, ``AUDIT_LOG`` (true) the audit
            log of the domain. ``OUTPUT_STREAM_ARNS`` lists the streams that the deployment may write to, in addition to
            ``SUMMARY_STREAM``.
        replace: outputs whose view may replace an index of the same name.
        closing: False leaves every time open.
    Raises: SettingsError: names the variable or the output. IndexPlanError: ``replace`` names no output.
    """
    specs = read_specs(pipeline.document, environment.get("SUMMARY_STREAM") or None)
    _check_streams(specs, environment)
    _check_references(pipeline, environment)
    unknown = sorted(set(replace) - {spec.index for spec in specs})
    if unknown:
        raise IndexPlanError(
            f"no output has the index {unknown[0]!r}; the indices are {', '.join(s.index for s in specs)}"
        )
    firehose = _arns(environment.get("FIREHOSE_ROLE_ARN"))
    manager = _arns(environment.get("INDEX_MANAGER_ROLE_ARN"))
    settling = _arns(environment.get("SETTLE_ROLE_ARN"))
    readers = _arns(environment.get("READER_ARNS")) + _arns(environment.get("READER_GROUPS"))
    admins = _arns(environment.get("ADMIN_ARNS"))
    has_roles = bool(firehose or manager or settling or readers or admins)
    wanted = Wanted(
        plan_id=pipeline.plan_id,
        document=pipeline.document,
        closing=closing,
        replace=frozenset(replace),
        roles=to_roles(specs) if has_roles else None,
        role_mappings=to_role_mappings(firehose, manager, settling, readers, admins) if has_roles else None,
        audit=environment.get("AUDIT_LOG") == "true",
    )
    return Manager(cluster, pipeline, specs, wanted)


def _check_streams(specs: Sequence[IndexSpec], environment: Mapping[str, str]) -> None:
    """Check that the deployment may write to every output's stream; otherwise every document would be lost."""
    if "OUTPUT_STREAM_ARNS" not in environment:
        return
    permitted = {arn.rpartition("/")[2] for arn in _arns(environment.get("OUTPUT_STREAM_ARNS"))}
    permitted.add(environment.get("SUMMARY_STREAM", ""))
    for spec in specs:
        if spec.stream not in permitted:
            raise SettingsError(
                f"output {spec.name}: this stack may not write to its delivery stream {spec.stream}: add its ARN "
                "to the template's parameter OutputStreamArns, or leave 'stream' out of pipeline.toml"
            )


def _check_references(pipeline: Pipeline, environment: Mapping[str, str]) -> None:
    """Check that the transform may read every reference table in S3; otherwise no batch could be answered."""
    if "REFERENCE_OBJECT_ARNS" not in environment:
        return
    permitted = {arn.partition(":s3:::")[2] for arn in _arns(environment.get("REFERENCE_OBJECT_ARNS"))}
    for name, settings in read_references(pipeline.document).items():
        if settings.in_s3 and settings.place.removeprefix("s3://") not in permitted:
            raise SettingsError(
                f"reference table {name}: this stack may not read {settings.place}: add its ARN "
                f"(arn:aws:s3:::{settings.place.removeprefix('s3://')}) to the template's parameter ReferenceObjectArns"
            )


def _arns(text: str | None) -> list[str]:
    return [arn.strip() for arn in (text or "").split(",") if arn.strip()]
