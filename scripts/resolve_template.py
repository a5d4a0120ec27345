"""Writes template.yaml as plain CloudFormation without conditions, once per deployment variant, and each policy:

    resolve_template.py TRANSLATED FOLDER

TRANSLATED: the template after SAM's transformation (scripts/translate_template.py). FOLDER: receives NAME.template.json
and policies/NAME.RESOURCE.POLICY.json. Rules of policy checkers ignore conditions and parameters or fail on them, so
they get what each variant actually creates.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.unit.template.cfn import Deployment
from tests.unit.template.test_template import ROLE, WAYS_IN, environments

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "streamtally",
    "AWS::URLSuffix": "amazonaws.com",
}
EVERYTHING_ON = {"Tracing": "true", "ReaderArns": ROLE, "LogExpirationDays": "30", "DomainInstanceCount": "2"}


class Plain(Deployment):
    """A deployment in which references to resources remain references, and pseudo parameters are values."""

    def value(self, value: Any) -> Any:
        if isinstance(value, dict) and len(value) == 1:
            ((key, below),) = value.items()
            if key == "Ref" and below in PSEUDO:
                return PSEUDO[below]
            if key == "Ref" and self._is_list(below) and "," in self.parameters[below]:
                return [member.strip() for member in self.parameters[below].split(",")]
            if (key == "Ref" and below not in self.parameters and below != "AWS::NoValue") or key == "Fn::GetAtt":
                return value
        return super().value(value)

    def _is_list(self, name: str) -> bool:
        return self.template["Parameters"].get(name, {}).get("Type") == "CommaDelimitedList"

    def _substituted(self, value: Any) -> Any:
        text, own = (value, {}) if isinstance(value, str) else (value[0], self.value(value[1]))
        known = {**PSEUDO, **self.parameters, **{k: v for k, v in own.items() if isinstance(v, str)}}
        kept = {k: v for k, v in own.items() if not isinstance(v, str)}
        text = re.sub(r"\$\{([^!}]+)\}", lambda match: known.get(match[1], match[0]), text)
        if not re.search(r"\$\{[^!]", text):
            return text.replace("${!", "${")
        return {"Fn::Sub": [text, kept] if kept else text}


def variants(template: dict[str, Any]) -> dict[str, Plain]:
    """Name → deployment variant."""
    options = {"samconfig": next(iter(environments().values())), **WAYS_IN}
    options["all options"] = {**WAYS_IN["an output's own stream"], **EVERYTHING_ON}
    return {re.sub(r"[^a-z]+", "-", name): Plain(template, **parameters) for name, parameters in options.items()}


# The text of a reference to a resource, by the resource's type; all other resources in policies are buckets.
ARNS = {
    "AWS::Lambda::Function": "arn:aws:lambda:eu-central-1:123456789012:function:a-name",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-name",
}


def to_text(value: Any, types: dict[str, str]) -> Any:
    """A policy with its references replaced by plausible ARNs and names.

    Args:
        value: The policy, or a part of it.
        types: Resource → its type.
    """
    if isinstance(value, list):
        return [to_text(item, types) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) <= {"Ref", "Fn::GetAtt", "Fn::Sub"} and value:
        ((key, below),) = value.items()
        if key == "Fn::Sub":
            text = below if isinstance(below, str) else below[0]
            return re.sub(r"\$\{[^}]*\}", "a-name", re.sub(r"\$\{[A-Za-z]+\.Arn\}", "arn:aws:s3:::a-name", text))
        name = below[0] if isinstance(below, list) else str(below)
        return ARNS.get(types.get(name, ""), "arn:aws:s3:::a-name")
    return {key: to_text(item, types) for key, item in value.items()}


def policies(resources: dict[str, Any]) -> dict[str, Any]:
    """Name → document of every identity policy of these resources."""
    types = {name: resource["Type"] for name, resource in resources.items()}
    return {
        f"{name}.{policy['PolicyName']}": to_text(policy["PolicyDocument"], types)
        for name, resource in resources.items()
        if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"].get("Policies", ())
    }


def main(arguments: list[str]) -> int:
    """Write templates and policies. Returns: the exit status."""
    translated, folder = Path(arguments[0]), Path(arguments[1])
    template = json.loads(translated.read_text())
    (folder / "policies").mkdir(parents=True, exist_ok=True)
    for name, deployment in variants(template).items():
        resources = deployment.resources()
        for resource in resources.values():
            resource.pop("DependsOn", None)  # may name a resource that this variant does not create
        plain = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
        (folder / f"{name}.template.json").write_text(json.dumps(plain, indent=1))
        for policy, document in policies(resources).items():
            (folder / "policies" / f"{name}.{policy}.json").write_text(json.dumps(document, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
