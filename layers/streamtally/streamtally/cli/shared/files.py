"""Files that commands write."""

from __future__ import annotations

from pathlib import Path

from streamtally.errors import SettingsError


def write_atomically(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises: SettingsError."""
    staged = path.with_name(f".{path.name}.new")
    try:
        staged.write_text(text, encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from None
