"""A pipeline's ``.sql`` files on disk → its plan; errors are shown with each file's own line numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.config.reference import ReferenceTable
from streamtally.definition import open_source, read_definition, read_references_of
from streamtally.errors import ProgramFileError, SettingsError, SqlError, SqlProgramError
from streamtally.migrate.application import index_name
from streamtally.migrate.reference_tables import UNKNOWN_BUCKET, UNKNOWN_KEY
from streamtally.plan.types import SqlType, parse_type
from streamtally.sql.lone_program import LoneProgram, compile_lone
from streamtally.sql.planning.program_streams import SourceStream
from streamtally.sql.problems import UnboundOutputError, show_problems
from streamtally.sql.program import Program, compile_program
from streamtally.sql.source_stream import source_stream
from streamtally.text import visible
from streamtally.transform.known_columns import known_columns
from streamtally.transform.pipeline import PLAN_VERSION


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled program."""

    plan: dict[str, Any]
    program: Program
    source: SourceStream


def compile_files(
    paths: Sequence[Path], definition: str | None, detects: bool = False, to_flink: bool = False
) -> Compiled:
    """The plan of ``.sql`` files, read in this order as one program.

    Args:
        definition: ``pipeline.toml``; None: the default source, and as outputs the streams that no pump reads from.
        detects: whether RANDOM_CUT_FOREST becomes an anomaly detector, also if the definition does not say so.
        to_flink: whether it is for Flink.
    Raises:
        SettingsError: pipeline.toml is wrong, or a file cannot be read.
        ProgramFileError: the program is wrong.
    """
    files = [(path, _read_program(path)) for path in paths]
    return _compile(files, definition, definition is not None, detects=detects, to_flink=to_flink)


@dataclass(frozen=True, slots=True)
class CompiledAlone:
    """A program that was compiled without a pipeline.

    Attributes:
        inferred: the part of ``pipeline.toml`` that says what was inferred of its source; empty: nothing was.
    """

    plan: dict[str, Any]
    program: Program
    inferred: str


def compile_alone(
    path: Path,
    format_name: str | None,
    without: Sequence[str] = (),
    to_flink: bool = False,
    detects: bool = False,
) -> CompiledAlone:
    """The plan of a program without a pipeline; its outputs are the streams that no pump reads from.

    Args:
        format_name: the format of its source's lines; None: any, with columns that the program names.
        without: pumps to leave out.
        to_flink: whether it is for Flink.
        detects: whether RANDOM_CUT_FOREST becomes an anomaly detector.
    Raises: as :func:`compile_files`.
    """
    text = _read_program(path)
    tables = {"source": {} if format_name is None else {"format": format_name}, "outputs": {}}
    source = open_source(tables, ZoneInfo)
    try:
        is_open = known_columns(source) is None
        lone = compile_lone(text, source_stream(source), is_open, without, to_flink, slides=True, detects=detects)
    except SqlError as error:
        shown = list(show_problems(error, text, path.name))
        raise ProgramFileError(shown[0], shown, problems_of(error)) from None
    plan = {"version": PLAN_VERSION, "outputs": lone.program.outputs}
    inferred = _as_toml(lone, format_name, _AS_FILE)
    if lone.program.detectors:
        inferred = "\n\n".join(part for part in ("[program]\nanomaly_detector = true", inferred) if part)
    return CompiledAlone(plan, lone.program, inferred)


def problems_of(error: SqlError) -> Sequence[SqlError]:
    """The problems of which an error consists."""
    return error.problems if isinstance(error, SqlProgramError) else (error,)


def compile_with_columns(
    name: str, text: str, source_table: str, without: Sequence[str] = (), to_flink: bool = False
) -> tuple[str, Compiled]:
    """A program with a source whose columns are inferred, as far as the source's format leaves that open.

    Args:
        source_table: ``[source]`` of a ``pipeline.toml``.
        without: pumps to leave out.
        to_flink: whether it is for Flink.
    Returns: (this table with what was inferred, the program, whose outputs are the streams that no pump reads).
    Raises: as :func:`compile_files`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    source = open_source(read_definition(source_table), ZoneInfo)
    try:
        lone = compile_lone(text, source_stream(source), known_columns(source) is None, without, to_flink)
    except SqlError as error:
        shown = list(show_problems(error, text, f"{name}.sql"))
        raise ProgramFileError(shown[0], shown, problems_of(error)) from None
    inferred = [line for line in _as_toml(lone, None, _AS_OBJECT).split("\n\n") if line]
    if inferred and inferred[0].startswith("[source]\n"):
        source_table = source_table.replace("[source]\n", inferred.pop(0) + "\n", 1)
    definition = "\n".join([source_table.rstrip() + "\n", *inferred]).rstrip() + "\n"
    plan = {"version": PLAN_VERSION, "outputs": lone.program.outputs}
    return definition, Compiled(plan, lone.program, source_stream(source))


def _as_toml(lone: LoneProgram, format_name: str | None, place: str) -> str:
    """What ``pipeline.toml`` must say of the source so that the program compiles as it did; empty: nothing."""
    settings = {"format": format_name, "stream_name": lone.stream_name}
    named = [f"{name} = {_quoted(value)}" for name, value in settings.items() if value is not None]
    columns = [f"{_quoted(column)} = {_quoted(str(sql_type))}" for column, sql_type in lone.types.items()]
    tables = (("[source]", named), ("[source.types]", columns))
    parts = ["\n".join([header, *lines]) for header, lines in tables if lines]
    if not lone.types and lone.stream_name is None:
        parts = []
    parts += [_table_as_toml(name, table, place) for name, table in lone.tables.items()]
    return "\n\n".join([*parts, *(_sliding_as_toml(name, step) for name, step in lone.sliding.items())])


def _sliding_as_toml(name: str, step: str) -> str:
    return "\n".join([
        f"[outputs.{_quoted(name)}]",
        f"index = {_quoted(index_name(name))}",
        f"# One document per key and {step}. Kinesis Analytics has one per row: for these, compile it --to flink.",
        f'sliding = "{step}"',
    ])  # fmt: skip


def _table_as_toml(name: str, columns: Mapping[str, SqlType], place: str) -> str:
    types = ", ".join(f"{_quoted(column)} = {_quoted(str(sql_type))}" for column, sql_type in columns.items())
    return "\n".join([
        f"[reference.{_quoted(name)}]",
        place.format(name=name.replace('"', "")),
        f"columns = {{ {types} }}",
    ])  # fmt: skip


_AS_FILE = 'file = "{name}.csv"'
_AS_OBJECT = f's3 = "s3://{UNKNOWN_BUCKET}/{UNKNOWN_KEY}"\nformat = "csv"'
"""Where a table is that was inferred."""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # is a TOML string as well


def compile_source(
    name: str, text: str, definition: str, bind: bool, without: Sequence[str] = (), to_flink: bool = False
) -> Compiled:
    """The plan of a program that is not in a file.

    Args:
        bind: whether its outputs are those of the definition.
        without: pumps to leave out, beside those that the definition leaves out.
        to_flink: whether it is for Flink.
    Raises: as :func:`compile_files`.
    """
    files = [(Path(f"{name}.sql"), text.replace("\r\n", "\n").replace("\r", "\n"))]
    return _compile(files, definition, bind, without, to_flink=to_flink)


def _compile(
    files: Sequence[tuple[Path, str]],
    definition: str | None,
    bind: bool,
    without: Sequence[str] = (),
    detects: bool = False,
    to_flink: bool = False,
) -> Compiled:
    tables = read_definition(definition or "")
    source = with_tables(source_stream(open_source(tables, ZoneInfo)), read_references_of(tables))
    renamed = {column: f"$.{own}" for own, column in tables["source"].get("rename", {}).items()}
    source = replace(source, paths={**renamed, **tables["source"].get("paths", {})})
    without = [*tables["program"].get("without", ()), *without]
    sliding = {name: table["sliding"] for name, table in tables["outputs"].items() if "sliding" in table}
    detects = detects or tables["program"].get("anomaly_detector", False)
    bound = list(tables["outputs"]) if bind else None
    program = compile_texts(files, source, bound, without, sliding, detects, to_flink)
    return Compiled({"version": PLAN_VERSION, "outputs": program.outputs}, program, source)


def with_tables(source: SourceStream, references: Mapping[str, ReferenceTable]) -> SourceStream:
    """The source's stream, with the reference tables that it can be joined with."""
    tables = {
        name: {column: parse_type(sql_type) for column, sql_type in table.columns.items()}
        for name, table in references.items()
    }
    return replace(source, tables=tables)


def _read_program(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 (byte {error.start}): save it as UTF-8") from None


def compile_texts(
    files: Sequence[tuple[Path, str]],
    source: SourceStream,
    bound: Iterable[str] | None,
    without: Sequence[str] = (),
    sliding: Mapping[str, str] = MappingProxyType({}),
    detects: bool = False,
    to_flink: bool = False,
) -> Program:
    """Compile texts as one program.

    Raises:
        ProgramFileError: the program is wrong.
        SettingsError: an output is not a stream of the program.
    """
    text = _SEPARATOR.join(text for _, text in files)
    try:
        program = compile_program(text, source, bound, without, sliding, detects, to_flink)
        return replace(program, place=partial(_place, files)) if len(files) > 1 else program
    except SqlError as error:
        for problem in _problems_of(error):
            if isinstance(problem, UnboundOutputError):
                where = f"pipeline.toml: [outputs.{visible(problem.output, 80)}]"
                raise SettingsError(f"{where} is not an output of the program: {problem.advice}") from None
        shown = [line for path, own, problems in _by_file(files, error) for line in _show(path, own, problems)]
        raise ProgramFileError(shown[0], shown, problems_of(error)) from None


def _place(files: Sequence[tuple[Path, str]], line: int) -> str:
    """The file, and the number in it, of a line of all files together."""
    for path, text in files:
        if line <= text.count("\n") + 1:
            return f"{path.name}:{line}"
        line -= text.count("\n") + 2
    return f"line {line}"


_SEPARATOR = "\n;\n"
"""Between two files, because the last semicolon of a file is often missing."""


def _problems_of(error: SqlError) -> tuple[SqlError, ...]:
    return error.problems if isinstance(error, SqlProgramError) else (error,)


def _by_file(files: Sequence[tuple[Path, str]], error: SqlError) -> Iterator[tuple[Path, str, list[SqlError]]]:
    problems = _problems_of(error)
    first = 1
    for index, (path, text) in enumerate(files):
        last = first + text.count("\n") + 1 if index < len(files) - 1 else None
        own = [
            type(problem)(problem.message, problem.line - first + 1, problem.column, problem.advice)
            for problem in problems
            if problem.line >= first and (last is None or problem.line <= last)
        ]
        if own:
            yield path, text, own
        first += text.count("\n") + 2


def _show(path: Path, text: str, problems: list[SqlError]) -> Iterator[str]:
    for problem in problems:
        yield from show_problems(problem, text, path.name)
