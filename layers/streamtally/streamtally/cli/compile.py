"""``streamtally compile``: a pipeline folder → the ``pipeline.json`` that the functions read."""

from __future__ import annotations

from pathlib import Path

import click

from streamtally.errors import SettingsError
from streamtally.local.folder import COMPILED, DEFAULT_FOLDER, encode_document, read_folder, read_text


@click.command("compile")
@click.argument("folder", type=click.Path(path_type=Path), required=False, metavar="[DIR]")
@click.option("--check", is_flag=True, help="Write nothing; exit status 1 if pipeline.json is not what DIR makes.")
def command(folder: Path | None, check: bool) -> int:
    """Make DIR/pipeline.json from DIR/pipeline.toml and its program.

    Example: streamtally compile layers/pipeline/pipeline
    """
    folder = folder or DEFAULT_FOLDER
    text = encode_document(read_folder(folder))
    path = folder / COMPILED
    if check:
        if not path.exists() or read_text(path) != text:
            click.echo(f"{path} is not what {folder} makes: run streamtally compile {folder}", err=True)
            return 1
        return 0
    write_atomically(path, text)
    click.echo(f"{path}")
    return 0


def write_atomically(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises: SettingsError."""
    staged = path.with_name(f".{path.name}.new")
    try:
        staged.write_text(text, encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from None
