"""The options of ``run --follow``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def follow_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that can follow logs."""
    for option in reversed((
        click.option("--follow", "-f", is_flag=True,
                     help="Go on with lines as they are written, through rotation, until Ctrl-C."),
        click.option("--from-end", is_flag=True, help="With --follow: leave out the lines that the logs have already."),
        click.option("--interval", type=click.FloatRange(0.2, 3600), metavar="SECONDS",
                     help="With --follow: how often the view is drawn (2), or a line printed without a terminal (10)."),
        click.option("--page", type=click.IntRange(0, 65535), metavar="PORT",
                     help="With --follow: serve a live page on this port of 127.0.0.1; 0 picks a free one."),
    )):  # fmt: skip
        command = option(command)
    return command
