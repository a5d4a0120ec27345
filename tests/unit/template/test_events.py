"""events/: every file has a function that takes it, and the local environment is one that SAM passes on."""

from __future__ import annotations

import json

from tests.unit.template.cfn import ROOT, load_template

TASKS = {"manage", "settle"}


# Every event is run through a built function in Docker (tests/integration/sam), so each must be of a kind that is known
# there.
def test_every_event_has_a_function() -> None:
    names = {path.stem: json.loads(path.read_text()) for path in (ROOT / "events").glob("*.json")}
    batches = {name for name, event in names.items() if "records" in event}
    requests = {name for name, event in names.items() if "RequestType" in event}
    assert batches | requests | TASKS | {"local-env"} == set(names)
    assert all(names[task] == {"task": task} for task in TASKS)
    assert len(batches) >= 9


# SAM drops a variable that the template does not declare, without a word.
def test_the_local_environment_is_declared() -> None:
    template = load_template()
    shared = set(template["Globals"]["Function"]["Environment"]["Variables"])
    for function, variables in json.loads((ROOT / "events/local-env.json").read_text()).items():
        declared = set(template["Resources"][function]["Properties"]["Environment"]["Variables"]) | shared
        assert set(variables) <= declared, function


# A local run changes no cluster and puts nothing to AWS unless somebody asks for it.
def test_a_local_run_is_harmless() -> None:
    local = json.loads((ROOT / "events/local-env.json").read_text())
    assert local["TransformFunction"]["AWS_ENDPOINT_URL_FIREHOSE"] == ""
    for function in ("IndexManagerFunction", "SettleFunction", "IndexSetupFunction"):
        assert local[function]["DRY_RUN"] == "true"
