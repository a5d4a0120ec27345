"""A CloudFormation template made plain: parameters by their defaults, streams by their names, one application alone.

Source: CloudFormation user guide, "Intrinsic function reference" (Ref, Fn::Sub, Fn::GetAtt).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_STREAMS = {
    "AWS::KinesisFirehose::DeliveryStream": ("firehose", "deliverystream", "DeliveryStreamName"),
    "AWS::Kinesis::Stream": ("kinesis", "stream", "Name"),
}
_APPLICATION = re.compile(r"AWS::KinesisAnalytics(?:V2)?::Application")
_PROGRAM = ("ApplicationCode", "TextContent")
_PLACE = re.compile(r"\$\{([A-Za-z0-9]+)\}")


def resolve(template: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The template with what it says itself put in its place, and a note for each default in a program.

    A stream without a name of its own is called by its place in the template. What only a deployment knows stays.
    """
    resolver = _Resolver(template)
    resolved: dict[str, Any] = resolver.walk(template, False)
    notes = [
        f"the template's parameter {name}: its default, {resolver.defaults[name]}, is written into the program"
        for name in sorted(resolver.used)
    ]
    return resolved, notes


class _Resolver:
    def __init__(self, template: Mapping[str, Any]) -> None:
        parameters = _mapping(template.get("Parameters"))
        self.defaults = {
            name: str(each["Default"])
            for name, each in parameters.items()
            if isinstance(each, dict) and isinstance(each.get("Default"), str | int | float)
        }
        self.resources = _mapping(template.get("Resources"))
        self.used: set[str] = set()

    def walk(self, part: Any, in_program: bool) -> Any:
        if isinstance(part, list):
            return [self.walk(each, in_program) for each in part]
        if not isinstance(part, dict):
            return part
        if len(part) == 1:
            ((key, value),) = part.items()
            found = self._function(str(key), value, in_program)
            if found is not None:
                return found
        return {key: self.walk(value, in_program or key in _PROGRAM) for key, value in part.items()}

    def _function(self, key: str, value: Any, in_program: bool) -> Any:
        if key == "Ref" and isinstance(value, str) and value in self.defaults:
            return self._default(value, in_program)
        if key == "Fn::GetAtt":
            return self._arn(value)
        if key == "Fn::Sub" and isinstance(value, str):
            text = _PLACE.sub(lambda found: self._default(found[1], in_program, found[0]), value)
            return {key: text} if "${" in text else text
        return None

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
        return f"arn:aws:{service}:::{kind}/{name if isinstance(name, str) else parts[0]}"


def only(template: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The template without the other applications and what belongs to them. Args: name: an application's."""
    resources = {key: each for key, each in template["Resources"].items() if isinstance(each, dict)}
    others = {
        word
        for logical, each in resources.items()
        if _APPLICATION.fullmatch(str(each.get("Type")))
        and name not in ((own := _mapping(each.get("Properties")).get("ApplicationName")), logical)
        for word in (logical, str(own or logical))
    }
    kept = {
        logical: each
        for logical, each in resources.items()
        if logical not in others and _belongs_to(each) not in others
    }
    return {**template, "Resources": kept}


def _belongs_to(resource: Mapping[str, Any]) -> str:
    if _APPLICATION.fullmatch(str(resource.get("Type"))):
        return ""
    named = _mapping(resource.get("Properties")).get("ApplicationName")
    return str(named.get("Ref") if isinstance(named, dict) else named)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
