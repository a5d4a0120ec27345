"""What other people's tools read of the repository: the application repository, GitHub, CDK."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts.check_cdk_example import lost
from streamtally import __version__
from streamtally.cli.shared.applications import read_document

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = read_document(ROOT / "template.yaml")


# Source: SAM's developer guide, "AWS::ServerlessRepo::Application" and its limits.
def test_the_application_repository_can_take_the_template() -> None:
    metadata = TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"]
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,140}", metadata["Name"])
    assert len(metadata["Description"]) <= 256
    assert 1 <= len(metadata["Author"]) <= 127
    assert len(metadata["Labels"]) <= 10
    assert all(re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", label) for label in metadata["Labels"])
    assert metadata["SemanticVersion"] == __version__
    assert (ROOT / metadata["ReadmeUrl"]).is_file()


def test_the_workflow_runs_what_ci_runs() -> None:
    (job,) = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"].values()
    assert any(".ci/run" in step.get("run", "") for step in job["steps"])
    assert job["timeout-minutes"] >= 60


# Source: GitHub's documentation, "Syntax for GitHub's form schema".
@pytest.mark.parametrize("name", ["bug.yml", "format.yml"])
def test_issue_forms_have_the_form_that_github_reads(name: str) -> None:
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE" / name).read_text())
    assert {"name", "description", "body"} <= form.keys()
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in fields}) == len(fields)
    assert all(part["type"] in ("input", "textarea", "dropdown", "checkboxes") for part in fields)
    assert all(part["attributes"]["label"] for part in fields)


# CDK takes a tag that it does not know for a plain list: the rule would be another one.
def test_a_rule_that_lost_its_function_is_named() -> None:
    plain = {"A": {"Assertions": [{"Assert": [["a", "b"], "a"]}]}}
    template = {
        "Rules": {"A": {"Assertions": [{"Assert": {"Fn::Contains": [["a", "b"], "a"]}}]}},
        "Resources": {"R": {}},
    }
    assert lost(template, {"Rules": plain, "Resources": {"R": {}}}) == ["Rules A: its functions"]
    assert lost(template, {**template, "Resources": {}}) == ["Resources R"]
    assert lost(template, template) == []


@pytest.mark.large
@pytest.mark.skipif(not (ROOT / ".tools/nag/node_modules").exists(), reason="no aws-cdk-lib: make lint-template")
def test_the_cdk_example_synthesises() -> None:
    assert shutil.which("node")
    environment = {**os.environ, "NODE_PATH": str(ROOT / ".tools/nag/node_modules")}
    command = [sys.executable, "-m", "scripts.check_cdk_example"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr


def test_the_cdk_example_names_what_the_template_has() -> None:
    text = (ROOT / "examples/cdk/app.cjs").read_text()
    names = set(json.loads(json.dumps(TEMPLATE["Parameters"])))
    given = re.search(r"parameters: \{([^}]*)\}", text)
    assert given
    assert set(re.findall(r"(\w+):", given[1])) <= names
    assert re.search(r"getResource\(\"(\w+)\"\)", text)[1] in TEMPLATE["Resources"]  # type: ignore[index]
