"""``streamtally migrate``: its options and its help; :mod:`streamtally.cli.migrate` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.aws_options import aws_options, json_option
from streamtally.cli.shared.reference_options import reference_option


@click.command("migrate")
@click.argument("source")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Pipeline folder to create.")
@click.option("--application", "name", metavar="NAME", help="Which application of a template with several.")
@click.option("--parity", nargs=2, type=click.Path(exists=True, dir_okay=False), metavar="INPUT OUTPUT",
              help="Compare with what the old application made of INPUT: OUTPUT, as JSON lines.")  # fmt: skip
@click.option("--to", "target", type=click.Choice(["flink"]),
              help="Also report where each pump runs, and write Flink SQL into the folder flink of --out.")  # fmt: skip
@reference_option
@json_option
@aws_options
def command(**options: Any) -> int:
    """Convert SOURCE to a pipeline folder, and report what is equal, what differs and what is not carried over.

    SOURCE is an application's name, its description as JSON, a CloudFormation template, Terraform's JSON or a .sql
    file. Exit status 1: --parity found rows that differ.

    Example: streamtally migrate log-aggregation-app --out pipelines/log-aggregation
    """
    from streamtally.cli.migrate import execute

    return execute(**options)
