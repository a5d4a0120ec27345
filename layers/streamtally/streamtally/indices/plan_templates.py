"""Plans the templates of an output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from streamtally.indices import index_templates
from streamtally.indices.actions import Action, Note
from streamtally.indices.observed import Observed
from streamtally.indices.spec import IndexSpec
from streamtally.indices.wanted import Wanted


def plan_templates(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    """The output's component and index templates."""
    components = index_templates.to_component_templates(spec)
    for action in plan_bodies("put_component_template", components, observed.component_templates):
        yield replace(action, output=spec.index)
    taken = is_taken(spec, observed)
    for action in plan_bodies(
        "put_index_template", index_templates.to_index_templates(spec, taken), observed.index_templates
    ):
        yield replace(action, output=spec.index)


def is_taken(spec: IndexSpec, observed: Observed) -> bool:
    """Whether an index has the alias's name."""
    return spec.index in observed.indices


def plan_bodies(kind: Any, wanted: Mapping[str, Any], have: Mapping[str, Any]) -> Iterator[Action]:
    """An action of a kind for each template that is missing or differs."""
    for name, body in wanted.items():
        if name not in have:
            yield Action(kind, name, "it does not exist", body=body)
        elif not index_templates.is_same(have[name], body):
            yield Action(kind, name, "it differs from what the pipeline requires", body=body)
