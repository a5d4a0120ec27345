"""The output folder of ``streamtally run``: what is in it, and how it is replaced as a whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from streamtally.errors import SettingsError

DEFAULT_OUT = Path("streamtally-out")
BUCKET, DATABASE, REPORT = "log-bucket", "log-summary.duckdb", "report.html"
PARTS = (BUCKET, DATABASE, REPORT)


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """A folder whose content moves to ``out`` only after success, so that nothing is left half-written.

    Raises: SettingsError: ``out`` cannot be written.
    """
    is_new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=".run-", dir=out))
    except OSError as error:
        raise SettingsError(f"--out {out}: cannot be written: {error.strerror}") from None
    try:
        yield staged
        for part in PARTS:
            _replace(staged / part, out / part)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        if is_new:
            with suppress(OSError):
                out.rmdir()  # only if it is empty, which it is after a failure


def _replace(new: Path, old: Path) -> None:
    if old.is_dir():
        shutil.rmtree(old)
    else:
        old.unlink(missing_ok=True)
    if new.exists():
        new.rename(old)
