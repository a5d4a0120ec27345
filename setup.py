"""What pyproject.toml cannot say: the wheel holds the bundled pipeline, and names the commit that it was built from."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parent
PIPELINE = ROOT / "layers/pipeline/pipeline"
COMMIT = "COMMIT"
"""A file with the commit: in the package, and at the root of a source distribution, which has no .git."""


def read_commit() -> str:
    """The commit of this tree, with ``-dirty`` if files differ from it; "" outside a clone and without git."""
    if (ROOT / COMMIT).is_file():
        return (ROOT / COMMIT).read_text().strip()
    if not (ROOT / ".git").exists():
        return ""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""


class BuildPackage(build_py):
    """Build the package with its pipeline; an editable installation reads both from the checkout."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        package = Path(self.build_lib) / "streamtally"
        shutil.rmtree(package / "bundled", ignore_errors=True)
        (package / "bundled").mkdir(parents=True)
        for path in sorted(PIPELINE.iterdir()):
            if path.suffix in (".toml", ".sql"):
                shutil.copyfile(path, package / "bundled" / path.name)
        (package / COMMIT).write_text(read_commit() + "\n")


class SourceDistribution(sdist):
    """A source distribution keeps the commit, so that its wheel names it too."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        (Path(base_dir) / COMMIT).write_text(read_commit() + "\n")


setup(cmdclass={"build_py": BuildPackage, "sdist": SourceDistribution})
