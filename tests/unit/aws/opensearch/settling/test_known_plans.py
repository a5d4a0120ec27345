"""Plans whose reference tables in S3 changed are found by what was deployed."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.opensearch.settling.known_plans import KnownPlans
from streamtally.transform.pipeline import load_pipeline
from tests.unit.transform.test_joined_rows import TEXT, document_of


class Stored:
    """A cluster that holds plans."""

    def __init__(self, plans: dict[str, Any]) -> None:
        self.plans = {f"plan-{plan_id}": document for plan_id, document in plans.items()}

    def request(self, method: str, path: str, ignore: tuple[int, ...] = ()) -> dict[str, Any]:
        name = path.rpartition("/")[2]
        if name not in self.plans:
            return {"found": False}
        return {"found": True, "_source": {"document": json.dumps(self.plans[name])}}


def known(stored: dict[str, Any], document: dict[str, Any]) -> KnownPlans:
    return KnownPlans(Stored(stored), load_pipeline(document, ZoneInfo), "COUNTS")  # type: ignore[arg-type]


# The manager does not read the object: a partial of any version of it is one of the plan in force.
def test_every_version_is_of_the_plan_in_force() -> None:
    document = document_of(None)
    plans = known({}, document)
    own = plans(load_pipeline(document, ZoneInfo).plan_id)
    for text in (TEXT, TEXT.replace("Missing", "Gone")):
        version = load_pipeline(document, ZoneInfo, {"StatusNames": text.encode()})
        assert plans(version.plan_id).shape == own.shape


# So are the versions that an earlier deployment read.
def test_versions_of_an_earlier_deployment_are_found() -> None:
    earlier, present = document_of(None), document_of(None)
    earlier["source"]["drop"] = ["agent"]
    deployed = load_pipeline(earlier, ZoneInfo).plan_id
    version = load_pipeline(earlier, ZoneInfo, {"StatusNames": TEXT.encode()}).plan_id
    assert known({deployed: earlier}, present)(version).shape
    with pytest.raises(LookupError):
        known({}, present)(version)
