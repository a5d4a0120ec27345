"""``streamtally doctor``: why nothing arrives, with a fix for each problem."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from streamtally.aws.clients import Aws
from streamtally.aws.clock import now_ms
from streamtally.aws.evidence.logs import gather_logs
from streamtally.aws.evidence.opensearch import gather_cluster, gather_summary
from streamtally.aws.evidence.stream import check_exists, gather_stream
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import Auth, echo_findings, echo_json
from streamtally.cli.shared.before_deploy import Planned, check_domain
from streamtally.cli.shared.cluster_options import open_given
from streamtally.cli.shared.framing import framing_of
from streamtally.doctor import examine
from streamtally.doctor.agent_json import flows_of
from streamtally.doctor.opensearch import OpenSearchState
from streamtally.local.evidence import gather_agent, gather_log, looks_like_log
from streamtally.local.folder import read_folder, read_text

DEFAULT_AGENT = Path("/etc/aws-kinesis/agent.json")


def execute(
    aws: Aws,
    subjects: tuple[str, ...],
    user: str,
    pipeline: Path | None,
    opensearch_url: str | None,
    auth: Auth | None,
    before_deploy: bool,
    stack: str,
    account: str,
    role_arns: tuple[str, ...],
    role_path: str,
    map_roles: bool,
    as_json: bool,
) -> int:
    """Run ``streamtally doctor``. Returns: the exit status. Raises: SettingsError."""
    if before_deploy:
        if not opensearch_url:
            raise click.UsageError("--before-deploy needs --opensearch-url, the domain's address")
        planned = Planned(stack, account, role_arns, map_roles, role_path)
        return check_domain(
            open_given(opensearch_url, aws, auth), aws, auth, opensearch_url, planned, pipeline, as_json
        )
    document = read_folder(pipeline)
    indices = {str(output["index"]) for output in document["outputs"].values()}
    cluster = open_given(opensearch_url, aws, auth) if opensearch_url else None
    evidence: list[object] = []
    for subject in subjects or _default_subjects():
        path = Path(subject)
        if not path.is_file() and not ("/" in subject or path.suffix in (".json", ".log")):
            evidence.append(gather_stream(aws, subject, framing_of(pipeline), cluster, indices))
            evidence += gather_logs(aws, subject, datetime.now(UTC))
            evidence += gather_summary(aws, subject, document, cluster, now_ms())
            continue
        check_exists(path)
        evidence += [gather_log(path)] if looks_like_log(path) else gather_agent(path, aws.region, user)
    if cluster and not any(isinstance(item, OpenSearchState) for item in evidence):
        evidence += gather_cluster(cluster, document, now_ms())
    findings = list(examine(evidence))
    if as_json:
        echo_json({"findings": [finding.to_json() for finding in findings], "looked_at": len(evidence)})
    else:
        echo_findings(findings)
        if not findings:
            click.echo("No problems found.")
    return EXIT_FOUND if any(finding.is_wrong for finding in findings) else 0


def _default_subjects() -> list[str]:
    if not DEFAULT_AGENT.is_file():
        raise click.UsageError(f"name a stream, an agent.json or a log ({DEFAULT_AGENT} does not exist)")
    flows = flows_of(read_text(DEFAULT_AGENT))
    return [str(DEFAULT_AGENT), *(str(flow["deliveryStream"]) for flow in flows if flow.get("deliveryStream"))]
