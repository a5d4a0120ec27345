"""``streamtally migrate``: a Kinesis Analytics application → a pipeline folder and a migration report."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from msgspec import structs

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.sinks.objects import Folder
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.applications import PROGRAM, choose, read_document
from streamtally.cli.shared.aws_options import echo_json
from streamtally.cli.shared.files import write_new_files
from streamtally.cli.shared.reference_options import open_pipeline
from streamtally.config.source import FORMATS_OWN
from streamtally.definition import define_pipeline, read_definition
from streamtally.errors import SettingsError
from streamtally.local.arrival import ReadLine, arrive_when_logged, read_lines
from streamtally.local.folder import BUNDLED_FOLDER, COMPILED, DEFINITION, encode_document, read_text
from streamtally.local.logs import check_logs, read_log
from streamtally.local.programs import Compiled, compile_source, compile_with_columns
from streamtally.local.run import LocalRun
from streamtally.local.store import DuckDbStore
from streamtally.migrate.applications import Application, index_name, make_definition, read_applications
from streamtally.migrate.deployment import plan_deployment
from streamtally.migrate.parity import Parity, columns_of, compare
from streamtally.migrate.report import report
from streamtally.migrate.templates import resolve, without_others
from streamtally.sql.flink.files import flink_files
from streamtally.sql.flink.program import generate
from streamtally.sql.flink.where import Part, PumpPlace, compile_part, flink_part, pump_places, section
from streamtally.sql.program import Program
from streamtally.text import near_names, visible
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.source import Source

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
    comparison = _compare(open_pipeline(document, references, aws), *parity) if parity else None
    if as_json:
        shown = {key: _parity_json(value) for key, value in comparison.outputs.items()} if comparison else {}
        echo_json({"application": application.name, "outputs": compiled.program.streams, "parameters": parameters,
                   "mind": deployment.mind, "not_carried_over": application.left, "notes": compiled.program.notes,
                   "parity": shown, **({"pumps": list(map(asdict, places))} if places else {})})  # fmt: skip
    else:
        click.echo(text, nl=False)
        if comparison:
            _show_comparison(comparison)
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


@dataclass
class Comparison:
    """How the program's result on the recorded input compares with the recorded output."""

    outputs: dict[str, Parity]
    """By name."""
    lines: int = 0
    """Lines of the input."""
    unparsed: int = 0
    """Of these, lines that do not parse."""
    untimed: int = 0
    """Of these, lines that do not say when they were logged."""
    reason: str = ""
    """Why the first line that does not parse does not."""

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs and at least one row is equal."""
        parities = self.outputs.values()
        return all(parity.is_equal for parity in parities) and any(parity.equal for parity in parities)


def _compare(pipeline: Pipeline, log: str, recorded: str) -> Comparison:
    """Run the program on the recorded input and compare with the recorded output."""
    document = pipeline.document
    check_logs([log])
    comparison = Comparison({})
    with tempfile.TemporaryDirectory() as folder:
        store = DuckDbStore(Path(folder) / "parity.duckdb")
        run = LocalRun(pipeline, Folder(Path(folder) / "bucket"), store)
        file_ms = int(Path(log).stat().st_mtime * 1000)
        lines = _counted(read_lines(read_log(log), _timed_source(pipeline.source), file_ms), comparison)
        run.run(arrive_when_logged(lines, file_ms), 1)
        ours = {name: [dict(row) for row in store.documents(output)] for name, output in pipeline.outputs.items()}
        store.close()
    rows = list(_recorded(recorded))
    for node in document["plan"]["outputs"]:
        names = {column["name"].lower() for column in node["columns"]}
        # A recording may hold the rows of several streams: a row belongs to the output that has exactly its columns.
        theirs = [row for row in rows if {key.lower() for key in row} == names]
        comparison.outputs[node["name"]] = compare(ours[node["name"]], theirs, columns_of(node))
    unmatched = len(rows) - sum(1 for row in rows if any(_fits(row, node) for node in document["plan"]["outputs"]))
    if unmatched:
        raise SettingsError(f"{recorded}: {unmatched} rows have columns that no output of the program has")
    return comparison


def _timed_source(source: Source) -> Source:
    """The source, which reads when a line was logged even if the program does not.

    ROWTIME is not recorded, so any time in a JSON line stands for it.
    """
    if source.settings.format != "json" or source.settings.time_field != FORMATS_OWN:
        return source
    return Source(structs.replace(source.settings, time_field="auto", time_format="auto"), ZoneInfo)


def _counted(lines: Iterable[ReadLine], comparison: Comparison) -> Iterator[ReadLine]:
    for line in lines:
        comparison.lines += 1
        comparison.unparsed += line.row is None and bool(line.reason)
        comparison.untimed += line.row is not None and line.time is None
        comparison.reason = comparison.reason or line.reason
        yield line


def _fits(row: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    return {key.lower() for key in row} == {column["name"].lower() for column in node["columns"]}


def _recorded(path: str) -> Iterator[dict[str, Any]]:
    for line in read_log(path):
        try:
            rows = list(_objects(line.data.decode()))
        except (ValueError, RecursionError):
            rows = [None]
        for row in rows:
            if not isinstance(row, dict):
                raise SettingsError(
                    f"{path}:{line.number}: not a JSON object: the recorded output must have one per line"
                )
            yield row


def _objects(text: str) -> Iterator[Any]:
    """The values of a line: a delivery stream that adds no line ends puts several records on one line."""
    decoder, text = json.JSONDecoder(), text.strip()
    position = 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        yield value
        while text[position : position + 1].isspace():
            position += 1


def _parity_json(parity: Parity) -> dict[str, Any]:
    return {name: getattr(parity, name) for name in Parity.__dataclass_fields__} | {"is_equal": parity.is_equal}


def _show_comparison(comparison: Comparison) -> None:
    click.echo(f"\ninput: {comparison.lines:,} lines, {comparison.unparsed:,} of them do not parse")
    if comparison.unparsed:
        click.echo(f"  {visible(comparison.reason, 200)}: is the recorded input what the application read?")
    if comparison.untimed:
        advice = "name the column with time_field under [source]"
        click.echo(f"  {comparison.untimed:,} do not say when they were logged: {advice}")
    for output, parity in comparison.outputs.items():
        _show(output, parity)
    if not any(parity.equal for parity in comparison.outputs.values()):
        click.echo("\nNothing is equal. Windows go by the time lines were logged: the recording must cover that time.")


def _show(output: str, parity: Parity) -> None:
    counts = ("equal", "different", "missing", "extra", "repeated", "edge")
    click.echo(f"\n{output}: " + ", ".join(f"{getattr(parity, name):,} {name}" for name in counts))
    for example in parity.examples:
        click.echo(f"  {visible(example, 200)}")
