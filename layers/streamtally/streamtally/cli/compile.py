"""``streamtally compile``: Kinesis Analytics SQL, alone or in a pipeline folder → the plan that the functions run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.files import write_atomically
from streamtally.cli.shared.plan_output import print_plan, show_explanation
from streamtally.errors import SettingsError
from streamtally.local.folder import (
    BUNDLED_FOLDER,
    COMPILED,
    CompiledFolder,
    encode_document,
    own_folder,
    read_compiled,
    read_text,
)
from streamtally.local.logs import check_logs
from streamtally.local.sample_check import check_sample

_INFERRED = (
    "these columns of the source were inferred from the program: their names are those it uses, their types fit their "
    "use; check them, and put them into pipeline.toml"
)
_NOT_INFERRED = "these settings are needed in pipeline.toml"


def execute(
    source: Path | None,
    check: bool,
    explain: bool,
    sample: str | None,
    out: Path | None,
    name: str | None,
    format_name: str | None,
    without: tuple[str, ...],
    target: str | None,
    detects: bool,
) -> int:
    """Run ``streamtally compile``. Returns: the exit status. Raises: SettingsError."""
    source = source or _default_source(explain)
    if target is not None:
        _refuse_for_flink(check, explain)
        from streamtally.cli.shared.flink import compile_to_flink  # imports sqlglot and yaml

        written: int = compile_to_flink(source, out, name, format_name, without)
        return written
    if source.is_dir() or not source.suffix:
        _refuse_for_folder(out, format_name, without)
        return _compile_folder(source, check, explain, sample, detects)
    if sample is not None:
        raise SettingsError("--sample is only for a folder: its pipeline.toml says how lines are read")
    if source.suffix.lower() == ".sql":
        if out is not None:
            raise SettingsError(
                f"--out is only for an application's file: put {source.name} next to a pipeline.toml instead"
            )
        return _compile_program(source, check, explain, format_name, without, detects)
    if detects:
        raise SettingsError("--anomaly-detector is not for an application: write its folder, and compile that with it")
    if format_name is not None:
        raise SettingsError("--format is only for a single program: an application describes its own input")
    from streamtally.cli.shared.applications import (
        compile_application,  # imports yaml, which the other sources do not need
    )

    status: int = compile_application(source, check, explain, out, name, without)
    return status


def _default_source(explain: bool) -> Path:
    """The current folder if it is a pipeline's. The bundled pipeline is only explained: commands never write to it.

    Raises: SettingsError: there is nothing to compile.
    """
    folder = own_folder() or (BUNDLED_FOLDER if explain else None)
    if folder is None:
        raise SettingsError(
            "no pipeline.toml in the current folder: name a pipeline folder, or write one with streamtally init LOG"
        )
    return folder


def _refuse_for_flink(check: bool, explain: bool) -> None:
    if check or explain:
        raise SettingsError("--check and --explain are for the plan, not for --to flink")


def _refuse_for_folder(out: Path | None, format_name: str | None, without: tuple[str, ...]) -> None:
    """Refuse the options whose values a folder's pipeline.toml holds."""
    if format_name is not None:
        raise SettingsError("--format is only for a single program: a folder's pipeline.toml names its format")
    if out is not None:
        raise SettingsError("--out is only for an application's file: a folder is compiled in place")
    if without:
        names = ", ".join(json.dumps(pump, ensure_ascii=False) for pump in without)
        raise SettingsError(
            f"--without is not for a folder: write without = [{names}] under [program] in pipeline.toml"
        )


def _compile_folder(folder: Path, check: bool, explain: bool, sample: str | None, detects: bool) -> int:
    if sample is not None:
        check_logs([sample])
    compiled = read_compiled(folder, detects)
    misfits = check_sample(compiled.document, sample) if sample is not None else []
    status = max(_write_compiled(folder, compiled, check, explain), _warn(misfits))
    if detects and not (check or explain):
        from streamtally.cli.shared.anomaly_files import write_detectors  # imports the index manager's specs

        write_detectors(folder, compiled)
    return status


def _warn(misfits: Sequence[str]) -> int:
    for misfit in misfits:
        click.echo(f"warning: {misfit}", err=True)
    return EXIT_FOUND if misfits else 0


def _write_compiled(folder: Path, compiled: CompiledFolder, check: bool, explain: bool) -> int:
    if explain:
        show_explanation(compiled.document["plan"], compiled.document["outputs"], compiled.notes)
        return 0
    path, text = folder / COMPILED, encode_document(compiled.document)
    for note in compiled.notes:
        click.echo(f"note: {note}", err=True)
    if check:
        if not path.exists() or read_text(path) != text:
            click.echo(f"{path} is out of date: run streamtally compile {folder}", err=True)
            return EXIT_FOUND
        return 0
    write_atomically(path, text)
    click.echo(f"{path}")
    return 0


def _compile_program(
    path: Path, check: bool, explain: bool, format_name: str | None, without: tuple[str, ...], detects: bool
) -> int:
    from streamtally.local.programs import compile_alone  # imports sqlglot

    compiled = compile_alone(path, format_name, without, detects=detects)
    print_plan(compiled.plan, compiled.program.notes, check, explain)
    if compiled.inferred:
        note = _INFERRED if "columns" in compiled.inferred or "[source.types]" in compiled.inferred else _NOT_INFERRED
        click.echo(f"note: {note}\n\n{compiled.inferred}", err=True)
    return 0
