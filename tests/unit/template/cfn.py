"""What the tests of template.yaml need of CloudFormation: its tags, its conditions and rules, its graph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
SHORT_FORMS = (
    "Equals",
    "Not",
    "And",
    "Or",
    "If",
    "Sub",
    "GetAtt",
    "Join",
    "Select",
    "Split",
    "Contains",
    "EachMemberEquals",
)


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (!Ref …) as their long ones."""


def _construct(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    assert suffix in SHORT_FORMS, f"unknown tag !{suffix}"
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _construct)


@cache
def load_template(path: Path = ROOT / "template.yaml") -> dict[str, Any]:
    """A template with every intrinsic function in its long form. It is read once: copy what you change."""
    document: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)
    return document


def iter_values(value: Any) -> Iterator[tuple[str, Any]]:
    """Every (key, value) below ``value``, depth first."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield key, below
            yield from iter_values(below)
    elif isinstance(value, list):
        for below in value:
            yield from iter_values(below)


def references(value: Any) -> set[str]:
    """The names that ``value`` refers to: Ref, GetAtt, DependsOn, and ``${Name}`` in Sub."""
    names: set[str] = set()
    for key, below in iter_values(value):
        if key == "Ref":
            names.add(below)
        elif key == "Fn::GetAtt":
            names.add(below[0] if isinstance(below, list) else below.split(".")[0])
        elif key == "DependsOn":
            names.update([below] if isinstance(below, str) else below)
        elif key == "Fn::Sub":
            text = below if isinstance(below, str) else below[0]
            own = set() if isinstance(below, str) else set(below[1])
            names.update(name for name in re.findall(r"\$\{([^!}.]+)[^}]*\}", text) if name not in own)
    return names


def resource_graph(template: Mapping[str, Any]) -> dict[str, set[str]]:
    """Resource → resources that must be there before it, whatever the conditions.

    A schedule written under a function's ``Events`` becomes a resource of its own, which refers to the function;
    the function does not refer to it. Globals count for every function.
    """
    resources = template["Resources"]
    graph: dict[str, set[str]] = {}
    for name, resource in resources.items():
        properties = dict(resource.get("Properties", {}))
        events = properties.pop("Events", {})
        wanted = references({**resource, "Properties": properties})
        if resource["Type"] == "AWS::Serverless::Function":
            wanted |= references(template.get("Globals", {}))
        for event, definition in events.items():
            graph[f"{name}{event}"] = (references(definition) & set(resources)) | {name}
        graph[name] = wanted & set(resources)
    return graph


def find_circle(graph: Mapping[str, set[str]]) -> list[str]:
    """A path that ends where it began, or an empty list."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for wanted in sorted(graph.get(name, ())):
            if circle := visit(wanted, [*path, name]):
                return circle
        done.add(name)
        return []

    for name in graph:
        if circle := visit(name, []):
            return circle
    return []


class Deployment:
    """A template with parameters: which rules it breaks, which resources it makes, what values become."""

    def __init__(self, template: Mapping[str, Any], **parameters: str) -> None:
        unknown = set(parameters) - set(template["Parameters"])
        assert not unknown, f"no such parameter: {unknown}"
        self.template = template
        self.parameters = {
            name: str(parameters.get(name, definition.get("Default", "")))
            for name, definition in template["Parameters"].items()
        }

    def holds(self, test: Any) -> bool:
        """Whether a condition function is true."""
        ((function, value),) = test.items()
        match function:
            case "Condition":
                return self.holds(self.template["Conditions"][value])
            case "Fn::Equals":
                return str(self.value(value[0])) == str(self.value(value[1]))
            case "Fn::Not":
                return not self.holds(value[0])
            case "Fn::And":
                return all(self.holds(condition) for condition in value)
            case "Fn::Or":
                return any(self.holds(condition) for condition in value)
            case "Fn::EachMemberEquals":  # in rules alone
                return all(str(member) == str(self.value(value[1])) for member in self._list(value[0]))
            case "Fn::Contains":  # in rules alone
                return str(self.value(value[1])) in map(str, value[0])
        raise AssertionError(f"unknown condition function {function}")

    def value(self, value: Any) -> Any:
        """A value with parameters and conditions resolved; references to resources stay as ``<Name>``."""
        if isinstance(value, list):
            resolved = [self.value(item) for item in value]
            return [item for item in resolved if item != "<AWS::NoValue>"]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((key, below),) = value.items()
            if key == "Ref":
                return self.parameters.get(below, f"<{below}>")
            if key == "Fn::GetAtt":
                return f"<{'.'.join(below)}>"
            if key == "Fn::If":
                return self.value(below[1] if self.holds({"Condition": below[0]}) else below[2])
            if key == "Fn::Join":
                return below[0].join(map(str, self._list(below[1])))
            if key in ("Fn::Split", "Fn::Select"):
                return self._part(key, below)
            if key == "Fn::Sub":
                return self._substituted(below)
        members = {key: self.value(below) for key, below in value.items()}
        return {key: below for key, below in members.items() if below != "<AWS::NoValue>"}

    def _part(self, key: str, below: list[Any]) -> Any:
        if key == "Fn::Split":
            return str(self.value(below[1])).split(below[0])
        choices = self._list(below[1])
        assert int(below[0]) < len(choices), f"Fn::Select cannot select nonexistent value at index {below[0]}"
        return choices[int(below[0])]

    def _list(self, value: Any) -> list[Any]:
        resolved = self.value(value)
        return resolved if isinstance(resolved, list) else str(resolved).split(",")

    def _substituted(self, value: Any) -> str:
        text, own = (value, {}) if isinstance(value, str) else (value[0], self.value(value[1]))

        def name(match: re.Match[str]) -> str:
            key = match.group(1)
            return str(own.get(key, self.parameters.get(key, f"<{key}>")))

        return re.sub(r"\$\{([^!}]+)\}", name, text)

    def broken_rules(self) -> list[str]:
        """The sentences of the assertions that do not hold."""
        return [
            assertion["AssertDescription"]
            for rule in self.template["Rules"].values()
            if "RuleCondition" not in rule or self.holds(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self.holds(assertion["Assert"])
        ]

    def refused_values(self) -> list[str]:
        """The parameters whose pattern, allowed values or bounds refuse the value."""
        return [name for name in self.parameters if not self._allows(name)]

    def _allows(self, name: str) -> bool:
        definition, value = self.template["Parameters"][name], self.parameters[name]
        allowed = definition.get("AllowedValues")
        if allowed is not None and value not in map(str, allowed):
            return False
        # Of a list, each member must match.
        values = value.split(",") if definition["Type"] == "CommaDelimitedList" else [value]
        if "AllowedPattern" in definition and not all(
            re.fullmatch(definition["AllowedPattern"], value.strip()) for value in values
        ):
            return False
        if definition["Type"] == "Number":
            lowest, highest = definition.get("MinValue", float("-inf")), definition.get("MaxValue", float("inf"))
            return bool(lowest <= float(value) <= highest)
        return True

    def resources(self) -> dict[str, Any]:
        """The resources that these parameters make, resolved."""
        return {
            name: self.value({key: below for key, below in resource.items() if key != "Condition"})
            for name, resource in self.template["Resources"].items()
            if "Condition" not in resource or self.holds({"Condition": resource["Condition"]})
        }
