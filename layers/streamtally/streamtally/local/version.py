"""Which version is installed: its number, the commit that it was built from, and the kernel."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from streamtally import __version__
from streamtally.aws.handlers.kernel import load_kernel

_PACKAGE = Path(__file__).resolve().parents[1]
_BUILT = _PACKAGE / "COMMIT"  # setup.py writes it into a wheel
_CHECKOUT = _PACKAGE.parents[2]


def describe_version() -> str:
    """Such as ``0.1.0 (commit 0123456789ab, no kernel)``; without the commit where nothing says it."""
    parts = [f"commit {commit}"] if (commit := _read_commit()) else []
    parts.append(_describe_kernel())
    return f"{__version__} ({', '.join(parts)})"


def _describe_kernel() -> str:
    """Whether the kernel reads events here, and if it is there and does not, why."""
    warnings: list[str] = []
    kernel = load_kernel(os.environ, warnings.append)
    if kernel is not None:
        return f"kernel {getattr(kernel, '__version__', '')}".rstrip()
    return warnings[0] if warnings else "no kernel"


def _read_commit() -> str:
    """The commit; ``-dirty`` is appended if tracked files differ from it."""
    if _BUILT.is_file():
        return _BUILT.read_text(encoding="utf-8").strip()
    if not (_CHECKOUT / ".git").exists():
        return ""
    command = ["git", "-C", str(_CHECKOUT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
