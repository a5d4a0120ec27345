"""``streamtally doctor --before-deploy``: the role mappings that an existing domain needs before the stack."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.evidence.access import curl_options, gather_access
from streamtally.aws.opensearch.addresses import AwsHost, read_address, read_aws_host
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import Auth, echo_findings, echo_json
from streamtally.doctor.before_deploy import PARTS, Step, check_before_deploy, plan_steps, predict_arns
from streamtally.errors import SettingsError
from streamtally.indices.roles import to_roles
from streamtally.indices.spec import read_specs
from streamtally.local.folder import read_folder
from streamtally.local.stream_names import SUMMARY

_ROLE_PATH = re.compile(r"/(?:[a-zA-Z0-9+=,.@_-]+/)*")
_PARTITIONS = {"cn": "aws-cn", "us-gov": "aws-us-gov", "us-iso": "aws-iso", "us-isob": "aws-iso-b"}


@dataclass(frozen=True)
class Planned:
    """The deployment that is planned.

    Attributes:
        stack: its name.
        account: the account's number; "": the caller's.
        role_arns: ``part=ARN`` of roles whose names are given.
        maps_roles: its parameter MapRoles.
        role_path: its parameter RolePath.
    """

    stack: str
    account: str
    role_arns: Sequence[str]
    maps_roles: bool
    role_path: str = "/"


def check_domain(
    cluster: Cluster, aws: Aws, auth: Auth | None, url: str, planned: Planned, folder: Path | None, as_json: bool
) -> int:
    """Print what to map and whether it is. Returns: the exit status."""
    address = read_address(url)
    host = read_aws_host(address.host)
    signs = host or (AwsHost("es", aws.region) if auth == "sigv4" else None)
    is_basic = auth == "basic" or address.user or auth == "none"
    access = gather_access(cluster, curl_options(None if is_basic else signs))
    region = signs.region if signs else aws.region
    if not _ROLE_PATH.fullmatch(planned.role_path):
        raise SettingsError(f"--role-path {planned.role_path}: write the path as RolePath has it, such as /team/logs/")
    given = _given(planned.role_arns)
    arns = predict_arns(planned.stack, _account(aws, planned), _partition(region), given, planned.role_path)
    specs = read_specs(read_folder(folder), SUMMARY)
    steps = plan_steps(access, arns, to_roles(specs), planned.maps_roles)
    findings = list(check_before_deploy(access, steps))
    if as_json:
        echo_json({"findings": [finding.to_json() for finding in findings], "steps": [s.to_json() for s in steps]})
    else:
        echo_findings([finding for finding in findings if finding.level != "error"])
        _show([step for step in steps if not step.done])
    return EXIT_FOUND if any(finding.is_wrong for finding in findings) else 0


def _show(steps: Sequence[Step]) -> None:
    for step in steps:
        what = f"map {step.member} to {step.role}" if step.member else f"make the role {step.role}"
        click.echo(f"{'to do' if step.done is False else 'unchecked'}: {what}")
        click.echo(f"  {step.curl}")
        click.echo(f"  {step.form}")


def _given(texts: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in texts:
        part, _, arn = text.partition("=")
        if part not in PARTS or not arn.startswith("arn:"):
            raise SettingsError(f"--role-arn {text}: write PART=ARN, with a part of {', '.join(PARTS)}")
        given[part] = arn
    return given


def _account(aws: Aws, planned: Planned) -> str:
    if planned.account or len({text.partition("=")[0] for text in planned.role_arns}) == len(PARTS):
        return planned.account
    try:
        identity: dict[str, Any] = aws.call("sts", "get_caller_identity")
    except AwsError as error:
        raise SettingsError(f"the account of the stack is unknown ({error}): pass --account") from None
    return str(identity["Account"])


def _partition(region: str) -> str:
    return _PARTITIONS.get(region.rpartition("-")[0].rpartition("-")[0], "aws")
