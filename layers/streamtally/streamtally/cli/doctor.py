"""``streamtally doctor``: why nothing arrives, each reason with its fix."""

from __future__ import annotations

from pathlib import Path

import click

from streamtally.attach.destinations import find_destination
from streamtally.aws.attach import read_stream
from streamtally.aws.doctor import (
    AGENT_USER,
    check_exists,
    describe_domain,
    gather_agent,
    gather_log,
    gather_opensearch,
    gather_stream,
    looks_like_log,
)
from streamtally.aws.opensearch import connect, sigv4
from streamtally.aws.session import Aws, AwsError
from streamtally.cli.attach import framing_of
from streamtally.cli.aws_options import aws_options, echo_findings, echo_json, json_option
from streamtally.doctor import examine
from streamtally.doctor.agent_json import flows_of
from streamtally.local.folder import read_folder, read_text

DEFAULT_AGENT = Path("/etc/aws-kinesis/agent.json")


@click.command("doctor")
@click.argument("subjects", nargs=-1, metavar="[STREAM|agent.json|LOG]…")
@click.option("--user", default=AGENT_USER, show_default=True, help="Whom the agent runs as.")
@click.option("--pipeline", type=click.Path(path_type=Path), metavar="DIR", help="The function's pipeline folder.")
@click.option("--opensearch-url", envvar="OPENSEARCH_ENDPOINT", metavar="URL", help="Also look at this cluster.")
@json_option
@aws_options
def command(
    aws: Aws, subjects: tuple[str, ...], user: str, pipeline: Path | None, opensearch_url: str | None, as_json: bool
) -> int:
    """Look for what is wrong with a stream, an agent's configuration or a log, and say how to mend each.

    A subject that is a file is the agent's configuration, the agent's own log, or a file from Firehose's error prefix;
    anything else is a delivery stream. Without one: the agent's configuration of this machine, and its streams. Exit
    status 1: something is wrong.

    Example: streamtally doctor /etc/aws-kinesis/agent.json log-ingestion-stream
    """
    document = read_folder(pipeline)
    evidence: list[object] = []
    for subject in subjects or _default_subjects():
        path = Path(subject)
        if not path.is_file() and not ("/" in subject or path.suffix in (".json", ".log")):
            evidence += _gather_stream(aws, subject, framing_of(pipeline), opensearch_url)
            continue
        check_exists(path)
        evidence += [gather_log(path)] if looks_like_log(path) else gather_agent(path, aws.region, user)
    if opensearch_url:
        indices = [str(each["index"]) for each in document["outputs"].values()]
        evidence += [gather_opensearch(connect(opensearch_url), index) for index in indices]
    found = list(examine(evidence))
    if as_json:
        echo_json({"findings": [each.to_json() for each in found], "looked_at": len(evidence)})
    else:
        echo_findings(found)
        if not found:
            click.echo("Nothing wrong was found.")
    return 1 if any(each.is_wrong for each in found) else 0


def _default_subjects() -> list[str]:
    if not DEFAULT_AGENT.is_file():
        raise click.UsageError(f"name a stream, an agent.json or a log (there is no {DEFAULT_AGENT})")
    flows = flows_of(read_text(DEFAULT_AGENT))
    return [str(DEFAULT_AGENT), *(str(flow["deliveryStream"]) for flow in flows if flow.get("deliveryStream"))]


def _gather_stream(aws: Aws, name: str, framing: str, url: str | None) -> list[object]:
    evidence: list[object] = [gather_stream(aws, name, framing, url)]
    try:
        domain = describe_domain(aws, name)
        if domain and domain.get("Endpoint") and not url:
            cluster = connect(str(domain["Endpoint"]), sigv4(aws.region, "es", aws.session), timeout_seconds=10)
            evidence.append(gather_opensearch(cluster, find_index(aws, name), domain))
    except AwsError:
        pass  # the stream's own evidence says why
    return evidence


def find_index(aws: Aws, stream: str) -> str:
    """The index that a stream writes to."""
    return str(find_destination(read_stream(aws, stream)).config.get("IndexName", ""))
