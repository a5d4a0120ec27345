"""``streamtally query``: its options and its help; :mod:`streamtally.cli.query` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.aws_options import json_option
from streamtally.cli.shared.run_output import DATABASE, DEFAULT_OUT


@click.command("query")
@click.argument("sql", metavar="SQL")
@click.option("--file", type=click.Path(path_type=Path), default=DEFAULT_OUT / DATABASE, show_default=True,
              help="The DuckDB file of a run.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N",
              help="Rows of the table; --json prints all.")  # fmt: skip
@json_option
def command(**options: Any) -> int:
    """Ask the DuckDB file of a run in SQL: its outputs by their index, and what the report counted.

    The file is opened to read only, and no other file is reached. SHOW ALL TABLES lists the tables.

    Example: streamtally query "SELECT text, count FROM report.lists WHERE list = 'not_found'"
    """
    from streamtally.cli.query import execute

    return execute(**options)
