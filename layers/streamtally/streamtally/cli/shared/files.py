"""Files that commands write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from streamtally.errors import SettingsError


def write_atomically(path: Path, text: str) -> None:
    """Write a file completely or not at all. Raises: SettingsError."""
    staged = path.with_name(f".{path.name}.new")
    try:
        staged.write_text(text, encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from None


def write_new_files(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write files of ``--out``, a folder that is created if need be. Returns: their paths.

    Args: texts: by file name.
    Raises: SettingsError: one of them exists, and then none is written; or one cannot be written.
    """
    paths = [folder / name for name in texts]
    for path in paths:
        if path.exists():
            raise SettingsError(f"{path} already exists: choose another folder, or move it away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--out {folder}: cannot be created: {error.strerror}") from None
    for path, text in zip(paths, texts.values(), strict=True):
        write_atomically(path, text)
    return paths
