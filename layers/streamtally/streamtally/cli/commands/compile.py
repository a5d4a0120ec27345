"""``streamtally compile``: its options and its help; :mod:`streamtally.cli.compile` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.completions import complete_format


@click.command("compile")
@click.argument("source", type=click.Path(path_type=Path), required=False, metavar="[DIR|FILE]")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if DIR/pipeline.json is out of date.")
@click.option("--explain", is_flag=True, help="Explain what runs where and what may differ; write nothing.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the application in FILE as a pipeline folder, or with --to flink the files.",
)
@click.option("--to", "target", type=click.Choice(["flink"]), help="Generate Flink SQL instead of a plan.")
@click.option("--application", "name", metavar="NAME", help="Which application of a template with several.")
@click.option("--without", multiple=True, metavar="PUMP", help="Leave out a pump and compile the rest; repeatable.")
@click.option(
    "--format",
    "format_name",
    metavar="NAME",
    shell_complete=complete_format,
    help="The format of the lines that a single program reads.",
)
@click.option(
    "--anomaly-detector", "detects", is_flag=True, help="Also write what RANDOM_CUT_FOREST becomes in OpenSearch."
)
@click.option("--sample", metavar="LOG", help="Also warn of what in DIR/pipeline.toml fits no line of this log.")
def command(**options: Any) -> int:
    """Compile a pipeline folder, a program, or an application as AWS describes it.

    \b
    DIR         pipeline.toml and .sql files: writes DIR/pipeline.json;
                default: the current folder. Exit status 1 if --sample
                found something
    FILE.sql    a single program: prints its plan, and columns to paste
    FILE.json   output of describe-application, or a CloudFormation
    FILE.yaml   template: prints its plan; with --out writes a pipeline folder

    Example: streamtally compile layers/pipeline/pipeline --explain
    """
    from streamtally.cli.compile import execute

    return execute(**options)
