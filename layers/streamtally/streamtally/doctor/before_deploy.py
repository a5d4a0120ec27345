"""What must be mapped in an existing domain before a stack can be deployed on it, as commands, as a form, and checked.

With ``MapRoles=true`` the stack's setup role maps the others, for which it needs what a master user has. With
``MapRoles=false`` an administrator makes the roles and maps them. An IAM role of the stack has an ARN that is known
before it exists: by its parameter (``SetupRoleName``), or up to the suffix that CloudFormation appends.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.findings import Finding
from streamtally.indices.role_mappings import is_mapped
from streamtally.indices.roles import ADMIN_ROLES, FIREHOSE_ROLE, MANAGER_ROLE, SETTLE_ROLE

CHECK = "domain-mapping"
API = "/_plugins/_security/api"
PARTS = {"setup": "SetupRole", "manager": "ManagerRole", "settle": "SettleRole", "summary": "SummaryRole"}
"""Part of the stack → its role's name in the template."""
_OWN_ROLES = {"manager": MANAGER_ROLE, "settle": SETTLE_ROLE, "summary": FIREHOSE_ROLE}


@dataclass(frozen=True, slots=True)
class DomainAccess:
    """What a domain's fine-grained access control says.

    Attributes:
        where: the domain's address.
        curl: the options with which curl authenticates.
        roles: its roles by name; None: it has no fine-grained access control, or they could not be read.
        mappings: its role mappings by role; None, as above.
        denied: why they could not be read; "": they were, or there are none.
    """

    where: str
    curl: str = ""
    roles: Mapping[str, Any] | None = None
    mappings: Mapping[str, Any] | None = None
    denied: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do in the domain.

    Attributes:
        role: the domain's role.
        member: the ARN, or a pattern of it, to be mapped to the role; "": the role itself is to be made.
        done: whether it is done; None: unknown.
        curl: the command that does it.
        form: where to do it in OpenSearch Dashboards.
    """

    role: str
    member: str
    done: bool | None
    curl: str
    form: str

    def to_json(self) -> dict[str, Any]:
        return {"role": self.role, "member": self.member, "done": self.done, "curl": self.curl, "form": self.form}


def predict_arns(
    stack: str, account: str, partition: str, given: Mapping[str, str], role_path: str = "/"
) -> dict[str, str]:
    """Part → the ARN of its role, or the pattern that it will match (CloudFormation appends a random suffix).

    Args:
        given: parts whose ARNs are known.
        role_path: the path of the stack's roles, with ``/`` at both ends.
    """
    prefix = f"arn:{partition}:iam::{account}:role{role_path}{stack}"
    return {part: given.get(part) or f"{prefix}-{role}-*" for part, role in PARTS.items()}


def plan_steps(
    access: DomainAccess, arns: Mapping[str, str], own_roles: Mapping[str, Any], maps_roles: bool
) -> list[Step]:
    """What to do before the deployment, done or not.

    Args:
        arns: as of :func:`predict_arns`.
        own_roles: name → body of the pipeline's roles in the domain.
        maps_roles: the stack's parameter ``MapRoles``.
    """
    if access.roles is None and not access.denied:
        return []  # no fine-grained access control
    if maps_roles:
        known = [role for role in ADMIN_ROLES if access.roles is None or role in access.roles]
        return [_mapping_step(access, role, arns["setup"]) for role in known]
    steps = [_role_step(access, role, own_roles[role]) for role in _OWN_ROLES.values()]
    return steps + [_mapping_step(access, role, arns[part]) for part, role in _OWN_ROLES.items()]


def check_before_deploy(access: DomainAccess, steps: Sequence[Step]) -> Iterator[Finding]:
    """One finding per step, and one if the domain could not be asked or asks nobody."""
    if access.denied:
        fix = "run it as a user of all_access, or make the mappings below all the same"
        yield Finding(CHECK, "warning", f"not checked: {access.denied}", fix, access.where)
    elif access.roles is None:
        text = "there is no fine-grained access control here: nothing needs to be mapped"
        yield Finding(CHECK, "note", text, "deploy with MapRoles=false", access.where)
    for step in steps:
        what = f"{step.member} to {step.role}" if step.member else f"the role {step.role}"
        if step.done:
            yield Finding(CHECK, "ok", f"{what} is {'mapped' if step.member else 'there'}", "", access.where)
        elif step.done is False:
            missing = "is not mapped" if step.member else "does not exist, or differs from the pipeline's"
            yield Finding(CHECK, "error", f"{what} {missing}", f"{step.curl}  # or {step.form}", access.where)


def _mapping_step(access: DomainAccess, role: str, member: str) -> Step:
    have = None if access.mappings is None else access.mappings.get(role)
    path = f"{API}/rolesmapping/{role}"
    if have is None and not (access.mappings is None and role in ADMIN_ROLES):
        curl = _curl(access, "PUT", path, {"backend_roles": [member]})
    else:  # whoever is mapped already stays mapped
        curl = _curl(access, "PATCH", path, [{"op": "add", "path": "/backend_roles/-", "value": member}])
    form = f"Dashboards: Security > Roles > {role} > Mapped users > Manage mapping > Backend roles: {member}"
    done = None if access.mappings is None else is_mapped(have or {}, member, ("backend_roles",))
    return Step(role, member, done, curl, form)


def _role_step(access: DomainAccess, role: str, body: Mapping[str, Any]) -> Step:
    have = None if access.roles is None else access.roles.get(role, {})
    done = None if have is None else _has_permissions(have, body)
    form = f"Dashboards: Security > Roles > Create role, with the permissions of this command: {role}"
    return Step(role, "", done, _curl(access, "PUT", f"{API}/roles/{role}", body), form)


def _has_permissions(have: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    def rules(role: Mapping[str, Any]) -> list[tuple[list[str], list[str]]]:
        listed = role.get("index_permissions") or ()
        return sorted((sorted(rule["index_patterns"]), sorted(rule["allowed_actions"])) for rule in listed)

    wanted = sorted(body["cluster_permissions"])
    return sorted(have.get("cluster_permissions") or ()) == wanted and rules(have) == rules(body)


def _curl(access: DomainAccess, method: str, path: str, body: Any) -> str:
    options = f"{access.curl} " if access.curl else ""
    url = shlex.quote(f"{access.where}{path}")
    return f"curl {options}-X {method} {url} -H 'content-type: application/json' -d {shlex.quote(json.dumps(body))}"
