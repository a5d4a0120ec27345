"""--version says what a bug report needs: number, commit, kernel."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from streamtally import __version__
from streamtally.local import version
from streamtally.transform.kernel.protocol import INTERFACE, KERNEL_MODULE
from tests.unit.cli.in_process import call_main


def test_a_checkout_names_its_commit() -> None:
    done = call_main("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert re.match(rf"streamtally, version {__version__} \(commit [0-9a-f]{{12}}(-dirty)?, ", done.stdout.decode())


def test_a_wheel_names_the_commit_it_was_built_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "COMMIT").write_text("0123456789ab\n")
    monkeypatch.setattr(version, "_BUILT", tmp_path / "COMMIT")
    assert version.describe_version().startswith(f"{__version__} (commit 0123456789ab, ")


def test_without_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "_BUILT", tmp_path / "none")
    monkeypatch.setattr(version, "_CHECKOUT", tmp_path)
    assert "commit" not in version.describe_version()


@pytest.mark.parametrize(
    ("built", "says"),
    [((__version__, INTERFACE), f"kernel {__version__})"), (("0.0.1", INTERFACE), "the kernel is not used")],
)
def test_the_kernel_is_named(built: tuple[str, int], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = ModuleType(KERNEL_MODULE)
    kernel.__dict__.update({"__version__": built[0], "INTERFACE": built[1]})
    monkeypatch.setitem(sys.modules, KERNEL_MODULE, kernel)
    monkeypatch.delenv("STREAMTALLY_KERNEL", raising=False)
    assert says in version.describe_version()


def test_a_kernel_that_is_turned_off_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMTALLY_KERNEL", "off")
    assert version.describe_version().endswith("no kernel)")
