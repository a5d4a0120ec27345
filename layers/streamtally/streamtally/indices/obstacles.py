"""What keeps documents out although the pipeline's own parts are as they should be: each with its cause and its fix.

Each check looks at one kind of thing in the cluster's surroundings. An ``error`` refuses documents, or loses their
meaning, now or at the next index; a ``warning`` will.
"""

from __future__ import annotations

from collections.abc import Iterator

from streamtally.findings import Finding
from streamtally.indices import template_obstacles
from streamtally.indices.health_obstacles import (
    check_blocks,
    check_breakers,
    check_disks,
    check_health,
    check_unread,
)
from streamtally.indices.limit_obstacles import check_auto_create, check_fields, check_shards
from streamtally.indices.name_obstacles import check_closed, check_names
from streamtally.indices.question import Question


def find_obstacles(question: Question) -> list[Finding]:
    """Everything that keeps documents out, the cluster's own matters first."""
    findings = (finding for check in CHECKS for finding in check(question))
    return list(dict.fromkeys(findings))


def check_templates(question: Question) -> Iterator[Finding]:
    """Templates of other people that win over ours."""
    yield from template_obstacles.find(question.coming, question.around)


CHECKS = (
    check_blocks,
    check_shards,
    check_auto_create,
    check_templates,
    check_names,
    check_closed,
    check_fields,
    check_health,
    check_disks,
    check_breakers,
    check_unread,
)
