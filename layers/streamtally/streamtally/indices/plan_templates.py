"""Plans the templates of an output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from streamtally.indices import index_templates
from streamtally.indices.actions import Action, Note
from streamtally.indices.copies import fits, fitting_copies
from streamtally.indices.observed import Observed
from streamtally.indices.spec import IndexSpec
from streamtally.indices.wanted import Wanted


def plan_templates(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    """The output's component and index templates."""
    copies = fitting_copies(observed.copies_multiple)
    yield from _copies_that_do_not_fit(spec, observed.copies_multiple)
    components = index_templates.to_component_templates(spec, copies)
    for action in plan_bodies("put_component_template", components, observed.component_templates):
        yield replace(action, output=spec.index)
    taken = is_taken(spec, observed)
    for action in plan_bodies(
        "put_index_template", index_templates.to_index_templates(spec, taken, copies), observed.index_templates
    ):
        yield replace(action, output=spec.index)


def _copies_that_do_not_fit(spec: IndexSpec, multiple: int) -> Iterator[Note]:
    """Numbers of copies that the cluster refuses: it names neither the setting nor the output."""
    chosen = {
        "replicas": (spec.replicas, None),
        "auto_expand_replicas": (None, spec.auto_expand_replicas),
        "partials_replicas": (spec.partials_replicas, None),
    }
    for name, (replicas, expand) in chosen.items():
        if not fits(multiple, replicas, expand):
            text = (
                f"the cluster takes multiples of {multiple} copies of a shard alone (balanced over {multiple} zones): "
                f"remove {name} from [outputs.{spec.name}], or set replicas = {fitting_copies(multiple) - 1}"
            )
            yield Note("conflict", spec.index, text)


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
