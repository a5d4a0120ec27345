"""``streamtally local``: its options and its help; :mod:`streamtally.cli.local` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.aws_options import auth_option, aws_options
from streamtally.cli.shared.completions import complete_language
from streamtally.cli.shared.pipeline_option import pipeline_option
from streamtally.cli.shared.reference_options import reference_option

DEFAULT_PORT = 4573
DEFAULT_STORE = Path("streamtally-local")


@click.command("local")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; beyond loopback, anyone can send records.",
)
@click.option(
    "--allow-host", "names", multiple=True, metavar="NAME", help="Additional host name to accept in requests."
)
@click.option("--tls-certificate", type=click.Path(path_type=Path), metavar="PEM",
              help="Certificate, for clients that only speak TLS: the address is https:// then.")  # fmt: skip
@click.option("--tls-key", type=click.Path(path_type=Path), metavar="PEM",
              help="Private key of the certificate, unencrypted.  [default: in the certificate's file]")  # fmt: skip
@click.option("--opensearch", "url", help="Write the documents to this cluster instead of the embedded store.")
@auth_option
@click.option("--store", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT_STORE, show_default=True,
              help="Folder for state and delivered objects.")  # fmt: skip
@click.option("--bucket", metavar="s3://BUCKET/PREFIX", help="Bucket for the S3 side, instead of a folder in --store.")
@click.option(
    "--failed-bucket",
    metavar="s3://BUCKET/PREFIX",
    help="Bucket for rejected documents, instead of a folder in --store.",
)
@pipeline_option
@click.option(
    "--function",
    "function_url",
    help="URL of a function in sam local start-lambda, to call instead of the built-in one.",
)
@click.option(
    "--stream", "stream_names", multiple=True, metavar="NAME",
    help="Delivery stream that takes lines.  [default: log-ingestion-stream, and the first other one put to]",
)  # fmt: skip
@click.option(
    "--interval", type=click.FloatRange(0.1, 900), default=2.0, show_default=True, help="Buffer interval, in seconds."
)
@click.option(
    "--lang", default="en", show_default=True, shell_complete=complete_language, help="Language of the page: en or ja."
)
@reference_option
@aws_options
def command(**options: Any) -> None:
    """Run a Firehose simulator with the transform and the summary stream. Ctrl-C stops it.

    Point an agent at it: it takes the name of any delivery stream. Open its address in a browser to see what arrived
    and the counts; GET / (counters), /counts and /ledger return them as JSON.

    Example: streamtally local --port 4573 --store state
    """
    from streamtally.cli.local import execute

    execute(**options)
