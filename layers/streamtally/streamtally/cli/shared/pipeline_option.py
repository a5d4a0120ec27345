"""``--pipeline``, for every command that runs a pipeline."""

from __future__ import annotations

from pathlib import Path

import click

pipeline_option = click.option(
    "--pipeline",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Pipeline folder; default: the current folder if it has a pipeline.toml, else the bundled one.",
)
"""``--pipeline``, passed to the command as ``folder``."""
