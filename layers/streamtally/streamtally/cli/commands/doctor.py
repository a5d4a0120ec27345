"""``streamtally doctor``: its options and its help; :mod:`streamtally.cli.doctor` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.aws.streams.describe import DEFAULT_STACK
from streamtally.cli.shared.aws_options import auth_option, aws_options, json_option

AGENT_USER = "aws-kinesis-agent-user"


@click.command("doctor")
@click.argument("subjects", nargs=-1, metavar="[STREAM|agent.json|LOG]…")
@click.option("--user", default=AGENT_USER, show_default=True, help="User that the agent runs as.")
@click.option("--pipeline", type=click.Path(path_type=Path), metavar="DIR", help="Pipeline folder of the function.")
@click.option("--opensearch-url", envvar="OPENSEARCH_ENDPOINT", metavar="URL", help="Also check this cluster.")
@auth_option
@click.option(
    "--before-deploy",
    is_flag=True,
    help="Print and check the role mappings that the domain at --opensearch-url needs before the stack is deployed.",
)
@click.option("--stack", default=DEFAULT_STACK, show_default=True, help="With --before-deploy: name of the stack.")
@click.option("--account", default="", metavar="ID", help="With --before-deploy: its account; default: the caller's.")
@click.option(
    "--role-arn",
    "role_arns",
    multiple=True,
    metavar="PART=ARN",
    help="With --before-deploy: a role with a name of its own (SetupRoleName): setup, manager, settle or summary.",
)
@click.option("--role-path", default="/", show_default=True, help="With --before-deploy: the stack's RolePath.")
@click.option("--map-roles/--no-map-roles", default=True, help="With --before-deploy: the stack's MapRoles.")
@json_option
@aws_options
def command(**options: Any) -> int:
    """Diagnose a stream, an agent's configuration or a log, and suggest a fix for each problem.

    A subject that is a file is an agent's configuration, the agent's own log, or a file from Firehose's error prefix;
    anything else is a delivery stream. Default: the agent configuration on this machine and its streams. Exit status 1:
    a problem was found.

    Example: streamtally doctor /etc/aws-kinesis/agent.json log-ingestion-stream
    """
    from streamtally.cli.doctor import execute

    return execute(**options)
