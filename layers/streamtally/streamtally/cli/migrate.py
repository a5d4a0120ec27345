"""``streamtally migrate``: a Kinesis Analytics application → a pipeline folder and a migration report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from streamtally.aws.clients import Aws, AwsError
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.applications import PROGRAM, choose, read_document
from streamtally.cli.shared.aws_options import echo_json
from streamtally.cli.shared.files import write_new_files
from streamtally.cli.shared.parity import compare_recordings, parity_json, show_comparison
from streamtally.cli.shared.reference_options import open_pipeline
from streamtally.definition import define_pipeline, read_definition
from streamtally.errors import SettingsError
from streamtally.local.folder import BUNDLED_FOLDER, COMPILED, DEFINITION, encode_document, read_text
from streamtally.local.programs import Compiled, compile_source, compile_with_columns
from streamtally.migrate.application import Application, index_name, make_definition
from streamtally.migrate.applications import read_applications
from streamtally.migrate.deployment import plan_deployment
from streamtally.migrate.report import report
from streamtally.migrate.templates import resolve, without_others
from streamtally.sql.flink.files import flink_files
from streamtally.sql.flink.program import generate
from streamtally.sql.flink.where import Part, PumpPlace, compile_part, flink_part, pump_places, section
from streamtally.sql.program import Program
from streamtally.text import near_names

REPORT, PARAMETERS = "MIGRATION.md", "parameters.json"


def execute(
    aws: Aws,
    source: str,
    out: Path | None,
    name: str | None,
    parity: tuple[str, str] | None,
    references: tuple[str, ...],
    target: str | None,
    as_json: bool,
) -> int:
    """Run ``streamtally migrate``. Returns: the exit status. Raises: SettingsError."""
    described, application = _read(aws, source, name)
    is_sql = Path(source).suffix == ".sql"
    here, flink = _parts(application, is_sql) if target is not None else (None, None)
    if here is not None and here.reasons and here.program is not None:
        application.without += here.reasons
        kept = set(here.program.streams)
        application.outputs = {name: place for name, place in application.outputs.items() if name in kept}
    elif here is not None and flink is not None and here.program is None and flink.program is not None:
        return _only_flink(application, pump_places(application.sql, here, flink), flink.program, out, as_json)
    definition, compiled = _compile(application, is_sql)
    document = define_pipeline(definition, compiled.plan, ZoneInfo)
    deployment = plan_deployment(described)
    parameters = deployment.parameters
    if application.tables:
        parameters["ReferenceObjectArns"] = ",".join(table.arn for table in application.tables)
    text = report(application.name, document, deployment, application.left, compiled.program.notes)
    places = pump_places(application.sql, here, flink) if here is not None and flink is not None else []
    if places:
        text += "\n" + "\n".join(section(places)) + "\n"
    if out is not None:
        files = {DEFINITION: definition, PROGRAM: application.sql.rstrip() + "\n", COMPILED: encode_document(document)}
        write_new_files(out, {**files, REPORT: text, PARAMETERS: json.dumps(parameters, indent=2) + "\n"})
        if flink is not None and flink.program is not None:
            _write_flink(application, flink.program, out)
    comparison = compare_recordings(open_pipeline(document, references, aws), *parity) if parity else None
    if as_json:
        shown = {key: parity_json(value) for key, value in comparison.outputs.items()} if comparison else {}
        echo_json({"application": application.name, "outputs": compiled.program.streams, "parameters": parameters,
                   "mind": deployment.mind, "not_carried_over": application.left, "notes": compiled.program.notes,
                   "parity": shown, **({"pumps": list(map(asdict, places))} if places else {})})  # fmt: skip
    else:
        click.echo(text, nl=False)
        if comparison:
            show_comparison(comparison)
    return EXIT_FOUND if comparison and not comparison.is_equal else 0


def _parts(application: Application, is_sql: bool) -> tuple[Part, Part]:
    """What runs here, and what on Flink."""
    application.sql = application.sql.replace("\r\n", "\n").replace("\r", "\n")
    definition = "" if is_sql else make_definition(application)

    def compiler(to_flink: bool) -> Callable[[Sequence[str]], Program]:
        def compile_without(without: Sequence[str]) -> Program:
            if is_sql:
                source = _default_source()
                return compile_with_columns(application.name, application.sql, source, without, to_flink)[1].program
            bind = bool(application.outputs) and not without
            return compile_source(application.name, application.sql, definition, bind, without, to_flink).program

        return compile_without

    return compile_part(application.sql, compiler(False)), flink_part(application.sql, compiler(True))


def _only_flink(
    application: Application, places: Sequence[PumpPlace], program: Program, out: Path | None, as_json: bool
) -> int:
    """Write the report and the files of a program of which nothing runs in the functions."""
    text = "\n".join([f"# {application.name}: from Kinesis Analytics to Apache Flink", "", *section(places)]) + "\n"
    if out is not None:
        write_new_files(out, {REPORT: text})
        _write_flink(application, program, out)
    if as_json:
        echo_json({"application": application.name, "outputs": [], "pumps": list(map(asdict, places))})
    else:
        click.echo(text, nl=False)
    return 0


def _write_flink(application: Application, program: Program, out: Path) -> None:
    generated = generate(program, in_part=True)
    if generated.inserts:
        write_new_files(out / "flink", flink_files(application.name, generated, program.notes))


def _read(aws: Aws, source: str, name: str | None) -> tuple[Any, Application]:
    path = Path(source)
    if path.suffix == ".sql":
        return {}, Application(path.stem, read_text(path))
    is_file = path.exists() or "/" in source or path.suffix in (".json", ".yaml", ".yml", ".tf", ".tfstate")
    try:
        document = read_document(path) if is_file else _describe(aws, source)
    except SettingsError as error:
        raise SettingsError(str(error) if str(error).startswith(f"{path}:") else f"{path}: {error}") from None
    notes: list[str] = []
    try:
        if isinstance(document, dict) and isinstance(document.get("Resources"), dict):
            document, notes = resolve(document)
            application = choose(read_applications(document), name)
            document = without_others(document, application.name)
        else:
            application = choose(read_applications(document), name)
        application.left += notes
        return document, application
    except SettingsError as error:
        raise SettingsError(f"{source}: {error}") from None


def _describe(aws: Aws, name: str) -> Any:
    """An application's description. Raises: AwsError: no access, or no such application (lists similar names)."""
    try:
        return aws.call("kinesisanalyticsv2", "describe_application", ApplicationName=name)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        advice = "pass its description as JSON, its template or its .sql file"
        raise AwsError(f"application {name!r} does not exist in {aws.region}{_similar(aws, name)}; {advice}") from None


def _similar(aws: Aws, name: str) -> str:
    try:
        summaries = aws.call("kinesisanalyticsv2", "list_applications")["ApplicationSummaries"]
    except AwsError:
        return ""
    names = [str(summary["ApplicationName"]) for summary in summaries]
    similar = near_names(name, names)
    return f" (did you mean {', '.join(similar)}?)" if similar else ""


def _compile(application: Application, is_sql: bool) -> tuple[str, Compiled]:
    """The definition and the program; a .sql file has the default source, and all streams as outputs."""
    if is_sql:
        definition, compiled = compile_with_columns(
            application.name, application.sql, _default_source(), application.without
        )
        application.left += _inferred(definition)
    else:
        definition = make_definition(application)
        compiled = compile_source(application.name, application.sql, definition, bind=bool(application.outputs))
    if is_sql and application.without:
        definition += f"\n[program]\nwithout = {json.dumps(application.without)}\n"
    if not application.outputs:
        streams = dict.fromkeys(compiled.program.streams)
        definition += "".join(
            f'\n[outputs.{json.dumps(stream)}]\nindex = "{index_name(stream)}"\n' for stream in streams
        )
    return definition, compiled


def _inferred(definition: str) -> Iterator[str]:
    """What must be checked of a definition that was inferred from a program."""
    tables = read_definition(definition)
    if columns := tables["source"].get("types"):
        names = ", ".join(map(json.dumps, columns))
        yield f"the source's columns were inferred from the program: check {names}"
    for name in tables["reference"]:
        yield f'the reference table "{name}" was inferred from the program: check its columns, and write its s3'


def _default_source() -> str:
    return read_text(BUNDLED_FOLDER / DEFINITION).split("[outputs.")[0].rstrip() + "\n"
