"""``streamtally compile``: SQL of Kinesis Analytics, alone or in a pipeline folder → what the functions read."""

from __future__ import annotations

from pathlib import Path

import click

from streamtally.cli.shared.files import write_atomically
from streamtally.cli.shared.plan_output import print_plan, show_explanation
from streamtally.errors import SettingsError
from streamtally.local.folder import COMPILED, DEFAULT_FOLDER, encode_document, read_compiled, read_text


@click.command("compile")
@click.argument("source", type=click.Path(path_type=Path), required=False, metavar="[DIR|FILE]")
@click.option("--check", is_flag=True, help="Write nothing; exit status 1 if DIR/pipeline.json is not what DIR makes.")
@click.option("--explain", is_flag=True, help="Print what happens where, and what may differ; write nothing.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write FILE, an application, as a pipeline folder."
)
@click.option("--application", "name", metavar="NAME", help="Which one, where a template has several.")
def command(source: Path | None, check: bool, explain: bool, out: Path | None, name: str | None) -> int:
    """Compile a pipeline folder, a program, or an application as AWS describes it.

    \b
    DIR         pipeline.toml and .sql files: makes DIR/pipeline.json
    FILE.sql    a program alone: prints its plan
    FILE.json   an application of describe-application, or a CloudFormation
    FILE.yaml   template: prints its plan; with --out makes a pipeline folder

    Example: streamtally compile layers/pipeline/pipeline --explain
    """
    source = source or DEFAULT_FOLDER
    if source.is_dir() or not source.suffix:
        if out is not None:
            raise SettingsError("--out goes with an application's file: a folder is compiled in its place")
        return _compile_folder(source, check, explain)
    if source.suffix.lower() == ".sql":
        if out is not None:
            raise SettingsError(f"--out goes with an application's file: put {source.name} beside a pipeline.toml")
        return _compile_program(source, check, explain)
    from streamtally.cli.shared.applications import compile_application  # reads YAML, which the other sources need not

    status: int = compile_application(source, check, explain, out, name)
    return status


def _compile_folder(folder: Path, check: bool, explain: bool) -> int:
    compiled = read_compiled(folder)
    if explain:
        show_explanation(compiled.document["plan"], compiled.document["outputs"], compiled.notes)
        return 0
    path, text = folder / COMPILED, encode_document(compiled.document)
    for note in compiled.notes:
        click.echo(f"note: {note}", err=True)
    if check:
        if not path.exists() or read_text(path) != text:
            click.echo(f"{path} is not what {folder} makes: run streamtally compile {folder}", err=True)
            return 1
        return 0
    write_atomically(path, text)
    click.echo(f"{path}")
    return 0


def _compile_program(path: Path, check: bool, explain: bool) -> int:
    from streamtally.local.programs import compile_files  # loads sqlglot

    compiled = compile_files([path], None)
    print_plan(compiled.plan, compiled.program.notes, check, explain)
    return 0
