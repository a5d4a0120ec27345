"""What to do with a migrated application, and what is equal, differs, or stays behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streamtally.migrate.deployment import Deployment, needs
from streamtally.sql.explain import differences

LAYER_FOLDER = "layers/pipeline/pipeline"


def report(
    name: str, document: Mapping[str, Any], deployment: Deployment, left: Sequence[str], notes: Sequence[str]
) -> str:
    """The report's text (Markdown)."""
    lines = [f"# {name}: from Kinesis Analytics to Streamtally", "", "## To do", "", *_to_do(deployment)]
    lines += ["", "## Equal", "", *_equal(document)]
    lines += ["", "## Differs", "", *_differs(document), *(f"- {note}" for note in notes)]
    lines += ["", "## Not carried over", "", *([f"- {each}" for each in left] or ["Nothing."])]
    return "\n".join(lines) + "\n"


def _to_do(deployment: Deployment) -> Iterator[str]:
    overrides = needs(deployment.parameters)
    yield f"1. Copy the pipeline's files to `{LAYER_FOLDER}`, in place of what is there."
    yield "2. Deploy: `sam build`, then"
    yield f"   `sam deploy --guided --parameter-overrides {overrides}`" if overrides else "   `sam deploy --guided`"
    for each in deployment.mind:
        yield f"   - {each}"
    attach = f"`streamtally attach {deployment.attaches_to or 'log-ingestion-stream'} --plan`"
    if deployment.attaches_to:
        yield f"3. Attach: {attach}, and without `--plan` once it looks right."
    else:
        yield "3. The stack's new delivery stream has the transform on it. To put it on one that exists instead:"
        yield f"   {attach}, and without `--plan` once it looks right."


def _equal(document: Mapping[str, Any]) -> Iterator[str]:
    for node in document["plan"]["outputs"]:
        columns = ", ".join(each["name"] for each in node["columns"])
        kind = f"windows of {node['window_ms'] // 1000} s" if node["kind"] == "windowed" else "a document a row"
        yield f"- `{node['name']}`: {kind}; columns {columns}, with their names and types"


def _differs(document: Mapping[str, Any]) -> Iterator[str]:
    for node in document["plan"]["outputs"]:
        settings = document["outputs"].get(node.get("stream", node["name"]), {})
        for difference in differences(node, settings):
            yield f"- `{node['name']}`: {difference}"
