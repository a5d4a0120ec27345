"""``streamtally formats``: every format with its fields, types and an example."""

from __future__ import annotations

import json
from typing import Any

import click

from streamtally.cli.shared.aws_options import echo_json
from streamtally.formats import REGISTRY, Format, find_format


def execute(name: str | None, as_json: bool) -> None:
    """Run ``streamtally formats``. Raises: SettingsError: an option cannot be used."""
    if as_json:
        echo_json(
            _to_json(find_format(name)) if name is not None else [_to_json(format_) for format_ in REGISTRY.values()]
        )
        return
    if name is not None:
        _show(find_format(name))
        return
    width = max(map(len, REGISTRY))
    for format_ in REGISTRY.values():
        click.echo(f"{format_.name:{width}}  {format_.summary}")
    click.echo(f"{'nginx:…':{width}}  A log_format directive of nginx.")
    click.echo(f"{'apache:…':{width}}  A LogFormat directive of Apache.")
    click.echo(f"{'haproxy:…':{width}}  A log-format directive of HAProxy.")
    click.echo(f"{'auto':{width}}  Detected for each line (default).")


def _to_json(format_: Format) -> dict[str, Any]:
    return {
        "name": format_.name,
        "summary": format_.summary,
        "aliases": list(format_.aliases),
        "source": format_.source,
        "time_field": format_.time_field,
        "time_format": format_.time_format,
        "fields": [{"name": field.name, "type": field.type, "meaning": field.meaning} for field in format_.fields],
        "examples": [{"line": example.line, "row": example.row} for example in format_.examples],
    }


def _show(format_: Format) -> None:
    click.echo(f"{format_.name}: {format_.summary}\nSource: {format_.source}")
    if format_.aliases:
        click.echo(f"Also called: {', '.join(format_.aliases)}")
    if isinstance(format_.time_field, tuple):
        click.echo(f"Time: {' and '.join(format_.time_field)} ({format_.time_format})")
    elif format_.time_field:
        click.echo(f"Time: {format_.time_field} ({format_.time_format})")
    if format_.fields:
        width = max(len(field.name) for field in format_.fields)
        click.echo("\nFields:")
        for field in format_.fields:
            click.echo(f"  {field.name:{width}}  {field.type:7}  {field.meaning}")
    for example in format_.examples[:1]:
        click.echo(f"\nExample:\n  {example.line}\n  {json.dumps(example.row, ensure_ascii=False)}")
