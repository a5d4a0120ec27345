"""The framing of a pipeline folder."""

from __future__ import annotations

from pathlib import Path

from streamtally.local.folder import read_folder


def framing_of(folder: Path | None) -> str:
    """The framing of a pipeline folder; "" without a folder."""
    return str(read_folder(folder)["source"].get("framing", "lines")) if folder else ""
