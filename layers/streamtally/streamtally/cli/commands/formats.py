"""``streamtally formats``: its options and its help; :mod:`streamtally.cli.formats` does the work."""

from __future__ import annotations

from typing import Any

import click

from streamtally.cli.shared.aws_options import json_option
from streamtally.cli.shared.completions import complete_format


@click.command("formats")
@click.argument("name", required=False, shell_complete=complete_format)
@json_option
def command(**options: Any) -> None:
    """List the log formats; with NAME (or a directive, nginx:…, apache:… or haproxy:…), show its fields and an example.

    Example: streamtally formats nginx_error
    """
    from streamtally.cli.formats import execute

    execute(**options)
