"""A pipeline folder on disk → the ``pipeline.json`` document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.aws.settings import read_pipeline_document
from streamtally.definition import define_pipeline
from streamtally.errors import SettingsError

DEFAULT_FOLDER = Path(__file__).resolve().parents[3] / "pipeline" / "pipeline"
"""The pipeline that comes with the checkout."""

DEFINITION, PLAN, COMPILED = "pipeline.toml", "plan.json", "pipeline.json"


def read_folder(folder: Path | None) -> dict[str, Any]:
    """The document of a folder with ``pipeline.toml`` and a program, or with ``pipeline.json`` alone.

    Args: folder: None is the pipeline that comes with Streamtally.
    Raises: SettingsError: what is missing or wrong in it.
    """
    folder = folder or DEFAULT_FOLDER
    if not folder.is_dir():
        raise SettingsError(f"{folder}: no such pipeline folder: give one with a {DEFINITION}")
    definition = folder / DEFINITION
    if not definition.exists():
        if (folder / COMPILED).exists():
            return read_pipeline_document(folder / COMPILED)
        raise SettingsError(f"{folder}: there is no {DEFINITION} in it")
    try:
        return define_pipeline(read_text(definition), read_plan(folder), ZoneInfo)
    except SettingsError as error:
        raise SettingsError(f"{folder}: {error}") from None


def read_plan(folder: Path) -> dict[str, Any]:
    """The folder's ``plan.json``. Raises: SettingsError."""
    path = folder / PLAN
    if not path.exists():
        raise SettingsError(f"there is no program: add a {PLAN}")
    try:
        plan = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{PLAN} is not JSON: {error}") from None
    if not isinstance(plan, dict) or not isinstance(plan.get("outputs"), list):
        raise SettingsError(f"{PLAN} is no plan: it has 'version' and a list of 'outputs'")
    return plan


def read_text(path: Path) -> str:
    """A file of UTF-8. Raises: SettingsError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8") from None


def encode_document(document: Mapping[str, Any]) -> str:
    """The text of ``pipeline.json``: stable, so that a change of it can be read."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
