"""Resolves a CloudFormation template: parameters by their defaults, streams by their names, only one application.

Source: CloudFormation user guide, "Intrinsic function reference" (Ref, Fn::Sub, Fn::GetAtt, Fn::Join,
Fn::FindInMap).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from streamtally.migrate.deployment import UNNAMED

_STREAMS = {
    "AWS::KinesisFirehose::DeliveryStream": ("firehose", "deliverystream", "DeliveryStreamName"),
    "AWS::Kinesis::Stream": ("kinesis", "stream", "Name"),
}
_APPLICATION = re.compile(r"AWS::KinesisAnalytics(?:V2)?::Application")
_OUTPUT = re.compile(r"AWS::KinesisAnalytics(?:V2)?::ApplicationOutput")
_PROGRAM = ("ApplicationCode", "TextContent")
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_.-]+)\}")
"""A name that Fn::Sub inserts; one of Terraform's, such as ``var.table_name``, has more characters."""


def resolve(template: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The template with the values that it contains itself, and a note for each default in a program.

    A stream without a name is called ``NAME_OF_`` and its logical id. Values that only a deployment determines stay as
    they are.
    """
    resolver = _Resolver(template)
    resolved: dict[str, Any] = resolver.walk(template, False)
    notes = [
        f"the template's parameter {name}: its default, {resolver.defaults[name]}, is written into the program"
        for name in sorted(resolver.used)
    ]
    return resolved, notes


def with_output_names(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template with the outputs of its applications resolved, and nothing else."""
    resolver = _Resolver(template)
    resources = {
        name: resolver.walk(resource, False) if _OUTPUT.fullmatch(str(_mapping(resource).get("Type"))) else resource
        for name, resource in resolver.resources.items()
    }
    return {**template, "Resources": resources}


class _Resolver:
    def __init__(self, template: Mapping[str, Any]) -> None:
        parameters = _mapping(template.get("Parameters"))
        self.defaults = {
            name: str(parameter["Default"])
            for name, parameter in parameters.items()
            if isinstance(parameter, dict) and isinstance(parameter.get("Default"), str | int | float)
        }
        self.resources = _mapping(template.get("Resources"))
        self.mappings = _mapping(template.get("Mappings"))
        self.used: set[str] = set()

    def walk(self, part: Any, in_program: bool) -> Any:
        if isinstance(part, list):
            return [self.walk(item, in_program) for item in part]
        if not isinstance(part, dict):
            return part
        if len(part) == 1:
            ((key, value),) = part.items()
            result = self._function(str(key), value, in_program)
            if result is not None:
                return result
        return {key: self.walk(value, in_program or key in _PROGRAM) for key, value in part.items()}

    def _function(self, key: str, value: Any, in_program: bool) -> Any:
        if key == "Ref" and isinstance(value, str) and value in self.defaults:
            return self._default(value, in_program)
        if key == "Fn::GetAtt":
            return self._arn(value)
        if key == "Fn::Sub":
            return self._substituted(value, in_program)
        if key in ("Fn::Join", "Fn::FindInMap") and isinstance(value, list):
            parts = self.walk(value, in_program)
            result = _joined(parts) if key == "Fn::Join" else self._mapped(parts)
            return {key: parts} if result is None else result
        return None

    def _substituted(self, value: Any, in_program: bool) -> Any:
        """``Fn::Sub``: its own variables first, then parameters; all others stay as placeholders."""
        text, own = value, {}
        if isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict):
            text, own = value[0], self.walk(value[1], in_program)
        if not isinstance(text, str):
            return None

        def replace(match: re.Match[str]) -> str:
            value = own.get(match[1])
            return str(value) if isinstance(value, str | int) else self._default(match[1], in_program, match[0])

        text = _PLACEHOLDER.sub(replace, text)
        return {"Fn::Sub": text} if "${" in text else text

    def _mapped(self, parts: list[Any]) -> str | None:
        value: Any = self.mappings
        for part in parts:
            value = _mapping(value).get(part) if isinstance(part, str) else None
        return str(value) if isinstance(value, str | int) else None

    def _default(self, name: str, in_program: bool, otherwise: str = "") -> str:
        if name not in self.defaults:
            return otherwise
        if in_program:
            self.used.add(name)
        return self.defaults[name]

    def _arn(self, value: Any) -> str | None:
        parts = value.split(".") if isinstance(value, str) else value
        if not isinstance(parts, list) or len(parts) != 2 or parts[1] != "Arn":
            return None
        resource = _mapping(self.resources.get(str(parts[0])))
        if str(resource.get("Type")) not in _STREAMS:
            return None
        service, kind, key = _STREAMS[str(resource["Type"])]
        name = self.walk(_mapping(resource.get("Properties")).get(key), False)
        return f"arn:aws:{service}:::{kind}/{name if isinstance(name, str) else UNNAMED + str(parts[0])}"


def _joined(parts: list[Any]) -> str | None:
    if len(parts) != 2 or not isinstance(parts[0], str) or not isinstance(parts[1], list):
        return None
    return parts[0].join(parts[1]) if all(isinstance(part, str) for part in parts[1]) else None


def without_others(template: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The template with only one application: without the others and their parts.

    Args: name: the application's name or logical id.
    """
    resources = {key: resource for key, resource in template["Resources"].items() if isinstance(resource, dict)}
    others = {
        word
        for logical, resource in resources.items()
        if _APPLICATION.fullmatch(str(resource.get("Type")))
        and name not in ((own := _mapping(resource.get("Properties")).get("ApplicationName")), logical)
        for word in (logical, str(own or logical))
    }
    kept = {
        logical: resource
        for logical, resource in resources.items()
        if logical not in others and _belongs_to(resource) not in others
    }
    return {**template, "Resources": kept}


def _belongs_to(resource: Mapping[str, Any]) -> str:
    if _APPLICATION.fullmatch(str(resource.get("Type"))):
        return ""
    named = _mapping(resource.get("Properties")).get("ApplicationName")
    return str(named.get("Ref") if isinstance(named, dict) else named)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
