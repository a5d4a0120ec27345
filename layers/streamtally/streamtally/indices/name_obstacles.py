"""Names of ours that something else has: data streams, aliases, indices; and indices that are closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from streamtally.findings import Finding
from streamtally.indices.coming_names import is_own_index
from streamtally.indices.question import Question, some
from streamtally.indices.spec import IndexSpec


def check_names(question: Question) -> Iterator[Finding]:
    """Data streams and aliases that have the name of an index or alias of ours."""
    resolved, specs = question.around.resolved, question.specs
    views = {spec.index: spec for spec in specs}
    writes = {f"{spec.index}-write" for spec in specs if spec.rotation == "rollover"}
    for name in resolved.data_streams:
        if name in views or name in writes or is_own_index(name, specs):
            text = f"a data stream has the name {name}: it takes only creates, and our documents are refused"
            yield Finding("name-taken", "error", text, f"rename index in pipeline.toml, or delete it: {name}")
    for name, members in sorted(resolved.aliases.items()):
        if is_own_index(name, specs):
            text = f"an alias has the name of an index of ours, {name}: documents go to {some(members)}"
            yield Finding("name-taken", "error", text, "remove the alias, or rename index in pipeline.toml")
        elif name in writes:
            yield from _check_write_alias(name, members, question)
        elif name in views:
            foreign = [member for member in members if not is_own_index(member, specs) and member != name]
            text = f"the alias {name} also shows indices that are not ours: {some(foreign)}"
            if foreign:
                yield Finding("name-taken", "warning", text, "remove them from it, or rename index in pipeline.toml")
    for name in sorted(writes & resolved.indices.keys()):
        text = f"an index has the name of the write alias, {name}: rows go into it and are never rolled over"
        yield Finding("name-taken", "error", text, "reindex it into another name and delete it")


def _check_write_alias(name: str, members: Sequence[str], question: Question) -> Iterator[Finding]:
    foreign = [member for member in members if not is_own_index(member, question.specs)]
    if foreign:
        text = f"the write alias {name} points to {some(foreign)}, which is not ours"
        yield Finding("name-taken", "error", text, "remove the alias from it")
    written = [
        index.name
        for index in question.around.indices.values()
        if (index.aliases.get(name) or {}).get("is_write_index")
    ]
    if len(members) > 1 and not written:
        text = f"the write alias {name} has {len(members)} indices and no write index: rows are refused"
        yield Finding("name-taken", "error", text, f"set is_write_index on {max(members)} (POST _aliases)")


def check_closed(question: Question) -> Iterator[Finding]:
    """A closed index refuses documents, and a search of the alias that it has."""
    closed = [
        name
        for name, attributes in sorted(question.around.resolved.indices.items())
        if "closed" in attributes and (is_own_index(name, question.specs) or _is_view(name, question.specs))
    ]
    if closed:
        text = f"{some(closed)} is closed: documents are refused, and its counts are not shown"
        yield Finding("index-closed", "error", text, f"POST {closed[0]}/_open, or delete it")


def _is_view(name: str, specs: Iterable[IndexSpec]) -> bool:
    return any(name == spec.index for spec in specs)
