"""docs/deploy.md says of every parameter, variable and alarm what the template says."""

from __future__ import annotations

import pytest

from tests.unit.template.cfn import ROOT, load_template

TEMPLATE = load_template()
PAGE = (ROOT / "docs/deploy.md").read_text()


def parameter_row(name: str) -> str:
    definition = TEMPLATE["Parameters"][name]
    default = definition.get("Default", "")
    values = ", ".join(f"`{allowed}`" for allowed in definition.get("AllowedValues", ()))
    text = " ".join(definition["Description"].split()) + (f" ({values})" if values and len(values) < 90 else "")
    return f"| `{name}` | {f'`{default}`' if default != '' else 'empty'} | {text} |"


# The table of parameters is the template's: default and description.
@pytest.mark.parametrize("name", TEMPLATE["Parameters"])
def test_every_parameter_is_in_the_table(name: str) -> None:
    assert parameter_row(name) in PAGE.splitlines(), parameter_row(name)


# Every alarm is named, so that whoever gets one finds what it means.
def test_every_alarm_is_explained() -> None:
    for name, resource in TEMPLATE["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            assert f"| `{name}` |" in PAGE, name


# Every variable that the template gives a function is explained.
def test_every_variable_is_explained() -> None:
    given = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    for resource in TEMPLATE["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            given |= set(resource["Properties"]["Environment"]["Variables"])
    for name in given:
        assert f"| `{name}` |" in PAGE, name
