"""Files that commands write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from streamtally.errors import SettingsError
from streamtally.text import visible


def write_atomically(path: Path, text: str) -> None:
    """Write a file completely or not at all. Raises: SettingsError."""
    with staged_file(path) as file:
        file.write(text.encode())


@contextmanager
def staged_file(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name only after success; otherwise what stood there stays. Raises: SettingsError.

    What is no regular file, such as ``/dev/stdout``, is written directly.
    """
    shown = visible(str(path))
    is_direct = path.exists() and not path.is_file()
    staged = path if is_direct else path.resolve().with_name(f".{path.name}.new")
    try:
        with staged.open("wb") as file:
            yield file
        if not is_direct:
            staged.replace(path.resolve())
    except OSError as error:
        raise SettingsError(f"{shown}: cannot be written: {error.strerror}") from None
    finally:
        if not is_direct:
            with suppress(OSError):
                staged.unlink(missing_ok=True)


def write_new_files(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write files of ``--out``, a folder that is created if need be. Returns: their paths.

    Args: texts: by file name.
    Raises: SettingsError: one of them exists, or one cannot be written; then none is there.
    """
    paths = [folder / name for name in texts]
    for path in paths:
        if path.exists():
            raise SettingsError(f"{path} already exists: choose another folder, or move it away")
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--out {folder}: cannot be created: {error.strerror}") from None
    try:
        for path, text in zip(paths, texts.values(), strict=True):
            write_atomically(path, text)
    except SettingsError:
        for path in paths:  # none of them was there before
            path.unlink(missing_ok=True)
        if is_new:
            folder.rmdir()
        raise
    return paths
