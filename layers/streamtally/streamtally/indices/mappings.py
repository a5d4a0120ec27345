"""A changed template and existing indices: what a mapping update can change, and what waits or conflicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streamtally.indices.actions import Action, Note
from streamtally.indices.bodies import Body
from streamtally.indices.index_templates import to_mapping
from streamtally.indices.names import IndexName
from streamtally.indices.observed import ObservedIndex
from streamtally.indices.spec import IndexSpec


def plan_mappings(
    spec: IndexSpec, own: Sequence[tuple[ObservedIndex, IndexName]], now_ms: int
) -> Iterator[Action | Note]:
    """Mapping updates of the output's existing indices, and a note for each field that an update cannot change."""
    mappings = {partials: to_mapping(spec, partials)["properties"] for partials in (False, True)}
    differing: dict[str, list[str]] = {}
    for index, name in own:
        have = index.mapping.get("properties") or {}
        added, fixed = compare(mappings[name.kind == "partials"], have)
        if added:
            what = ", ".join(sorted(_paths(added)))
            yield Action("put_mapping", index.name, f"new or wider: {what}", spec.index, {"properties": added})
        is_written = name.kind == "view" or name.period is None or name.period.end_ms > now_ms
        for path, change in fixed.items():
            if is_written and change[0] != change[1]:
                text = f"field {path} is {change[0]} here and {change[1]} in the plan: misfits are not indexed"
                yield Note("conflict", index.name, text)
            else:
                differing.setdefault(path, []).append(index.name)
    for path, names in sorted(differing.items()):
        yield Note(
            "waits",
            spec.index,
            f"field {path} differs in {len(names)} indices (newest {max(names)}) until the next rotation",
        )


def compare(
    wanted: Mapping[str, Any], have: Mapping[str, Any], path: str = ""
) -> tuple[Body, dict[str, tuple[str, str]]]:
    """(properties that an update can add or widen, what it cannot change: path → (present type, wanted type))."""
    added: Body = {}
    fixed: dict[str, tuple[str, str]] = {}
    for name, field in wanted.items():
        full = f"{path}{name}"
        present = have.get(name)
        if present is None:
            added[name] = field
        elif "properties" in field:
            inner, inner_fixed = compare(field["properties"], present.get("properties") or {}, f"{full}.")
            fixed.update(inner_fixed)
            if inner:
                added[name] = {"properties": inner}
        elif _kind(present) != _kind(field) or present.get("format") != field.get("format"):
            fixed[full] = (_kind(present), _kind(field))
        elif present.get("ignore_above") != field.get("ignore_above"):
            added[name] = field
    return added, fixed


def count_fields(mapping: Mapping[str, Any]) -> int:
    """Fields of a mapping as the cluster counts them for its limit: objects, fields and subfields."""
    inner = [*(mapping.get("properties") or {}).values(), *(mapping.get("fields") or {}).values()]
    return len(inner) + sum(count_fields(field) for field in inner)


def _kind(field: Mapping[str, Any]) -> str:
    return str(field.get("type", "object"))


def _paths(properties: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, field in properties.items():
        yield from _paths(field["properties"], f"{path}{name}.") if "properties" in field else [f"{path}{name}"]
