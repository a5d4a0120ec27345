"""What an application's inputs and outputs determine: the parameters of template.yaml, and what needs attention.

A value that the document does not contain is a word in capitals, to be replaced. Source: template.yaml, Parameters and
Rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

ROLE, DATA_STREAM = "ROLE_OF_THE_STREAM", "ARN_OF_THE_DATA_STREAM"
UNNAMED = "NAME_OF_"
"""Precedes a resource's logical id if the template does not name the resource."""
_INGESTION = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_SUMMARY = re.compile(r"[a-z0-9_.-]{1,64}")
_STREAM_ARN = re.compile(r"arn:[a-z-]+:kinesis:[a-z0-9-]+:\d{12}:stream/[a-zA-Z0-9_.-]+")
_TO_OPENSEARCH = ("AmazonopensearchserviceDestinationConfiguration", "ElasticsearchDestinationConfiguration")


@dataclass(slots=True)
class Deployment:
    """How to deploy the stack.

    Attributes:
        parameters: the parameters of template.yaml, by name.
        mind: what needs attention, one sentence each.
    """

    parameters: dict[str, str] = field(default_factory=dict)
    mind: list[str] = field(default_factory=list)

    @property
    def attaches_to(self) -> str:
        """The existing delivery stream that gets the transform; "": the stack creates a new one."""
        return self.parameters.get("IngestionStreamName", "")


def plan_deployment(document: Any) -> Deployment:
    """The deployment for a description or a (resolved) template of one application."""
    planned = Deployment()
    _plan_input(planned, document)
    _plan_output(planned, document)
    if any(value in (ROLE, DATA_STREAM) or "_OF_" in value for value in planned.parameters.values()):
        planned.mind.insert(0, "Replace the words in capitals: the migrated document does not contain these values.")
    return planned


def _plan_input(planned: Deployment, document: Any) -> None:
    if arns := list(_targets(document, "KinesisFirehoseInput")):
        name = _name(arns[0], _INGESTION)
        planned.parameters |= {
            "IngestionStream": "existing",
            "IngestionStreamName": name or f"{UNNAMED}THE_STREAM",
            "IngestionRoleArn": ROLE,
        }
    elif arns := list(_targets(document, "KinesisStreamsInput")):
        arn = arns[0] if _STREAM_ARN.fullmatch(arns[0]) else DATA_STREAM
        planned.parameters |= {"IngestionStream": "new", "SourceStreamArn": arn}


def _plan_output(planned: Deployment, document: Any) -> None:
    """Reuses the stream of the results if it can send them as documents with derived ids."""
    arns = list(dict.fromkeys(_targets(document, "KinesisFirehoseOutput")))
    if not arns:
        return
    name = _name(arns[0], _SUMMARY)
    shown = arns[0].rpartition("/")[2] or "the output's stream"
    if len(arns) > 1:
        planned.mind.append("The outputs used several delivery streams: Streamtally sends all through one.")
    if kind := _other_destination(document, shown.removeprefix(UNNAMED)):
        planned.mind.append(f"`{shown}` delivers to {kind}: the stack creates a stream to OpenSearch for the results.")
    elif not name:
        planned.mind.append(
            f"`{shown}` is not reused: its name would become an index name, which must be lower case. "
            "The stack creates a stream."
        )
    else:
        planned.parameters |= {"SummaryStream": "existing", "SummaryStreamName": name, "SummaryRoleArn": ROLE}
        planned.parameters |= {"Domain": "existing", "DomainName": "NAME_OF_THE_DOMAIN"}
        planned.parameters["DomainEndpoint"] = "ENDPOINT_OF_THE_DOMAIN"
        planned.mind.append(
            f"`{name}` must deliver to OpenSearch, with the index name `inbox-{name}` and no rotation. If it does not, "
            "leave out the parameters that begin with Summary and Domain: the stack then creates both."
        )


def _targets(document: Any, prefix: str) -> Iterator[str]:
    """The ARNs under keys with this prefix, such as ``KinesisFirehoseInput``; "" for an ARN that is computed."""
    if isinstance(document, dict):
        for key, value in document.items():
            if str(key).startswith(prefix) and isinstance(value, dict):
                arn = value.get("ResourceARN")
                yield arn if isinstance(arn, str) else ""
            yield from _targets(value, prefix)
    elif isinstance(document, list):
        for item in document:
            yield from _targets(item, prefix)


def _name(arn: str, form: re.Pattern[str]) -> str:
    """The stream's name in its ARN; "": the name has another form. An unnamed stream keeps its capitals."""
    name = arn.rpartition("/")[2]
    return name if form.fullmatch(name) or name.startswith(UNNAMED) else ""


def _other_destination(document: Any, name: str) -> str:
    """The destination of a stream of the template, if it is not OpenSearch; "": it is, or is unknown."""
    resources = document.get("Resources") if isinstance(document, dict) else None
    for logical, resource in (resources or {}).items():
        properties = resource.get("Properties") if isinstance(resource, dict) else None
        if not isinstance(properties, dict) or name not in (logical, properties.get("DeliveryStreamName")):
            continue
        kinds = [key for key in properties if str(key).endswith("DestinationConfiguration")]
        if kinds and not set(kinds) & set(_TO_OPENSEARCH):
            return str(kinds[0]).removesuffix("DestinationConfiguration")
    return ""


def overrides(parameters: Mapping[str, str]) -> str:
    """The parameters in the form of ``sam deploy --parameter-overrides``."""
    return " ".join(f"{key}={value}" for key, value in parameters.items())
