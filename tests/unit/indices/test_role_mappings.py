"""Who is mapped: names, wildcards and regular expressions as the security plugin takes them."""

from __future__ import annotations

from typing import Any

import pytest

from streamtally.indices.role_mappings import find_unmapped, is_mapped, match_wildcards, merge_mapping, to_mapping

ROLE = "arn:aws:iam::123456789012:role/streamtally-SetupRole-1A2B3C4D5E6F"
USER = "arn:aws:iam::123456789012:user/ann"


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"backend_roles": [ROLE]}, True),
        ({"backend_roles": ["arn:aws:iam::123456789012:role/streamtally-SetupRole-*"]}, True),
        ({"backend_roles": ["arn:aws:iam::*:role/streamtally-SetupRole-????????????"]}, True),
        ({"backend_roles": ["*"]}, True),
        ({"users": ["arn:aws:iam::123456789012:role/*"]}, True),
        ({"backend_roles": ["/arn:aws:iam::[0-9]+:role/streamtally-.*/"]}, True),
        ({"and_backend_roles": [ROLE]}, True),
        ({"and_backend_roles": [ROLE, "admin"]}, False),
        ({"backend_roles": ["arn:aws:iam::123456789012:role/streamtally-SetupRole"]}, False),
        ({"backend_roles": ["arn:aws:iam::210987654321:role/*"]}, False),
        ({"backend_roles": ["/arn:aws:iam::[0-9]+:user/.*/", "/(/"]}, False),
        ({"backend_roles": None, "users": None}, False),
        ({"hosts": ["*"]}, False),
        ({}, False),
    ],
)
def test_is_mapped(mapping: dict[str, Any], expected: bool) -> None:
    assert is_mapped(mapping, ROLE) is expected


# IAM roles and groups are backend roles, IAM users are users; a session has its role's rights.
def test_to_mapping() -> None:
    session = "arn:aws-cn:sts::123456789012:assumed-role/reader/ann@example.com"
    assert to_mapping([ROLE, USER, "log readers", session, ROLE]) == {
        "backend_roles": ["arn:aws-cn:iam::123456789012:role/reader", ROLE, "log readers"],
        "users": [USER],
    }


# What is there stays, and what a wildcard covers is not added.
def test_merge() -> None:
    have = {"backend_roles": ["arn:aws:iam::123456789012:role/streamtally-*"], "hosts": ["h"], "reserved": False}
    body = to_mapping([ROLE, USER, "staff"])

    assert find_unmapped(have, body) == ["staff", USER]
    assert merge_mapping(have, body) == {
        "hosts": ["h"],
        "backend_roles": ["arn:aws:iam::123456789012:role/streamtally-*", "staff"],
        "users": [USER],
    }


# Hostile patterns cost no more than their length times the text's.
def test_wildcards_are_bounded() -> None:
    assert not match_wildcards("*a" * 200 + "b", "a" * 2_000)
    assert match_wildcards("*a" * 200, "a" * 2_000)
    assert match_wildcards("**", "")
    assert not match_wildcards("?", "")
