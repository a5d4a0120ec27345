"""What keeps documents out of a real server: `plan`, `status` and `doctor` exit with 1 and name the cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from streamtally.aws.clock import now_ms
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.observe_surroundings import read_obstacles
from streamtally.cli.main import cli
from streamtally.findings import Finding, errors
from streamtally.indices.names import STATE_INDEX, output_name, partials_name, to_suffix
from tests.integration.opensearch.data import (
    DAY_MS,
    bulk,
    forever,
    make_documents,
    make_pipeline,
    manager_of,
    ms,
    row_plan,
)
from tests.integration.opensearch.server import Server

INDEX = "request_data"
NOW = ms("2026-03-10T12:00")
TODAY, PARTIALS = output_name(INDEX, "day", NOW), partials_name(INDEX, NOW)
Prepare = Callable[[Cluster], None]


def _put(path: str, body: Any) -> Prepare:
    return lambda cluster: cluster.request("PUT", path, body)


def _set(**values: Any) -> Prepare:
    return _put(
        "/_cluster/settings", {"persistent": {name.replace("__", "."): value for name, value in values.items()}}
    )


def _template(name: str, patterns: list[str], priority: int, **body: Any) -> Prepare:
    return _put(
        f"/_index_template/{name}",
        {"index_patterns": patterns, "priority": priority, "template": {"settings": {"number_of_replicas": 0}}, **body},
    )


def _fill_shards(left: int) -> Prepare:
    def prepare(cluster: Cluster) -> None:
        for number in range(20):
            cluster.request("PUT", f"/filler-{number}", {"settings": {"number_of_replicas": 0}})
        used = int(cluster.request("GET", "/_cluster/health")["active_shards"])
        _set(cluster__max_shards_per_node=used + left)(cluster)

    return prepare


def _closed(cluster: Cluster) -> None:
    cluster.request("PUT", f"/{TODAY}", {})
    cluster.request("POST", f"/{TODAY}/_close")


def _red(cluster: Cluster) -> None:
    body = {"settings": {"index.routing.allocation.require.box": "none"}}
    cluster.request("PUT", f"/{TODAY}", body, {"wait_for_active_shards": "0", "timeout": "1s"})


def _many_fields(cluster: Cluster) -> None:
    fields = {f"f{number}": {"type": "keyword"} for number in range(30)}
    body = {"settings": {"index.mapping.total_fields.limit": 30}, "mappings": {"properties": fields}}
    body["mappings"]["dynamic"] = False
    cluster.request("DELETE", f"/_index_template/streamtally-output-{INDEX}")
    cluster.request("PUT", f"/{TODAY}", body)


def _alias(alias: str) -> Prepare:
    return _put("/somebody-elses", {"aliases": {alias: {}}})


def _data_stream(name: str) -> Prepare:
    def prepare(cluster: Cluster) -> None:
        _template("streams", [name], 5_000, data_stream={})(cluster)
        cluster.request("PUT", f"/_data_stream/{name}")

    return prepare


ERRORS: dict[str, tuple[Prepare, str, str]] = {
    "shards": (_fill_shards(1), "shard-limit", "the next index cannot be made"),
    "auto-create off": (_set(action__auto_create_index="false"), "auto-create", "auto_create_index is false"),
    "auto-create list": (_set(action__auto_create_index="-partials-*,+*"), "auto-create", PARTIALS),
    "auto-create other list": (_set(action__auto_create_index="logs-*"), "auto-create", f"+partials-{INDEX}-*"),
    "catch-all template": (_template("everything", ["*"], 1000), "template-priority", "everything (*; priority 1000)"),
    "same priority": (
        _template("rival", [f"{INDEX}-2026*"], 541, template={"settings": {"number_of_shards": 2}}),
        "template-priority",
        "rival",
    ),
    "data-stream template": (
        _template("streams", [f"partials-{INDEX}-*"], 900, data_stream={}),
        "template-priority",
        "makes partials-",
    ),
    "create-index block": (_set(cluster__blocks__create_index=True), "opensearch-read-only", "no index can be made"),
    "read-only cluster": (_set(cluster__blocks__read_only=True), "opensearch-read-only", "cluster.blocks.read_only"),
    "allow-delete cluster": (
        _set(cluster__blocks__read_only_allow_delete=True),
        "opensearch-read-only",
        "only deleted",
    ),
    "blocked index": (
        _put(f"/{TODAY}", {"settings": {"index.blocks.read_only_allow_delete": True}}),
        "opensearch-read-only",
        TODAY,
    ),
    "write block": (_put(f"/{TODAY}", {"settings": {"index.blocks.write": True}}), "opensearch-read-only", TODAY),
    "state block": (
        _put(f"/{STATE_INDEX}/_settings", {"index.blocks.write": True}),
        "opensearch-read-only",
        STATE_INDEX,
    ),
    "final pipeline": (
        _template("other", ["*"], 900, template={"settings": {"index.final_pipeline": "gone"}}),
        "pipeline-missing",
        "final_pipeline gone",
    ),
    "index's pipeline": (
        _put(f"/{TODAY}", {"settings": {"index.final_pipeline": "gone"}}),
        "pipeline-missing",
        f"{TODAY} has final_pipeline gone",
    ),
    "data stream with the alias's name": (
        _data_stream(f"{PARTIALS}"),
        "name-taken",
        f"data stream has the name {PARTIALS}",
    ),
    "alias with an index's name": (_alias(TODAY), "name-taken", f"{TODAY}: documents go to somebody-elses"),
    "closed": (_closed, "index-closed", TODAY),
    "red": (_red, "opensearch-health", f"{TODAY} is red"),
    "allocation off": (_set(cluster__routing__allocation__enable="none"), "opensearch-health", "is none"),
    "fields": (_many_fields, "field-limit", "total_fields.limit is 30"),
    "strict": (
        _put(f"/{TODAY}", {"mappings": {"dynamic": "strict"}}),
        "opensearch-mapping",
        '"dynamic": "strict"',
    ),
    "flood stage": (
        _set(
            cluster__routing__allocation__disk__threshold_enabled=True,
            cluster__routing__allocation__disk__watermark__low="0.1%",
            cluster__routing__allocation__disk__watermark__high="0.2%",
            cluster__routing__allocation__disk__watermark__flood_stage="0.3%",
        ),
        "opensearch-disk",
        "flood stage (0.3%)",
    ),
}
WARNINGS: dict[str, tuple[Prepare, str, str]] = {
    "nearly all shards": (_fill_shards(6), "shard-limit", "fills it in 3 days"),
    "alias with others' indices": (_alias(INDEX), "name-taken", "somebody-elses"),
    "yellow": (
        _put(f"/{TODAY}", {"settings": {"number_of_replicas": 3, "auto_expand_replicas": False}}),
        "opensearch-health",
        "yellow",
    ),
    "allocation of primaries": (
        _set(cluster__routing__allocation__enable="primaries"),
        "opensearch-health",
        "primaries",
    ),
    "high watermark": (
        _set(
            cluster__routing__allocation__disk__threshold_enabled=True,
            cluster__routing__allocation__disk__watermark__low="0.1%",
            cluster__routing__allocation__disk__watermark__high="0.2%",
            cluster__routing__allocation__disk__watermark__flood_stage="99.9%",
        ),
        "opensearch-disk",
        "high watermark (0.2%)",
    ),
}


@pytest.fixture
def ready(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster as a deployment leaves it; afterwards nothing blocks the next test."""
    assert not manager_of(cluster).manage(NOW, forever).failed
    assert _find(cluster) == []
    yield cluster
    for block in ("read_only", "read_only_allow_delete"):
        cluster.request("PUT", "/_cluster/settings", {"persistent": {f"cluster.blocks.{block}": None}})
    cluster.request("PUT", "/_cluster/settings", {"persistent": {"*": None}})
    for stream in cluster.request("GET", "/_data_stream")["data_streams"]:
        cluster.request("DELETE", f"/_data_stream/{stream['name']}")


def _find(cluster: Cluster, **settings: Any) -> list[Finding]:
    plan = settings.pop("plan", None)
    pipeline = make_pipeline(plan, **settings) if plan else make_pipeline(**settings)
    return read_obstacles(cluster, manager_of(cluster, pipeline).specs, NOW)


@pytest.mark.parametrize("name", ERRORS)
def test_errors(ready: Cluster, name: str) -> None:
    prepare, check, says = ERRORS[name]
    prepare(ready)
    findings = errors(_find(ready))
    assert check in [finding.check for finding in findings]
    assert any(says in f"{finding.text} {finding.fix}" for finding in findings if finding.check == check), findings
    assert all(finding.fix for finding in findings)


@pytest.mark.parametrize("name", WARNINGS)
def test_warnings(ready: Cluster, name: str) -> None:
    prepare, check, says = WARNINGS[name]
    prepare(ready)
    findings = _find(ready)
    assert [(finding.check, finding.level) for finding in findings] == [(check, "warning")]
    assert says in findings[0].text


def test_templates_that_do_no_harm(ready: Cluster) -> None:
    """Of lower priority, legacy ones, for other names, and a higher one that is composed of our parts."""
    _template("low", ["*"], 100, data_stream={})(ready)
    ready.request(
        "PUT", "/_template/legacy", {"index_patterns": ["*"], "order": 9_000, "settings": {"number_of_shards": 7}}
    )
    _template("elsewhere", ["logs-*"], 9_000)(ready)
    alias = {INDEX: {"filter": {"bool": {"must_not": [{"term": {"tally.visible": {"value": False}}}]}}}}
    settings = {"index": {"default_pipeline": "inbox-log-summary-stream"}}
    more = {"composed_of": [f"streamtally-{INDEX}"], "template": {"settings": settings, "aliases": alias}}
    _template("composed", [f"{INDEX}-2*"], 700, **more)(ready)
    try:
        assert _find(ready) == []
    finally:
        ready.request("DELETE", "/_template/legacy")


def test_the_server_agrees_about_the_winner(ready: Cluster) -> None:
    """What is called the winner is what the server would apply."""
    _template("everything", ["*"], 1000, template={"settings": {"number_of_shards": 3}})(ready)
    simulated = ready.request("POST", f"/_index_template/_simulate_index/{TODAY}")
    assert simulated["template"]["settings"]["index"]["number_of_shards"] == "3"
    assert f"streamtally-output-{INDEX}" in [entry["name"] for entry in simulated["overlapping"]]


def test_the_server_refuses_what_is_said_to_be_refused(ready: Cluster) -> None:
    """The shard limit: a document of ours is refused, and accepted when there is room."""
    _fill_shards(0)(ready)
    documents = make_documents(make_pipeline(), "one", [(NOW - 60_000, 200)], NOW)
    (refused,) = bulk(ready, documents)
    assert (refused.status, refused.kind) == (400, "validation_exception")
    _set(cluster__max_shards_per_node=None)(ready)
    assert bulk(ready, documents) == []


def test_old_indices_that_we_block_ourselves_are_no_error(ready: Cluster) -> None:
    """Force-merge and closing set index.blocks.write."""
    old = output_name(INDEX, "day", NOW - 9 * DAY_MS)
    ready.request("PUT", f"/{old}", {"settings": {"index.blocks.write": True}})
    assert _find(ready) == []


def test_rollover_aliases(ready: Cluster) -> None:
    rows = {"plan": row_plan(), "rotation": "rollover", "index": "rows"}
    ready.request("PUT", "/rows-000001", {"aliases": {"rows-write": {}}})
    assert errors(_find(ready, **rows)) == []
    ready.request("PUT", "/rows-000002", {"aliases": {"rows-write": {}}})
    (finding,) = errors(_find(ready, **rows))
    assert "has 2 indices and no write index" in finding.text
    ready.request("DELETE", "/rows-000001,rows-000002")
    ready.request("PUT", "/rows-write", {})
    (finding,) = errors(_find(ready, **rows))
    assert "an index has the name of the write alias" in finding.text


def _exit(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, list(args), standalone_mode=False)
    status = result.exit_code if isinstance(result.exception, SystemExit) else int(result.return_value or 0)
    return status, result.output


def test_commands_exit_with_1_and_say_why(opensearch: Server, cluster: Cluster, tmp_path: Any) -> None:
    """plan, apply, status and doctor: silent on a sound cluster, and each names the template that wins."""
    log = tmp_path / "empty.log"
    log.write_text("")
    url = opensearch.url
    commands = [
        ("indices", "plan", "--opensearch", url),
        ("indices", "status", "--opensearch", url),
        ("indices", "apply", "--opensearch", url, "--yes"),
        ("doctor", str(log), "--opensearch-url", url),
    ]
    assert _exit("indices", "apply", "--opensearch", url, "--yes")[0] == 0
    today = to_suffix("day", now_ms())
    cluster.request("PUT", f"/{INDEX}-{today}", {})
    assert [_exit(*command)[0] for command in commands] == [0, 0, 0, 0]
    _template("everything", ["*"], 1000)(cluster)
    for command in commands:
        status, output = _exit(*command)
        assert status == 1, command
        assert "everything (*; priority 1000) wins over ours" in output
        assert "everything is as the pipeline requires" not in output
    assert '"template-priority"' in _exit("indices", "plan", "--opensearch", url, "--json")[1]


def test_an_unreadable_part_is_said(ready: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing permission hides one answer, and is a warning with its name."""
    whole = ready.request

    def request(method: str, path: str, *args: Any, **more: Any) -> Any:
        if path == "/_index_template":
            raise ClusterError("GET /_index_template: 403 security_exception: no permissions", 403)
        return whole(method, path, *args, **more)

    monkeypatch.setattr(ready, "request", request)
    (finding,) = read_obstacles(ready, manager_of(ready).specs, NOW)
    assert (finding.check, finding.level) == ("opensearch-permission", "warning")


COMMANDS: dict[str, tuple[Prepare, str]] = {
    "red": (_red, "is red"),
    "closed": (_closed, "is closed"),
    "data stream": (_data_stream(INDEX), f"a data stream has the name {INDEX}"),
    "index of the alias's name": (_put(f"/{INDEX}", {}), "an index has the alias's own name"),
    "read-only": (_set(cluster__blocks__read_only=True), "nothing can be written"),
    "shards": (_fill_shards(0), "the next index cannot be made"),
}
DOCTOR = {"index of the alias's name": "", "read-only": "the cluster has cluster.blocks.read_only"}
"""What the doctor says instead."""


@pytest.mark.parametrize("name", COMMANDS)
def test_plan_status_and_doctor_survive_and_say_why(
    ready: Cluster, opensearch: Server, tmp_path: Any, name: str
) -> None:
    """Also where the cluster answers in part: exit status 1 and the cause, not one line about an answer."""
    prepare, says = COMMANDS[name]
    prepare(ready)
    for command in ("plan", "status"):
        status, output = _exit("indices", command, "--opensearch", opensearch.url)
        assert (status, says in output) == (1, True), output
    log = tmp_path / "empty.log"
    log.write_text("")
    status, output = _exit("doctor", str(log), "--opensearch-url", opensearch.url)
    assert (status, DOCTOR.get(name, says) in output) == (1, True), output
