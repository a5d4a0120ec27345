"""The report on a migrated application: what to do, what is equal, what differs, and what was not migrated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streamtally.migrate.deployment import Deployment, overrides
from streamtally.sql.explain import differences

LAYER_FOLDER = "layers/pipeline/pipeline"


def report(
    name: str, document: Mapping[str, Any], deployment: Deployment, left: Sequence[str], notes: Sequence[str]
) -> str:
    """The report's text (Markdown)."""
    lines = [f"# {name}: from Kinesis Analytics to Streamtally", "", "## To do", "", *_to_do(deployment)]
    lines += ["", "## Equal", "", *_equal(document)]
    lines += ["", "## Differs", "", *_differs(document), *(f"- {note}" for note in notes)]
    lines += ["", "## Not carried over", "", *([f"- {sentence}" for sentence in left] or ["Nothing."])]
    return "\n".join(lines) + "\n"


def _to_do(deployment: Deployment) -> Iterator[str]:
    parameters = overrides(deployment.parameters)
    yield f"1. Copy the pipeline's files to `{LAYER_FOLDER}`, replacing the files there."
    yield "2. Deploy: `sam build`, then"
    yield f"   `sam deploy --guided --parameter-overrides {parameters}`" if parameters else "   `sam deploy --guided`"
    for sentence in deployment.mind:
        yield f"   - {sentence}"
    attach = f"`streamtally attach {deployment.attaches_to or 'log-ingestion-stream'} --plan`"
    if deployment.attaches_to:
        yield f"3. Attach: {attach}, and then without `--plan` once it looks right."
    else:
        yield "3. The transform is attached to the stack's new delivery stream. To attach it to another instead:"
        yield f"   {attach}, and then without `--plan` once it looks right."


def _equal(document: Mapping[str, Any]) -> Iterator[str]:
    for node in document["plan"]["outputs"]:
        columns = ", ".join(column["name"] for column in node["columns"])
        kind = f"windows of {node['window_ms'] // 1000} s" if node["kind"] == "windowed" else "one document per row"
        yield f"- `{node['name']}`: {kind}; columns {columns}, with their names and types"


def _differs(document: Mapping[str, Any]) -> Iterator[str]:
    for node in document["plan"]["outputs"]:
        settings = document["outputs"].get(node.get("stream", node["name"]), {})
        for difference in differences(node, settings):
            yield f"- `{node['name']}`: {difference}"
