"""``streamtally cost``: its options and its help; :mod:`streamtally.cli.cost` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.aws_options import aws_options, json_option
from streamtally.cli.shared.pipeline_option import pipeline_option
from streamtally.cli.shared.source_options import format_options, time_options


@click.command("cost")
@click.argument("log", metavar="LOG")
@format_options
@time_options
@pipeline_option
@click.option(
    "--lines-a-day", type=click.FloatRange(min=1, max=1e12), metavar="N",
    help="Lines a day.  [default: as the log's own times give it]",
)  # fmt: skip
@click.option("--stream", metavar="NAME", help="Take lines a day and a record from this stream's last seven days.")
@click.option(
    "--lines-a-record", type=click.FloatRange(min=1, max=100_000), metavar="N",
    help="Lines in each Firehose record.  [default: 1, or the stream's]",
)  # fmt: skip
@click.option(
    "--prices", "price_file", type=click.Path(path_type=Path), metavar="FILE",
    help="Prices of your own, as TOML, for another region or in place of the package's.",
)  # fmt: skip
@json_option
@aws_options
def command(**options: Any) -> None:
    """Run the pipeline over LOG as a sample, and show what a month of it costs in AWS, by part.

    Measured, priced and assumed numbers are listed apart, with the two changes that save most, what other services
    would bill, and the rate at which settling no longer keeps up. Prices are those of the package's price file,
    with those of --prices.

    Example: streamtally cost access.log --lines-a-day 10000000
    """
    from streamtally.cli.cost import execute

    execute(**options)
