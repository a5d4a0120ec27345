"""The audit: what was not asked about is never counted as clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import audit

PIP_SKIPPED = {
    "dependencies": [{"name": "idna", "skip_reason": "Dependency not found and could not be audited"}],
    "fixes": [],
}
PIP_CLEAN = {"dependencies": [{"name": "idna", "version": "3.20", "vulns": []}], "fixes": []}
PIP_FOUND = {"dependencies": [{"name": "idna", "version": "3.6", "vulns": [{"id": "PYSEC-2024-60"}]}], "fixes": []}
NPM_REFUSED = {"message": "405 Method Not Allowed", "statusCode": 405, "error": {"summary": "", "detail": ""}}
NPM_CLEAN = {"auditReportVersion": 2, "vulnerabilities": {}, "metadata": {"dependencies": {"total": 7}}}
NPM_FOUND = {**NPM_CLEAN, "vulnerabilities": {"semver": {"name": "semver", "severity": "high"}}}
CARGO_CLEAN = {"lockfile": {"dependency-count": 12}, "vulnerabilities": {"found": False, "count": 0, "list": []}}
CARGO_FOUND = {
    **CARGO_CLEAN,
    "vulnerabilities": {
        "list": [{"advisory": {"id": "RUSTSEC-2021-0003"}, "package": {"name": "smallvec", "version": "0.6.13"}}]
    },
}


@pytest.mark.parametrize(
    ("read", "answer", "asked", "advisories", "complete"),
    [
        (audit.pip_result, PIP_CLEAN, 1, [], True),
        (audit.pip_result, PIP_SKIPPED, 0, [], False),  # pip-audit itself calls this "No known vulnerabilities"
        (audit.pip_result, PIP_FOUND, 1, ["idna 3.6: PYSEC-2024-60"], True),
        (audit.pip_result, None, 0, [], False),
        (audit.pip_result, {"dependencies": []}, 0, [], False),
        (audit.npm_result, NPM_CLEAN, 7, [], True),
        (audit.npm_result, NPM_REFUSED, 0, [], False),
        (audit.npm_result, NPM_FOUND, 7, ["semver: high"], True),
        (audit.npm_result, None, 0, [], False),
        (audit.cargo_result, CARGO_CLEAN, 12, [], True),
        (audit.cargo_result, CARGO_FOUND, 12, ["smallvec 0.6.13: RUSTSEC-2021-0003"], True),
        (audit.cargo_result, None, 0, [], False),
    ],
)
def test_answers_are_read(read: object, answer: object, asked: int, advisories: list[str], complete: bool) -> None:
    result = read("lock.txt", answer, "no route to host")  # type: ignore[operator]
    assert (result.asked, result.advisories, not result.unasked) == (asked, advisories, complete)
    assert ("NOT AUDITED" in audit.line(result)) is (not complete and not advisories)


def results(monkeypatch: pytest.MonkeyPatch, *pairs: tuple[str, object]) -> int:
    monkeypatch.setattr(
        audit, "audit", lambda root: iter([audit.pip_result(lock, answer, "") for lock, answer in pairs])
    )
    return audit.main([])


# The worst decides; a tool's advisory is printed and fails nothing; "not audited" is a status of its own.
def test_the_exit_status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shipped, tool = "layers/streamtally/lock.txt", "requirements/localstack.txt"
    assert results(monkeypatch, (shipped, PIP_CLEAN), (tool, PIP_CLEAN)) == 0
    assert results(monkeypatch, (shipped, PIP_CLEAN), (tool, None)) == 3
    assert "there may be advisories that are not listed here" in capsys.readouterr().out
    assert results(monkeypatch, (shipped, PIP_FOUND), (tool, None)) == 1
    assert results(monkeypatch, (shipped, None), ("requirements/dev.txt", PIP_FOUND)) == 1
    assert results(monkeypatch, (shipped, PIP_CLEAN), (tool, PIP_FOUND)) == 0
    assert "PYSEC-2024-60" in capsys.readouterr().out
    assert results(monkeypatch) == 2


# Locks of the layers and of compiled parts are found, those inside of installed tools are not.
def test_every_lock_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("requirements/dev.txt", "layers/a/lock.txt", "native/Cargo.lock", "tools/package-lock.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / ".tools/x/node_modules/y").mkdir(parents=True)
    (tmp_path / ".tools/x/node_modules/y/package-lock.json").write_text("{}")
    monkeypatch.setattr(audit, "run", lambda command, folder: (1, "", "unreachable"))
    monkeypatch.setattr(audit.shutil, "which", lambda program: None)
    seen = [result.lock for result in audit.audit(tmp_path)]
    assert seen == ["requirements/dev.txt", "layers/a/lock.txt", "tools/package-lock.json", "native/Cargo.lock"]
