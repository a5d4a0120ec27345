"""An output under the plans of earlier deployments, which settling needs to merge their partials."""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.observe import read_plan
from streamtally.errors import PlanError
from streamtally.ids import versioned
from streamtally.indices.settling.plan_choice import PlanOutputs, shape_of
from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.pipeline import Pipeline, load_pipeline


@dataclass
class KnownPlans:
    """Plan id → an output under that plan, each read from the cluster once."""

    cluster: Cluster
    pipeline: Pipeline
    output: str
    _known: dict[str, PlanOutputs | None] = field(default_factory=dict)

    def __call__(self, plan_id: str) -> PlanOutputs:
        """The output under a plan. Raises: LookupError: the plan is unknown, or has no such output."""
        if plan_id not in self._known:
            self._known[plan_id] = self._load(plan_id)
        known = self._known[plan_id]
        if known is None:
            raise LookupError(plan_id)
        return known

    def _load(self, plan_id: str) -> PlanOutputs | None:
        pipeline = self.pipeline
        deployed = versioned(plan_id, None)
        if pipeline.plan_id not in (plan_id, deployed):
            document = read_plan(self.cluster, plan_id) or read_plan(self.cluster, deployed)
            if document is None:
                return None
            try:
                pipeline = load_pipeline(document, ZoneInfo)
            except PlanError:  # of a version that this one does not understand
                return None
        output = pipeline.output(self.output)
        if not isinstance(output, WindowedOutput):
            return None
        return PlanOutputs(plan_id, output, shape_of(pipeline.document, self.output))
