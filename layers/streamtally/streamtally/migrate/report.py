"""What to do with a migrated application, and what is equal, differs, or stays behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streamtally.sql.explain import differences

LAYER_FOLDER = "layers/pipeline/pipeline"


def find_arns(document: Any, prefix: str) -> list[str]:
    """The ARNs that stand below keys of this beginning, such as ``KinesisFirehoseInput``."""
    found: list[str] = []
    if isinstance(document, dict):
        for key, value in document.items():
            if str(key).startswith(prefix) and isinstance(value, dict) and isinstance(value.get("ResourceARN"), str):
                found.append(value["ResourceARN"])
            found += find_arns(value, prefix)
    elif isinstance(document, list):
        for each in document:
            found += find_arns(each, prefix)
    return list(dict.fromkeys(found))


def deploy_parameters(document: Any) -> dict[str, str]:
    """Parameters of template.yaml that the application's inputs and outputs decide."""
    parameters: dict[str, str] = {}
    if arns := find_arns(document, "KinesisFirehoseInput"):
        parameters |= {"IngestionStream": "existing", "IngestionStreamName": arns[0].rpartition("/")[2]}
        parameters["IngestionRoleArn"] = "ROLE_OF_THE_STREAM"
    elif arns := find_arns(document, "KinesisStreamsInput"):
        parameters |= {"IngestionStream": "new", "SourceStreamArn": arns[0]}
    if arns := find_arns(document, "KinesisFirehoseOutput"):
        parameters |= {"SummaryStream": "existing", "SummaryStreamName": arns[0].rpartition("/")[2]}
        parameters["SummaryRoleArn"] = "ROLE_OF_THE_STREAM"
    return parameters


def attach_command(parameters: Mapping[str, str]) -> str:
    """The command that puts the transform on the application's input."""
    return f"streamtally attach {parameters.get('IngestionStreamName') or 'log-ingestion-stream'} --plan"


def report(
    name: str, document: Mapping[str, Any], parameters: Mapping[str, str], left: Sequence[str], notes: Sequence[str]
) -> str:
    """The report's text (Markdown)."""
    overrides = " ".join(f"{key}={value}" for key, value in parameters.items())
    lines = [f"# {name}: from Kinesis Analytics to Streamtally", "", "## To do", ""]
    lines.append(f"1. Copy the pipeline's files to `{LAYER_FOLDER}`, in place of what is there.")
    lines.append("2. Deploy: `sam build`, then")
    lines.append(
        f"   `sam deploy --guided --parameter-overrides {overrides}`" if overrides else "   `sam deploy --guided`"
    )
    attach = f"`{attach_command(parameters)}`, and without `--plan` once it looks right."
    if parameters.get("IngestionStream") == "existing":
        lines.append(f"3. Attach: {attach}")
    else:
        lines.append(
            "3. The stack's new delivery stream has the transform on it. To put it on one that exists instead:"
        )
        lines.append(f"   {attach}")
    lines += ["", "## Equal", "", *_equal(document)]
    lines += ["", "## Differs", "", *_differs(document), *(f"- {note}" for note in notes)]
    lines += ["", "## Not carried over", "", *([f"- {each}" for each in left] or ["Nothing."])]
    return "\n".join(lines) + "\n"


def _equal(document: Mapping[str, Any]) -> Iterator[str]:
    for node in document["plan"]["outputs"]:
        columns = ", ".join(each["name"] for each in node["columns"])
        kind = f"windows of {node['window_ms'] // 1000} s" if node["kind"] == "windowed" else "a document a row"
        yield f"- `{node['name']}`: {kind}; columns {columns}, with their names and types"


def _differs(document: Mapping[str, Any]) -> Iterator[str]:
    for node in document["plan"]["outputs"]:
        settings = document["outputs"].get(node.get("stream", node["name"]), {})
        for each in differences(node, settings):
            yield f"- `{node['name']}`: {each}"
