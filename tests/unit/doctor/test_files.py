"""Who can read a log: computed from modes, owners, groups and access control lists, on real files."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from streamtally.doctor import examine
from streamtally.doctor.files import GROUP, MASK, OWNING_GROUP, USER, FileAccess, PathNode, check_readable
from streamtally.local.evidence import gather_access, gather_agent
from tests.unit.cli.operator_runner import run

AGENT, ITS_GROUP, OTHER = 995, 993, 1000
RX, R, NONE = 5, 4, 0


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "acl", "readable"),
    [
        (0o640, AGENT, 0, [], True),
        (0o040, AGENT, ITS_GROUP, [], False),  # the owner's bits count for the owner, whatever the group may
        (0o640, 0, ITS_GROUP, [], True),
        (0o604, 0, ITS_GROUP, [], False),  # so do the group's for its members
        (0o604, 0, 0, [], True),
        (0o640, 0, 0, [], False),
        (0o640, 0, 0, [(USER, R, AGENT), (OWNING_GROUP, NONE, 0), (MASK, R, 0)], True),
        (0o640, 0, 0, [(USER, R, AGENT), (OWNING_GROUP, R, 0), (MASK, NONE, 0)], False),
        (0o644, 0, 0, [(USER, NONE, AGENT), (OWNING_GROUP, R, 0), (MASK, R, 0)], False),
        (0o640, 0, 0, [(USER, R, OTHER), (OWNING_GROUP, R, 0), (MASK, R, 0)], False),
        (0o640, 0, 0, [(GROUP, R, ITS_GROUP), (OWNING_GROUP, NONE, 0), (MASK, R, 0)], True),
        (0o640, 0, ITS_GROUP, [(GROUP, R, OTHER), (OWNING_GROUP, NONE, 0), (MASK, R, 0)], False),
        (0o644, 0, 0, [(GROUP, NONE, ITS_GROUP), (OWNING_GROUP, R, 0), (MASK, R, 0)], False),
    ],
)
def test_a_file_is_read_by_whom_its_mode_and_list_let(
    mode: int, uid: int, gid: int, acl: list[tuple[int, int, int]], readable: bool
) -> None:
    """acl(5): owner, then named users, then groups, then others; a mask bounds those between."""
    node = PathNode("/var/log/a.log", mode, uid, gid, False, acl)
    findings = list(check_readable(FileAccess("/var/log/a.log", "agent", AGENT, [ITS_GROUP], [node], True)))
    assert (findings == []) is readable
    if findings:
        assert findings[0].fix == "setfacl -m u:agent:r /var/log/a.log"


def _log(folder: Path, name: str = "logs/access_log") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o755)
    path.write_text("a line\n")
    path.chmod(0o644)
    return path


def _says(pattern: Path, user: str = "nobody") -> list[str]:
    return [f"{finding.text}; {finding.fix}" for finding in examine([gather_access(str(pattern), user)])]


def test_the_directory_that_holds_the_log_is_listed_too(folder: Path) -> None:
    """The agent finds its files by the directory's names: x alone is not enough there."""
    log = _log(folder)
    assert _says(log) == []
    log.parent.chmod(0o711)
    (finding,) = _says(log)
    assert f"the directory {log.parent} has mode 0711; setfacl -m u:nobody:rx {log.parent}" in finding


def test_what_a_link_leads_to_is_looked_at(folder: Path) -> None:
    """/var/log on another disk: the directories there are in the way as well."""
    log = _log(folder, "data/access_log")
    (folder / "logs").symlink_to(folder / "data")
    assert _says(folder / "logs/access_log") == []
    log.parent.chmod(0o700)
    (finding,) = _says(folder / "logs/access_log")
    assert f"the directory {folder / 'logs'} has mode 0700" in finding or f"the directory {log.parent}" in finding


def test_the_newest_file_counts_and_a_user_that_is_not_there_is_said(folder: Path) -> None:
    """Rotated files are often closed; the agent follows the newest."""
    old, new = _log(folder, "logs/access_log.1"), _log(folder, "logs/access_log.2")
    os.utime(old, (1, 1))
    old.chmod(0o600)
    assert _says(folder / "logs/access_log*") == []
    new.chmod(0o600)
    (finding,) = _says(folder / "logs/access_log*", "no-such-user-here")
    assert "the user no-such-user-here (this machine has no such user) cannot read it" in finding


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="access control lists are read on Linux")
def test_the_fix_that_is_told_is_seen_afterwards(folder: Path) -> None:
    """What setfacl -m u:65534:r writes is a list, and the doctor reads it."""
    log = _log(folder)
    log.chmod(0o600)
    assert len(_says(log)) == 1
    entries = [(0x01, 6, 2**32 - 1), (USER, R, 65534), (OWNING_GROUP, NONE, 2**32 - 1), (MASK, R, 2**32 - 1)]
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in [*entries, (0x20, NONE, 2**32 - 1)])
    try:
        os.setxattr(log, "system.posix_acl_access", data)
    except OSError:
        pytest.skip("this file system takes no access control lists")
    assert gather_access(str(log), "nobody").uid == 65534
    assert _says(log) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_what_the_operator_may_not_look_into_is_said(folder: Path) -> None:
    """Without root: no traceback, and not "no file matches"."""
    log = _log(folder, "logs/inner/access_log") if (folder / "logs").mkdir() is None else None
    assert log is not None
    (folder / "logs").chmod(0o700)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        os.write(writing, "\n".join(_says(log)).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        output = pipe.read()
    assert f"you may not read {folder / 'logs'}, so it is unknown whether {log} exists" in output
    assert "no file matches" not in output


def test_a_pattern_that_is_no_text_is_a_finding_and_no_crash(folder: Path) -> None:
    """Whatever JSON can hold."""
    config = folder / "agent.json"
    config.write_text('{"flows": [{"filePattern": ["/a"], "deliveryStream": 7, "maxBufferAgeMillis": "x"}]}')
    texts = [finding.text for finding in examine(gather_agent(config, "", "nobody"))]
    assert texts[:2] == ["filePattern is not text: ['/a']", "deliveryStream is not text: 7"]


def test_a_broken_configuration_is_told_by_line_and_column_whatever_comments_stand_before(folder: Path) -> None:
    """The agent takes comments; they must not shift the place that is named."""
    config = folder / "agent.json"
    config.write_text('{ /* what\n   for */\n  // a line\n  "flows": [\n    {"filePattern": "//a" "x": 1}]}')
    (finding,) = examine(gather_agent(config, "", "nobody"))
    assert "line 5 column 27" in finding.text


@pytest.mark.parametrize("text", ["[]", "{}", '{"flow": []}', "null"])
def test_a_configuration_without_flows_is_no_log(text: str, folder: Path) -> None:
    """By its name it is one, and nothing in it is a log's."""
    (folder / "agent.json").write_text(text)
    ran = run("doctor", str(folder / "agent.json"), "--region", "us-east-1")
    assert ran.status == 1
    assert "there are no flows" in ran.stdout
