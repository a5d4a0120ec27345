"""Applications as AWS describes them: read one, compile it, write it as a pipeline folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import yaml

from streamtally.cli.shared.files import write_new_files
from streamtally.cli.shared.plan_output import print_plan, show_explanation
from streamtally.definition import define_pipeline
from streamtally.errors import SettingsError
from streamtally.local.folder import COMPILED, DEFINITION, encode_document, read_marked_text
from streamtally.local.programs import Compiled, compile_source
from streamtally.migrate.application import Application, make_definition
from streamtally.migrate.applications import read_applications
from streamtally.migrate.templates import with_output_names
from streamtally.migrate.terraform import HCL_REFUSED, is_terraform, to_template
from streamtally.text import one_line

PROGRAM = "program.sql"


def compile_application(
    path: Path, check: bool, explain: bool, out: Path | None, name: str | None, without: Sequence[str] = ()
) -> int:
    """Compile the application in a file; with ``out``, write it as a pipeline folder. Raises: SettingsError."""
    try:
        document = read_document(path)
        if isinstance(document, dict) and isinstance(document.get("Resources"), dict):
            document = with_output_names(document)
        application = choose(read_applications(document), name)
        application.without += without
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None
    definition = make_definition(application)
    for left in application.left:
        click.echo(f"not carried over: {left}", err=True)
    compiled = compile_source(application.name, application.sql, definition, bind=bool(application.outputs))
    if out is None:
        print_plan(compiled.plan, compiled.program.notes, check, explain)
        return 0
    _write_folder(out, application, definition, compiled, explain)
    return 0


def choose(applications: list[Application], name: str | None) -> Application:
    """The application with a name, or the only one. Raises: SettingsError."""
    names = ", ".join(application.name for application in applications)
    if name is None and len(applications) == 1:
        return applications[0]
    for application in applications:
        if application.name == name:
            return application
    raise SettingsError(f"the applications are {names}: choose one with --application")


def read_document(path: Path) -> Any:
    """JSON or YAML, with CloudFormation's short tags in their long form; Terraform's JSON as a template.

    Raises: SettingsError.
    """
    if path.suffix.lower() == ".tf":
        raise SettingsError(HCL_REFUSED)
    text = read_marked_text(path)
    if path.suffix.lower() in (".json", ".tfstate"):
        try:
            document = json.loads(text)
            return to_template(document) if is_terraform(document) else document
        except (ValueError, RecursionError) as error:
            raise SettingsError(f"is not JSON: {error}") from None
    try:
        return yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader with tags that make plain dicts)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SettingsError(f"is not YAML: {one_line(error)}") from None


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, with CloudFormation's tags such as ``!Sub``."""


def _short_tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    return {name: None}


_Loader.add_multi_constructor("!", _short_tag)


def _write_folder(out: Path, application: Application, definition: str, compiled: Compiled, explain: bool) -> None:
    if not application.outputs:
        names = ", ".join(compiled.program.streams)
        raise SettingsError(
            f"the application has no output: add one of {names} to its description, or write a {DEFINITION}"
        )
    files = {DEFINITION: definition, PROGRAM: application.sql.rstrip() + "\n"}
    document = define_pipeline(definition, compiled.plan, ZoneInfo)
    for path in write_new_files(out, {**files, COMPILED: encode_document(document)}):
        click.echo(str(path))
    if explain:
        show_explanation(compiled.plan, document["outputs"], compiled.program.notes)
