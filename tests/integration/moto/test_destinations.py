"""The other destinations that moto updates: Redshift, which loads S3's lines, and HTTP, one document a record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.moto.conftest import World
from tests.unit.cli.operator_runner import run

FOLDER = Path("layers/pipeline/pipeline")


def _bucket(world: World) -> dict[str, Any]:
    return {"RoleARN": f"arn:aws:iam::123456789012:role/{world.role}", "BucketARN": "arn:aws:s3:::log-bucket"}


def _redshift(world: World) -> dict[str, Any]:
    bucket = _bucket(world)
    return {
        "RoleARN": bucket["RoleARN"], "ClusterJDBCURL": "jdbc:redshift://192.0.2.1:5439/logs",
        "CopyCommand": {"DataTableName": "t"}, "Username": "user", "Password": "not-a-secret-1",
        "S3Configuration": bucket,
    }  # fmt: skip


def _http(world: World) -> dict[str, Any]:
    return {"EndpointConfiguration": {"Url": "https://192.0.2.1/in", "Name": "in"}, "S3Configuration": _bucket(world)}


@pytest.mark.parametrize(
    ("kind", "make", "framing"), [("Redshift", _redshift, "lines"), ("HttpEndpoint", _http, "single")]
)
def test_attach_and_detach(world: World, tmp_path: Path, kind: str, make: Any, framing: str) -> None:
    """With the framing that it takes; with the other one nothing is done. Detached it is as it was."""
    settings: Any = {f"{kind}DestinationConfiguration": make(world)}
    # The function of this world may put back into a stream of this name.
    world.client("firehose").delete_delivery_stream(DeliveryStreamName=world.stream)
    world.client("firehose").create_delivery_stream(
        DeliveryStreamName=world.stream, DeliveryStreamType="DirectPut", **settings
    )
    undo, options = str(tmp_path / "undo.json"), ["--function", world.function, "--grant", "--yes"]
    before = _config(world, kind)
    for folder in ("single", "lines"):
        toml = (FOLDER / "pipeline.toml").read_text(encoding="utf-8")
        made = tmp_path / folder
        made.mkdir()
        (made / "pipeline.toml").write_text(toml.replace("[source]\n", f'[source]\nframing = "{folder}"\n'))
        (made / "program.sql").write_text(next(FOLDER.glob("*.sql")).read_text())
        assert run("compile", str(made)).status == 0
        status = run("attach", world.stream, *options, "--out", undo, "--pipeline", str(made)).status
        assert status == (0 if folder == framing else 1)
        if folder == framing:
            assert [
                processor["Type"] for processor in _config(world, kind)["ProcessingConfiguration"]["Processors"]
            ] == ["Lambda"]
            assert run("detach", world.stream, "--undo", undo, "--yes").status == 0
        after = _config(world, kind)
        assert after.pop("ProcessingConfiguration", {}).get("Processors", []) == []
        assert after == {name: value for name, value in before.items() if name != "ProcessingConfiguration"}


def _config(world: World, kind: str) -> dict[str, Any]:
    return dict(world.describe()["Destinations"][0][f"{kind}DestinationDescription"])
