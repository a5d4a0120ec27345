"""``--reference`` of the commands that read rows: a file in place of a reference table's object in S3."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamtally.aws.clients import Aws
from streamtally.errors import SettingsError
from streamtally.text import visible

if TYPE_CHECKING:
    from streamtally.transform.pipeline import Pipeline

reference_option = click.option(
    "--reference",
    "references",
    multiple=True,
    metavar="NAME=FILE",
    help="Read a reference table from this file instead of S3; repeatable.",
)
"""``--reference``, passed to the command as ``references``."""


def open_pipeline(document: Mapping[str, Any], references: tuple[str, ...], aws: Aws | None = None) -> Pipeline:
    """A pipeline that can read rows, with the content of its reference tables.

    Args: references: the values of ``--reference``.
    Raises: SettingsError: a file or an object cannot be read, or what is in it is wrong.
    """
    # Not at the top: the option is also in the help of commands.
    from zoneinfo import ZoneInfo

    from streamtally.aws.reference_objects import check_total, read_from, read_objects
    from streamtally.transform.pipeline import load_pipeline, read_references

    settings = read_references(document)
    in_s3 = {name: table for name, table in settings.items() if table.in_s3}
    given = dict(_read_option(text, in_s3) for text in references)
    if not in_s3:
        return load_pipeline(document, ZoneInfo)
    others = {name: table for name, table in in_s3.items() if name not in given}
    source = aws or Aws()
    try:
        objects = {**given, **read_objects(others, read_from(lambda: source.client("s3")))}
    except SettingsError as error:
        raise SettingsError(f"{error}; or pass --reference {visible(min(others, default=''), 60)}=FILE") from None
    check_total(objects)
    return load_pipeline(document, ZoneInfo, objects)


def _read_option(text: str, in_s3: Mapping[str, Any]) -> tuple[str, bytes]:
    from streamtally.config.read import unknown_name
    from streamtally.config.reference import MAX_OBJECT_BYTES

    name, equals, path = text.partition("=")
    if not equals or not path:
        raise SettingsError(f"--reference {visible(text, 120)}: write NAME=FILE")
    if name not in in_s3:
        raise SettingsError(f"--reference: {unknown_name('table', name, in_s3)}" if in_s3 else _NONE_IN_S3)
    try:
        with Path(path).open("rb") as file:
            return name, file.read(MAX_OBJECT_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"--reference {visible(text, 120)}: cannot be read: {error.strerror}") from None


_NONE_IN_S3 = "--reference: the pipeline has no reference table in S3"
