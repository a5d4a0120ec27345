"""A region with a slip of the keyboard is named before a request is made; a new region needs no new release."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.regions import KNOWN, region_problem


# Names of the AWS documentation, with those of partitions of their own, and one that does not exist yet.
@pytest.mark.parametrize(
    "name", [*KNOWN, "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "ap-southeast-12"]
)
def test_a_region_is_accepted(name: str) -> None:
    assert region_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("us-esat-1", "us-east-1"),
        ("us-east1", "us-east-1"),
        ("us-east-1a", "us-east-1"),  # an availability zone
        ("US-EAST-1", "us-east-1"),
        ("ap-norteast-1", "ap-northeast-1"),
        ("eu_west_1", "eu-west-1"),
    ],
)
def test_the_near_region_is_named(name: str, near: str) -> None:
    assert region_problem(name) == f"no region {name!r}: did you mean {near!r}?"


def test_a_name_like_no_region() -> None:
    assert region_problem("Tokyo\x1b") == "no region 'Tokyo\\\\x1b': write one like us-east-1"


def test_an_emulator_takes_any_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert Aws(region="local-1", endpoint_url="http://127.0.0.1:1").region_problem() == ""
    assert "no region" in Aws(region="local-1").region_problem()


def test_the_near_profile_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile production]\nregion = us-east-1\n[profile staging]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    for name, advice in (("prodution", "did you mean 'production'?"), ("x", "the profiles are production, staging")):
        with pytest.raises(AwsError) as raised:
            Aws(profile=name, region="us-east-1").session  # noqa: B018 (read for what it raises)
        assert str(raised.value) == f"no AWS profile {name!r}: {advice}"
    assert Aws(profile="staging").region == "us-east-1"
