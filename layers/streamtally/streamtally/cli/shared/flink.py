"""``--to flink``: a program as files of Flink SQL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from streamtally.cli.shared.applications import choose, read_document
from streamtally.cli.shared.files import write_new_files
from streamtally.errors import ProgramFileError, SettingsError, SqlError, SqlProgramError
from streamtally.local.folder import DEFINITION, read_text
from streamtally.local.programs import compile_alone, compile_files, compile_source
from streamtally.migrate.application import make_definition
from streamtally.migrate.applications import read_applications
from streamtally.migrate.templates import with_output_names
from streamtally.sql.flink.files import flink_files
from streamtally.sql.flink.program import FlinkProgram, generate
from streamtally.sql.problems import show_problems
from streamtally.sql.program import Program


def compile_to_flink(
    source: Path, out: Path | None, name: str | None, format_name: str | None, without: Sequence[str]
) -> int:
    """Write a program, a pipeline folder's program, or an application's, as Flink SQL into ``out``.

    Raises: SettingsError: no ``out``, or what Flink SQL cannot say.
    """
    if out is None:
        raise SettingsError("--to flink writes files: name their folder with --out")
    title, file, program = _compiled(source, name, format_name, without)
    files = flink_files(title, flink_program(program, file), program.notes)
    for path in write_new_files(out, files):
        click.echo(str(path))
    return 0


def flink_program(program: Program, file: str) -> FlinkProgram:
    """The program in Flink SQL. Raises: ProgramFileError: what Flink SQL cannot say, with its place."""
    try:
        return generate(program)
    except SqlError as error:
        if program.place is None:
            shown = list(show_problems(error, program.text, file))
        else:
            problems = error.problems if isinstance(error, SqlProgramError) else (error,)
            shown = [f"{program.place(problem.line)}: {problem.message}; {problem.advice}" for problem in problems]
        raise ProgramFileError(shown[0], shown) from None


def _compiled(
    source: Path, name: str | None, format_name: str | None, without: Sequence[str]
) -> tuple[str, str, Program]:
    """(The program's name, its file for messages, the program)."""
    if source.suffix.lower() == ".sql":
        return source.stem, source.name, compile_alone(source, format_name, without, to_flink=True).program
    if format_name is not None:
        raise SettingsError("--format is only for a single program: the source describes its own input")
    if source.is_dir() or not source.suffix:
        if without:
            raise SettingsError("--without is not for a folder: write without under [program] in pipeline.toml")
        programs = sorted(source.glob("*.sql"))
        if not programs:
            raise SettingsError(f"{source}: has no .sql file, which Flink SQL is generated from")
        compiled = compile_files(programs, read_text(source / DEFINITION), to_flink=True)
        return source.resolve().name, programs[0].name, compiled.program
    return _application(source, name, without)


def _application(source: Path, name: str | None, without: Sequence[str]) -> tuple[str, str, Program]:
    try:
        document = read_document(source)
        if isinstance(document, dict) and isinstance(document.get("Resources"), dict):
            document = with_output_names(document)
        application = choose(read_applications(document), name)
    except SettingsError as error:
        raise SettingsError(f"{source}: {error}") from None
    definition = make_definition(application)
    bind = bool(application.outputs)
    left_out = [*application.without, *without]
    compiled = compile_source(application.name, application.sql, definition, bind, left_out, to_flink=True)
    return application.name, f"{application.name}.sql", compiled.program
