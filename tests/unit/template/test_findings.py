"""docs/security.md argues each finding that is accepted; the comparison finds what is new, and what is gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts import check_template
from scripts.check_template import compare, justified, plain_rule
from scripts.resolve_template import Plain, policies
from tests.unit.template.cfn import ROOT, load_template
from tests.unit.template.test_template import WAYS_IN

PAGE = (ROOT / "docs/security.md").read_text()
TEMPLATE = load_template()


# Each accepted finding names a resource that the template has, once, with a reason.
def test_the_page_argues_resources_that_are_there() -> None:
    rows = justified(PAGE)
    assert len(rows) > 50
    assert {resource for _, _, resource in rows} <= set(TEMPLATE["Resources"])
    assert {tool for tool, _, _ in rows} == {"checkov", "cdk-nag", "cfn-lint", "parliament"}


def test_a_new_and_a_stale_finding_fail() -> None:
    row = ("checkov", "CKV_AWS_18", "LogLines")
    assert compare([row], [row]) == []
    assert compare([row], []) == ["checkov CKV_AWS_18: LogLines: fix it, or justify it in docs/security.md"]
    assert compare([], [row]) == ["checkov CKV_AWS_18: LogLines: justified in docs/security.md, but no longer found"]


# A row without a reason argues nothing.
@pytest.mark.parametrize("reason", ["", "accepted"])
def test_a_row_without_a_reason_is_refused(reason: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        justified(f"## Accepted findings\n\n| `checkov` | `CKV_AWS_18` | LogLines | {reason} |\n")


# A wildcard is the same finding in every way of deploying, and another one if it reaches further.
@pytest.mark.parametrize(
    ("rule", "plain"),
    [
        ("AwsSolutions-S1", "AwsSolutions-S1"),
        ("AwsSolutions-IAM5[Resource::*]", "AwsSolutions-IAM5 *"),
        (
            "AwsSolutions-IAM5[Resource::arn:aws:es:eu-central-1:123456789012:domain/search/*]",
            "AwsSolutions-IAM5 es:domain/NAME/*",
        ),
        ("AwsSolutions-IAM5[Resource::arn:aws:es:eu-central-1:123456789012:domain/*]", "AwsSolutions-IAM5 es:domain/*"),
        (
            'AwsSolutions-IAM5[Resource::["arn:aws:s3:::${Name}/undelivered/*",{"Name":{"Ref":"FailedDocuments"}}]]',
            "AwsSolutions-IAM5 s3:BUCKET/undelivered/*",
        ),
        ("AwsSolutions-IAM5[Resource::arn:aws:s3:::*]", "AwsSolutions-IAM5 s3:*"),
        ("AwsSolutions-OS9[LogExport::INDEX_SLOW_LOGS]", "AwsSolutions-OS9 INDEX_SLOW_LOGS"),
    ],
)
def test_rules_are_compared_without_names(rule: str, plain: str) -> None:
    assert plain_rule(rule) == plain


# What the checkers get has neither conditions nor parameters, and refers to resources as CloudFormation does.
@pytest.mark.parametrize("way", WAYS_IN)
def test_the_checkers_get_plain_templates(way: str) -> None:
    resources: dict[str, Any] = Plain(TEMPLATE, **WAYS_IN[way]).resources()
    text = json.dumps(resources)
    assert "Fn::If" not in text
    assert "AWS::NoValue" not in text
    assert "AWS::AccountId" not in text
    assert not [name for name in TEMPLATE["Parameters"] if f'{{"Ref": "{name}"}}' in text]
    assert '"<' not in text
    documents = policies(resources)
    assert len(documents) >= 10
    for name, document in documents.items():
        assert "Ref" not in json.dumps(document), name


# A tool that did not run is no tool that found nothing.
def test_a_tool_that_does_not_run_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(check_template, "TOOLS", ROOT / "no-such-folder")
    assert check_template.main() == 2
    assert "not installed" in capsys.readouterr().err
