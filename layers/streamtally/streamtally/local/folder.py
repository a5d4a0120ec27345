"""A pipeline folder on disk → the ``pipeline.json`` document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.aws.handlers.settings import read_pipeline_document
from streamtally.definition import define_pipeline
from streamtally.errors import ProgramFileError, SettingsError

DEFAULT_FOLDER = Path(__file__).resolve().parents[3] / "pipeline" / "pipeline"
"""The pipeline that comes with the checkout."""

DEFINITION, PLAN, COMPILED = "pipeline.toml", "plan.json", "pipeline.json"


@dataclass(frozen=True, slots=True)
class CompiledFolder:
    """A folder's document, and what the compiler noted of its program."""

    document: dict[str, Any]
    notes: list[str]


def read_folder(folder: Path | None) -> dict[str, Any]:
    """The document of a folder with ``pipeline.toml`` and a program, or with ``pipeline.json`` alone.

    Args: folder: None is the pipeline that comes with Streamtally.
    Raises: SettingsError: what is missing or wrong in it.
    """
    return read_compiled(folder).document


def read_compiled(folder: Path | None) -> CompiledFolder:
    """A folder compiled. Raises: as :func:`read_folder`."""
    folder = folder or DEFAULT_FOLDER
    if not folder.is_dir():
        raise SettingsError(f"{folder}: no such pipeline folder: give one with a {DEFINITION}")
    definition = folder / DEFINITION
    if not definition.exists():
        if (folder / COMPILED).exists():
            return CompiledFolder(read_pipeline_document(folder / COMPILED), [])
        raise SettingsError(f"{folder}: there is no {DEFINITION} in it")
    text = read_text(definition)
    try:
        programs = sorted(folder.glob("*.sql"))
        if programs and (folder / PLAN).exists():
            raise SettingsError(f"there is a {PLAN} beside {programs[0].name}: a pipeline has one or the other")
        plan, notes = compile_programs(programs, text) if programs else (read_plan(folder), [])
        return CompiledFolder(define_pipeline(text, plan, ZoneInfo), notes)
    except ProgramFileError:
        raise
    except SettingsError as error:
        raise SettingsError(f"{folder}: {error}") from None


def compile_programs(paths: Sequence[Path], definition: str) -> tuple[dict[str, Any], list[str]]:
    """The plan of a folder's ``.sql`` files, read in the order of their names as one program, and notes on it.

    Raises: SettingsError: pipeline.toml; ProgramFileError: the program.
    """
    from streamtally.local.programs import compile_files  # loads sqlglot, which a folder without SQL needs not

    compiled = compile_files(paths, definition)
    return compiled.plan, compiled.program.notes


def read_plan(folder: Path) -> dict[str, Any]:
    """The folder's ``plan.json``. Raises: SettingsError."""
    path = folder / PLAN
    if not path.exists():
        raise SettingsError("there is no program: add a .sql file")
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
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 (byte {error.start}): save it as UTF-8") from None


def encode_document(document: Mapping[str, Any]) -> str:
    """The text of ``pipeline.json``: stable, so that a change of it can be read."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
