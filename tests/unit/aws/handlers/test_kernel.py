"""Which kernel is used: one that fits the library. Otherwise Python reads all events, and one line says why."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streamtally import __version__
from streamtally.aws.handlers.invocation import answer_batch
from streamtally.aws.handlers.kernel import load_kernel
from streamtally.errors import SettingsError
from streamtally.transform.kernel.protocol import INTERFACE, KERNEL_MODULE
from streamtally.transform.ledger import PYTHON
from streamtally.transform.pipeline import Pipeline
from tests.unit.events import combined, records_of

CRATE = Path(__file__).resolve().parents[4] / "kernel"


def load(monkeypatch: pytest.MonkeyPatch, module: Any, wanted: str = "") -> tuple[Any, list[str]]:
    """What is loaded where this module stands for the kernel (None: there is none), and the lines about it."""
    monkeypatch.setitem(sys.modules, KERNEL_MODULE, module)
    lines: list[str] = []
    return load_kernel({"STREAMTALLY_KERNEL": wanted}, lines.append), lines


def test_a_kernel_that_fits_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(__version__=__version__, INTERFACE=INTERFACE)
    assert load(monkeypatch, module) == (module, [])
    assert load(monkeypatch, module, "on") == (module, [])
    assert load(monkeypatch, module, "OFF") == (None, [])


@pytest.mark.parametrize(
    "module",
    [
        SimpleNamespace(__version__="0.0.1", INTERFACE=INTERFACE),
        SimpleNamespace(__version__=__version__, INTERFACE=INTERFACE + 1),
        SimpleNamespace(),
    ],
)
def test_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    loaded, lines = load(monkeypatch, module)
    assert loaded is None
    assert len(lines) == 1
    assert lines[0].startswith("the kernel is not used, and Python reads all events: it is ")


def test_a_kernel_that_does_not_load_gives_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / f"{KERNEL_MODULE}.py").write_text("raise ImportError('wrong ELF class: ELFCLASS32')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, KERNEL_MODULE, raising=False)
    lines: list[str] = []
    assert load_kernel({}, lines.append) is None
    assert lines == [
        "the kernel is not used, and Python reads all events: it cannot be loaded: wrong ELF class: ELFCLASS32"
    ]


def test_no_kernel_is_usual_unless_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, None) == (None, [])
    loaded, lines = load(monkeypatch, None, "on")
    assert loaded is None
    assert lines == ["the kernel is not used, and Python reads all events: it is not installed"]


def test_another_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="STREAMTALLY_KERNEL is 'of': it is on or off"):
        load(monkeypatch, None, "of")


class Broken:
    """A kernel that fails as after a panic."""

    def Layout(self, **_: object) -> object:
        return self

    def read(self, *_: object) -> object:
        raise RuntimeError("the kernel panicked")


def test_a_failing_kernel_changes_no_answer(default_pipeline: Pipeline) -> None:
    event = {"deliveryStreamArn": "", "records": records_of([combined(), combined(404)])}
    sent: list[Any] = []

    def run(kernel: Any) -> Any:
        sent.clear()
        answer, ledger = answer_batch(
            default_pipeline, lambda made, _: sent.extend(made), event, lambda: 60.0, 0, kernel=kernel
        )
        return answer, list(sent), ledger

    plain, after_failure = run(None), run(Broken())
    assert plain == after_failure
    assert plain[2].way == ""
    assert after_failure[2].way == PYTHON
    assert after_failure[2].kernel_error == "RuntimeError: the kernel panicked"


def test_the_crate_has_the_library_s_version_and_interface() -> None:
    manifest = (CRATE / "Cargo.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{__version__}"\n' in manifest
    source = (CRATE / "src/python/mod.rs").read_text(encoding="utf-8")
    assert re.findall(r"const INTERFACE: u32 = (\d+);", source) == [str(INTERFACE)]


def test_the_crate_names_no_other_source_of_crates() -> None:
    lock = (CRATE / "Cargo.lock").read_text(encoding="utf-8")
    assert set(re.findall(r'^source = "(.*)"$', lock, re.MULTILINE)) == {
        "registry+https://github.com/rust-lang/crates.io-index"
    }
    assert 'unsafe_code = "forbid"' in (CRATE / "Cargo.toml").read_text(encoding="utf-8")
