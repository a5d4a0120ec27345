"""The resources of Terraform's JSON documents, whichever of their forms they have.

Sources: Terraform's manual, "JSON Output Format" (``terraform show -json``) and "JSON Configuration Syntax"
(``*.tf.json``); a state file of version 4 has the attributes of the provider's resources in the same form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource.

    Attributes:
        address: its address, such as ``module.a.aws_kinesis_stream.lines[0]``.
        type: its type.
        values: its arguments.
    """

    address: str
    type: str
    values: Mapping[str, Any]


@dataclass(slots=True)
class Document:
    """A document of Terraform.

    Attributes:
        resources: its resources.
        parameters: ``var.<name>`` and ``local.<name>`` → its default or value; empty unless it is configuration.
        has_expressions: whether it is configuration, whose texts may contain ``${…}``.
    """

    resources: list[Resource]
    parameters: dict[str, str | int | float] = field(default_factory=dict)
    has_expressions: bool = False


def read_document(document: Any) -> Document | None:
    """A document's resources; None: it is not one of Terraform's."""
    if not isinstance(document, dict):
        return None
    for key in ("values", "planned_values"):
        if "format_version" in document and isinstance(document.get(key), dict):
            return Document(list(_of_module(as_mapping(document[key].get("root_module")))))
    if "terraform_version" in document and "lineage" in document:
        return Document(list(_of_state(document)))
    if "resource" in document or ("terraform" in document and "module" in document):
        return Document(list(_of_configuration(document)), _parameters(document), True)
    return None


def _of_module(module: Mapping[str, Any]) -> Iterator[Resource]:
    for resource in map(as_mapping, as_list(module.get("resources"))):
        if resource.get("mode") != "data":
            yield Resource(str(resource.get("address")), str(resource.get("type")), as_mapping(resource.get("values")))
    for child in as_list(module.get("child_modules")):
        yield from _of_module(as_mapping(child))


def _of_state(state: Mapping[str, Any]) -> Iterator[Resource]:
    for resource in map(as_mapping, as_list(state.get("resources"))):
        if resource.get("mode") == "data":
            continue
        parts = [str(part) for part in (resource.get("module"), resource.get("type"), resource.get("name")) if part]
        for instance in map(as_mapping, as_list(resource.get("instances"))):
            index = f"[{instance['index_key']!r}]" if instance.get("index_key") is not None else ""
            yield Resource(".".join(parts) + index, str(resource.get("type")), as_mapping(instance.get("attributes")))


def _of_configuration(document: Mapping[str, Any]) -> Iterator[Resource]:
    for types in map(as_mapping, listed(document.get("resource"))):
        for kind, named in types.items():
            for resources in map(as_mapping, listed(named)):
                for name, blocks in resources.items():
                    for values in map(as_mapping, listed(blocks)):
                        if values.get("count") != 0:
                            yield Resource(f"{kind}.{name}", kind, values)


def _parameters(document: Mapping[str, Any]) -> dict[str, str | int | float]:
    values: dict[str, Any] = {}
    for variables in map(as_mapping, listed(document.get("variable"))):
        for name, blocks in variables.items():
            for block in map(as_mapping, listed(blocks)):
                values[f"var.{name}"] = block.get("default")
    for constants in map(as_mapping, listed(document.get("locals"))):
        values |= {f"local.{name}": value for name, value in constants.items()}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool) and "${" not in str(value)
    }


def listed(value: Any) -> list[Any]:
    """A list as it is; one value, for which JSON configuration needs no list, as a list of it."""
    return value if isinstance(value, list) else [] if value is None else [value]


def as_list(value: Any) -> list[Any]:
    """A list; empty for anything else."""
    return value if isinstance(value, list) else []


def as_mapping(value: Any) -> dict[str, Any]:
    """An object; empty for anything else."""
    return value if isinstance(value, dict) else {}
