"""attach, detach and status as an operator runs them, against moto's server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamtally.attach.change import FunctionSettings, parameters_of
from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.streams import apply, attach, describe
from streamtally.cli.main import main
from tests.integration.moto.conftest import OTHER_PROCESSORS, World
from tests.unit.cli.operator_runner import Ran, run


def attach_world(world: World, undo: Path, *more: str) -> Ran:
    options = ["--function", world.function, "--grant", "--yes", "--out", str(undo), *more]
    return run("attach", world.stream, *options)


def test_attach_puts_the_function_between_the_others_and_keeps_everything_else(world: World, tmp_path: Path) -> None:
    """Merging: prefix, buffering and other processors are as before; the undo file is written; the version moves."""
    before = world.describe()
    result = attach_world(world, tmp_path / "undo.json")
    assert result.status == 0, result.stdout
    after = world.describe()
    assert int(after["VersionId"]) == int(before["VersionId"]) + 1
    processors = world.processing()["Processors"]
    assert [processor["Type"] for processor in processors] == ["Decompression", "Lambda", "AppendDelimiterToRecord"]
    assert [processors[0], processors[2]] == OTHER_PROCESSORS
    assert parameters_of(processors[1])["LambdaArn"].endswith(f":function:{world.function}:$LATEST")
    old, new = (description["Destinations"][0]["ExtendedS3DestinationDescription"] for description in (before, after))
    assert {**old, "ProcessingConfiguration": None} == {**new, "ProcessingConfiguration": None}
    assert f"streamtally detach {world.stream}" in result.stdout


def test_detach_restores_exactly_what_was_and_takes_the_permission_back(world: World, tmp_path: Path) -> None:
    """Stream and role are as if nothing had been."""
    before = world.processing()
    attach_world(world, tmp_path / "undo.json")
    assert world.client("iam").list_role_policies(RoleName=world.role)["PolicyNames"]
    result = run("detach", world.stream, "--undo", str(tmp_path / "undo.json"), "--yes")
    assert result.status == 0, result.stdout
    assert world.processing() == before
    assert world.client("iam").list_role_policies(RoleName=world.role)["PolicyNames"] == []


def test_attaching_twice_changes_nothing(world: World, tmp_path: Path) -> None:
    """No question, no new version, no second undo file; with the very same command as well."""
    attach_world(world, tmp_path / "undo.json")
    version = world.describe()["VersionId"]
    for grant in ([], ["--grant"]):
        for out in ("undo.json", "second.json"):
            options = ["--function", world.function, "--out", str(tmp_path / out), *grant]
            result = run("attach", world.stream, *options)
            assert result.status == 0, result
            assert "already attached" in result.stdout
            assert world.describe()["VersionId"] == version
    assert not (tmp_path / "second.json").exists()


def test_detaching_twice_changes_nothing(world: World, tmp_path: Path) -> None:
    """Stream and permission are as they were: nobody is asked."""
    attach_world(world, tmp_path / "undo.json")
    assert run("detach", world.stream, "--undo", str(tmp_path / "undo.json"), "--yes").status == 0
    version = world.describe()["VersionId"]
    again = run("detach", world.stream, "--undo", str(tmp_path / "undo.json"))
    assert (again.status, again.stdout) == (0, f"{world.stream}: already restored; nothing to change.\n")
    assert world.describe()["VersionId"] == version


def test_streams_that_share_a_role_keep_their_permissions_apart(world: World, tmp_path: Path) -> None:
    """Detaching one takes away its own policy; the other's function may still be called."""
    other = f"other-{world.stream}"
    described = world.describe()["Destinations"][0]["ExtendedS3DestinationDescription"]
    destination = {name: described[name] for name in ("RoleARN", "BucketARN")}
    world.client("firehose").create_delivery_stream(
        DeliveryStreamName=other, DeliveryStreamType="DirectPut", ExtendedS3DestinationConfiguration=destination
    )
    options = ["--function", world.function, "--grant", "--yes"]
    for stream in (world.stream, other):
        assert run("attach", stream, *options, "--out", str(tmp_path / f"{stream}.json")).status == 0
    assert run("detach", world.stream, "--undo", str(tmp_path / f"{world.stream}.json"), "--yes").status == 0
    left = world.client("iam").list_role_policies(RoleName=world.role)["PolicyNames"]
    assert left == [f"streamtally-attach-{other}-{world.function}"]
    checks = json.loads(run("attach", other, "--function", world.function, "--plan", "--json").stdout)["checks"]
    assert [check["level"] for check in checks if check["check"] == "permission"] == ["ok"]


def test_detach_refuses_where_the_permission_was_changed_since(world: World, tmp_path: Path) -> None:
    """The inline policy is somebody else's by now, and stays; so does the stream."""
    attach_world(world, tmp_path / "undo.json")
    (policy,) = world.client("iam").list_role_policies(RoleName=world.role)["PolicyNames"]
    theirs = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    )
    world.client("iam").put_role_policy(RoleName=world.role, PolicyName=policy, PolicyDocument=theirs)
    before = world.describe()
    refused = run("detach", world.stream, "--undo", str(tmp_path / "undo.json"), "--yes")
    assert refused.status == 2
    assert f"role {world.role}: its inline policy {policy} was changed after attaching" in refused.error
    assert world.describe() == before
    assert world.client("iam").list_role_policies(RoleName=world.role)["PolicyNames"] == [policy]


def test_an_undo_file_that_cannot_be_written_is_said_before_anybody_is_asked(world: World, tmp_path: Path) -> None:
    """It exists, or its folder does not; an existing file stays unmodified."""
    there = tmp_path / "undo.json"
    there.write_text("mine")
    before = world.describe()
    for out, says in ((there, "already exists"), (tmp_path / "none/undo.json", "does not exist")):
        ran = run("attach", world.stream, "--function", world.function, "--grant", "--out", str(out), answer="y\n")
        assert ran.status == 2
        assert says in ran.error
        assert "Change" not in ran.stdout
    assert there.read_text() == "mine"
    assert world.describe() == before


def test_an_interrupted_change_says_how_it_is_taken_back(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C between permission and stream: the undo file stays, and detach takes back what was done."""

    def interrupted(aws: Aws, change: attach.Change) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("streamtally.cli.attach.apply_change", interrupted)
    undo = tmp_path / "undo.json"
    before = world.describe()
    monkeypatch.setattr("sys.argv", ["streamtally", "attach", world.stream, "--function", world.function, "--grant",
                                     "--yes", "--out", str(undo)])  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert f"to undo what was done: streamtally detach {world.stream} --undo {undo}" in capsys.readouterr().err
    assert world.client("iam").list_role_policies(RoleName=world.role)["PolicyNames"]
    assert run("detach", world.stream, "--undo", str(undo), "--yes").status == 0
    assert world.client("iam").list_role_policies(RoleName=world.role)["PolicyNames"] == []
    assert world.describe() == before


def test_a_plan_and_a_no_change_nothing(world: World, tmp_path: Path) -> None:
    """--plan shows the diff; a no, and nobody to ask, are exit status 2."""
    before = world.describe()
    plan = run("attach", world.stream, "--function", world.function, "--grant", "--plan")
    assert plan.status == 0, plan.stdout
    assert '+      "Type": "Lambda"' in plan.stdout
    undo = str(tmp_path / "undo.json")
    for answer in ("n\n", ""):
        result = run("attach", world.stream, "--function", world.function, "--grant", "--out", undo, answer=answer)
        assert result.status == 2
        assert "aborted, nothing changed" in result.error
        # What would be granted was shown before anybody was asked.
        assert f"role {world.role}, inline policy streamtally-attach-{world.stream}-{world.function}:" in result.stdout
        assert '+        "lambda:InvokeFunction",' in result.stdout
    assert world.describe() == before
    assert world.client("iam").list_role_policies(RoleName=world.role)["PolicyNames"] == []
    assert not Path(undo).exists()


def test_a_stale_version_is_found_and_nothing_is_done(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changes the stream between reading and writing: their change stays, ours and the grant do not."""
    original = apply.apply_change

    def meanwhile(aws: Aws, change: attach.Change) -> None:
        firehose, described = world.client("firehose"), world.describe()
        firehose.update_destination(
            DeliveryStreamName=world.stream,
            CurrentDeliveryStreamVersionId=described["VersionId"],
            DestinationId=described["Destinations"][0]["DestinationId"],
            ExtendedS3DestinationUpdate={"Prefix": "theirs/"},
        )
        original(aws, change)

    monkeypatch.setattr("streamtally.cli.attach.apply_change", meanwhile)
    result = attach_world(world, tmp_path / "undo.json")
    assert result.status == 2
    assert "the stream was changed after it was read; nothing was done" in result.error
    described = world.describe()["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert described["Prefix"] == "theirs/"
    assert described["ProcessingConfiguration"]["Processors"] == OTHER_PROCESSORS
    assert world.client("iam").list_role_policies(RoleName=world.role)["PolicyNames"] == []
    assert not (tmp_path / "undo.json").exists()


def test_detach_refuses_where_the_processing_was_changed_since(world: World, tmp_path: Path) -> None:
    """Restoring would undo somebody else's change; without the file the function alone is taken out."""
    undo = tmp_path / "undo.json"
    attach_world(world, undo)
    described = world.describe()
    processing = world.processing()
    processing["Processors"].pop()
    world.client("firehose").update_destination(
        DeliveryStreamName=world.stream,
        CurrentDeliveryStreamVersionId=described["VersionId"],
        DestinationId=described["Destinations"][0]["DestinationId"],
        ExtendedS3DestinationUpdate={"ProcessingConfiguration": processing},
    )
    refused = run("detach", world.stream, "--undo", str(undo), "--yes")
    assert "changed after attaching" in refused.error
    assert run("detach", world.stream, "--yes").status == 0
    assert [processor["Type"] for processor in world.processing()["Processors"]] == ["Decompression"]


def test_a_missing_permission_stops_attaching_and_names_the_fix(world: World, tmp_path: Path) -> None:
    """moto has no simulator, so the policies are read: nothing is allowed; exit status 1, nothing changed."""
    before = world.describe()
    undo = tmp_path / "undo.json"
    result = run("attach", world.stream, "--function", world.function, "--yes", "--out", str(undo), "--json")
    assert result.status == 1
    checks = {check["check"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["permission"]["level"] == "error"
    assert "--grant" in checks["permission"]["fix"]
    assert world.describe() == before
    assert not undo.exists()


ALLOW = {"Effect": "Allow", "Action": ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"], "Resource": "*"}
DENY = {"Effect": "Deny", "Action": "lambda:Invoke*", "Resource": "*"}


@pytest.mark.parametrize(
    ("inline", "managed", "level"),
    [
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], [], "ok"),
        ([ALLOW], [], "ok"),
        ([], [ALLOW], "ok"),
        ([ALLOW], [DENY], "error"),
        ([{**ALLOW, "Action": "lambda:GetFunctionConfiguration"}], [], "error"),
        ([{**ALLOW, "Resource": "arn:aws:lambda:us-east-1:123456789012:function:another"}], [], "error"),
        ([{**ALLOW, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}], [], "warning"),
    ],
)
def test_where_the_simulator_is_refused_the_roles_policies_are_read(
    world: World, inline: list[Any], managed: list[Any], level: str
) -> None:
    """Inline and attached ones; a denial wins; what hangs on a condition cannot be told."""
    iam = world.client("iam")
    if inline:
        document = json.dumps({"Version": "2012-10-17", "Statement": inline})
        iam.put_role_policy(RoleName=world.role, PolicyName="own", PolicyDocument=document)
    if managed:
        document = json.dumps({"Version": "2012-10-17", "Statement": managed})
        arn = iam.create_policy(PolicyName=f"p-{world.role}", PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=world.role, PolicyArn=arn)
    ran = run("attach", world.stream, "--function", world.function, "--plan", "--json")
    (permission,) = [check for check in json.loads(ran.stdout)["checks"] if check["check"] == "permission"]
    assert permission["level"] == level, permission
    assert "according to its policies" in permission["text"]
    assert ran.status == (1 if level == "error" else 0)


def test_a_boundary_and_a_second_version_of_a_policy_are_read(world: World) -> None:
    """The default version counts; a boundary that does not name the call forbids it, whatever is granted."""
    iam = world.client("iam")
    nothing, all_ = ([{"Effect": "Allow", "Action": action, "Resource": "*"}] for action in ("s3:*", "*"))
    first, second = (json.dumps({"Version": "2012-10-17", "Statement": statement}) for statement in (nothing, all_))
    arn = iam.create_policy(PolicyName=f"v-{world.role}", PolicyDocument=first)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=second, SetAsDefault=True)
    iam.attach_role_policy(RoleName=world.role, PolicyArn=arn)
    bounds = iam.create_policy(PolicyName=f"b-{world.role}", PolicyDocument=first)["Policy"]["Arn"]
    for boundary, level in (("", "ok"), (arn, "ok"), (bounds, "error")):
        if boundary:
            iam.put_role_permissions_boundary(RoleName=world.role, PermissionsBoundary=boundary)
        ran = run("attach", world.stream, "--function", world.function, "--grant", "--plan", "--json")
        (permission,) = [check for check in json.loads(ran.stdout)["checks"] if check["check"] == "permission"]
        assert permission["level"] == level, (boundary, permission)


def test_a_stream_that_is_not_there_brings_near_names(world: World) -> None:
    """A misspelt name is one line with the right one in it."""
    with pytest.raises(AwsError, match=f"did you mean {world.stream}"):
        describe.read_stream(Aws(region="us-east-1"), world.stream.replace("ingestion", "ingestoin"))


def test_status_tells_the_function_and_the_last_hour(world: World, tmp_path: Path) -> None:
    """Figures that CloudWatch has are shown, others are null; without a summary stream counts are unknown."""
    attach_world(world, tmp_path / "undo.json")
    before = datetime.now(UTC) - timedelta(minutes=5)
    dimensions = [{"Name": "DeliveryStreamName", "Value": world.stream}]
    data: Any = [{"MetricName": "IncomingRecords", "Dimensions": dimensions, "Value": 42.0, "Timestamp": before}]
    world.client("cloudwatch").put_metric_data(Namespace="AWS/Firehose", MetricData=data)
    own: Any = [{**data[0], "MetricName": "ProcessingFailed", "Value": 3.0}]
    own[0]["Dimensions"] = [{"Name": "service", "Value": "firehose-transform"}]
    world.client("cloudwatch").put_metric_data(Namespace="Streamtally", MetricData=own)
    result = run("status", world.stream, "--json")
    (status,) = json.loads(result.stdout)
    assert world.function in status["function"]
    assert status["last_hour"]["incoming_records"] == 42
    assert status["last_hour"]["failed_records"] == 3
    assert status["last_hour"]["throttled_records"] is None
    assert (status["counts"], status["reason"]) == ("unknown", "the function has no SUMMARY_STREAM")


def test_an_endpoint_option_does_what_the_variable_does(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """--endpoint-url and --region, without anything in the environment."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    result = run("status", world.stream, "--json", "--endpoint-url", world.url, "--region", "us-east-1")
    assert json.loads(result.stdout)[0]["stream"] == world.stream


def test_a_parameter_asked_for_is_changed_on_an_attached_function(world: World, tmp_path: Path) -> None:
    """--buffer-mbs on a stream that has the function changes that parameter alone."""
    attach_world(world, tmp_path / "undo.json")
    settings = FunctionSettings(describe.find_function(Aws(region="us-east-1"), world.function, ""), buffer_mbs=0.5)
    change = attach.plan_attach(Aws(region="us-east-1"), world.stream, settings, "lines")
    changed = (
        parameters_of(change.after["Processors"][1]).items() - parameters_of(change.before["Processors"][1]).items()
    )
    assert changed == {("BufferSizeInMBs", "0.5")}
