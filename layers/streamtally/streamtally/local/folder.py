"""A pipeline folder on disk → the ``pipeline.json`` document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.aws.handlers.settings import read_pipeline_document
from streamtally.config.reference import MAX_FILE_BYTES
from streamtally.definition import define_pipeline, read_definition, read_references_of
from streamtally.errors import ProgramFileError, SettingsError
from streamtally.indices.detectors import Detector
from streamtally.local.encodings import find_mark

_PACKAGE = Path(__file__).resolve().parents[1]
_PACKAGED = _PACKAGE / "bundled"  # setup.py puts it there; a checkout has it once, in the layer

BUNDLED_FOLDER = _PACKAGED if _PACKAGED.is_dir() else _PACKAGE.parents[1] / "pipeline" / "pipeline"
"""The bundled pipeline. It belongs to the installation: commands never write into it."""

DEFINITION, PLAN, COMPILED = "pipeline.toml", "plan.json", "pipeline.json"


@dataclass(frozen=True, slots=True)
class CompiledFolder:
    """A folder's document, the compiler's notes on its program, and the anomaly detectors that it asks for."""

    document: dict[str, Any]
    notes: list[str]
    detectors: Sequence[Detector] = ()


def find_folder(folder: Path | None) -> Path:
    """The pipeline folder of a command: the one that is named, else the current folder with its own pipeline, else the
    bundled one."""
    return folder or own_folder() or BUNDLED_FOLDER


def own_folder() -> Path | None:
    """The current folder if it has a ``pipeline.toml``; else None."""
    return Path() if Path(DEFINITION).is_file() else None


def read_folder(folder: Path | None) -> dict[str, Any]:
    """The document of a folder with ``pipeline.toml`` and a program, or with ``pipeline.json`` only.

    Args: folder: None: as :func:`find_folder` chooses.
    Raises: SettingsError: something in it is missing or wrong.
    """
    return read_compiled(folder).document


def read_compiled(folder: Path | None, detects: bool = False) -> CompiledFolder:
    """Compile a folder.

    Args: detects: whether RANDOM_CUT_FOREST becomes an anomaly detector, also if pipeline.toml does not say so.
    Raises: as :func:`read_folder`.
    """
    folder = find_folder(folder)
    if not folder.is_dir():
        raise SettingsError(f"{folder}: no such folder; a pipeline folder has a {DEFINITION}")
    definition = folder / DEFINITION
    if not definition.exists():
        if (folder / COMPILED).exists():
            return CompiledFolder(read_pipeline_document(folder / COMPILED), [])
        raise SettingsError(f"{folder}: has no {DEFINITION}")
    text = read_text(definition)
    try:
        programs = sorted(folder.glob("*.sql"))
        if programs and (folder / PLAN).exists():
            raise SettingsError(f"has both {PLAN} and {programs[0].name}: keep one of them")
        plan, notes, detectors = compile_programs(programs, text, detects) if programs else (read_plan(folder), [], ())
        document = define_pipeline(text, plan, ZoneInfo, read_reference_files(folder, text))
        _refuse_no_output(document, notes)
        return CompiledFolder(document, notes, detectors)
    except ProgramFileError:
        raise
    except SettingsError as error:
        raise SettingsError(f"{folder}: {error}") from None


def read_reference_files(folder: Path, definition: str) -> dict[str, bytes]:
    """The content of the files of a folder's reference tables; one that is missing is left out.

    Args: definition: ``pipeline.toml``.
    Raises: SettingsError: a file cannot be read.
    """
    names = [table.file for table in read_references_of(read_definition(definition)).values() if table.file is not None]
    files = {}
    for name in names:
        path = folder / name
        if not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                files[name] = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise SettingsError(f"{name}: cannot be read: {error.strerror}") from None
    return files


def _refuse_no_output(document: Mapping[str, Any], notes: Sequence[str]) -> None:
    """Raises: SettingsError: nothing of what the program computes would be delivered."""
    if not document["outputs"]:
        streams = f" ({'; '.join(notes)})" if notes else ""
        raise SettingsError(
            f'{DEFINITION} has no outputs, so nothing would be delivered: add [outputs.STREAM] with index = "…" for a '
            f"stream of the program{streams}"
        )


def compile_programs(
    paths: Sequence[Path], definition: str, detects: bool = False
) -> tuple[dict[str, Any], list[str], Sequence[Detector]]:
    """The plan of a folder's ``.sql`` files, read in name order as one program; the compiler's notes; and detectors.

    Raises:
        SettingsError: pipeline.toml is wrong.
        ProgramFileError: the program is wrong.
    """
    from streamtally.local.programs import compile_files  # imports sqlglot, which a folder without SQL does not need

    compiled = compile_files(paths, definition, detects)
    return compiled.plan, compiled.program.notes, compiled.program.detectors


def read_plan(folder: Path) -> dict[str, Any]:
    """The folder's ``plan.json``. Raises: SettingsError."""
    path = folder / PLAN
    if not path.exists():
        raise SettingsError("has no program: add a .sql file")
    try:
        plan = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{PLAN} is not JSON: {error}") from None
    if not isinstance(plan, dict) or not isinstance(plan.get("outputs"), list):
        raise SettingsError(f"{PLAN} is not a plan: expected 'version' and a list 'outputs'")
    return plan


def read_marked_text(path: Path) -> str:
    """The text of a file that another program wrote: UTF-8, or what its byte order mark says.

    PowerShell's ``>`` writes UTF-16 with a mark. Raises: SettingsError.
    """
    try:
        data = path.read_bytes()
        mark, encoding = find_mark(data) or (b"", "")
        return data[len(mark) :].decode(encoding) if mark else read_text(path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not {error.encoding} (byte {error.start}): save it as UTF-8") from None


def read_text(path: Path) -> str:
    """The text of a UTF-8 file. Raises: SettingsError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 (byte {error.start}): save it as UTF-8") from None


def encode_document(document: Mapping[str, Any]) -> str:
    """The text of ``pipeline.json``, laid out so that diffs are readable."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
