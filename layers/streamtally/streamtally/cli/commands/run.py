"""``streamtally run``: its options and its help; :mod:`streamtally.cli.run` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.aws_options import auth_option, json_option, profile_options
from streamtally.cli.shared.completions import complete_language
from streamtally.cli.shared.follow_options import follow_options
from streamtally.cli.shared.load_options import load_options
from streamtally.cli.shared.pipeline_option import pipeline_option
from streamtally.cli.shared.reference_options import reference_option
from streamtally.cli.shared.run_output import DEFAULT_OUT
from streamtally.cli.shared.source_options import format_options, time_options


@click.command("run")
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@format_options
@time_options
@pipeline_option
@follow_options
@click.option(
    "--by", "by_texts", multiple=True, metavar="FIELD[,FIELD]",
    help="Count rows per minute and these fields, instead of what a pipeline counts; shows the SQL for it.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help=f"Output folder.  [default: {DEFAULT_OUT}]"
)
@click.option("--lines-per-record", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
              help="Lines in each Firehose record.")  # fmt: skip
@click.option(
    "--arrival",
    type=click.Choice(["logged", "now"]),
    default="logged",
    show_default=True,
    help="Arrival time of a line: when it was logged, or now.",
)
@click.option("--workers", type=click.IntRange(min=1), metavar="N",
              help="Processes that read the logs; the result does not depend on it.  [default: the cores]")  # fmt: skip
@click.option("--no-report", is_flag=True, help="Write no report.html and count nothing for it, which is faster.")
@click.option("--duration-unit", type=click.Choice(["s", "ms", "us", "ns"]),
              help="Unit of the response times in the report, where the log's format does not state it.")  # fmt: skip
@click.option("--geoip", type=click.Path(path_type=Path), metavar="FILE.mmdb",
              help="Show the countries of clients in the report, by this MaxMind DB file.")  # fmt: skip
@click.option("--compare", metavar="LOG", help="Show another log, such as last week's, beside this one in the report.")
@click.option(
    "--lang",
    default="en",
    show_default=True,
    shell_complete=complete_language,
    help="Language of the report and of the live page: en or ja.",
)
@click.option("--opensearch", "url", help="Write the documents to this cluster instead of a DuckDB file.")
@auth_option
@load_options
@reference_option
@json_option
@profile_options
def command(**options: Any) -> int:
    """Run log files (plain or compressed; - is standard input) through the pipeline and show the counts.

    Writes log-bucket/ (the S3 side), log-summary.duckdb (the settled counts) and report.html to --out. Exit status 1:
    no row could be counted; what was not counted, and why, is on standard error.

    With --follow, LOG may also be a file that does not exist yet.

    Example: streamtally run access.log --out result
    """
    from streamtally.cli.run import execute

    return execute(**options)
