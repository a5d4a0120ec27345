"""The functions' loader of botocore's data gives what botocore's own does."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from streamtally.aws.clients import _SERVICES, _function_session
from streamtally.aws.sdk_data import DataLoader


@pytest.mark.parametrize("service", ["firehose", "secretsmanager", "kinesis"])
def test_models(service: str) -> None:
    own, theirs = DataLoader(_SERVICES, None), Loader()
    for kind in ("service-2", "endpoint-rule-set-1", "paginators-1"):
        assert own.load_service_model(service, kind) == theirs.load_service_model(service, kind)
    assert own.determine_latest_version(service, "service-2") == theirs.determine_latest_version(service, "service-2")


def test_other_data() -> None:
    own, theirs = DataLoader(_SERVICES, None), Loader()
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        assert own.load_data_with_path(name) == theirs.load_data_with_path(name)


# AWS_DATA_PATH comes first, as in botocore; several folders, and none.
def test_data_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "partitions.json").write_text('{"mine": 1}')
    monkeypatch.setenv("MODELS", str(tmp_path))
    assert DataLoader(_SERVICES, "/nowhere:$MODELS").load_data("partitions") == {"mine": 1}
    assert DataLoader(_SERVICES, "").search_paths == Loader().search_paths


def test_another_service() -> None:
    with pytest.raises(UnknownServiceError):
        DataLoader(_SERVICES, None).load_service_model("ec2", "service-2")


# Every service that the functions have a client of can be loaded with it.
def test_all_clients() -> None:
    session = _function_session()
    for service in _SERVICES:
        assert session.get_service_model(service).service_name == service
