"""``streamtally formats``: every format with its fields, types and an example."""

from __future__ import annotations

import json
from typing import Any

import click

from streamtally.cli.shared.aws_options import echo_json, json_option
from streamtally.formats import REGISTRY, Format, find_format


@click.command("formats")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the log formats; with NAME (also a directive, nginx:… or apache:…) one format's fields and an example.

    Example: streamtally formats nginx_error
    """
    if as_json:
        echo_json(_to_json(find_format(name)) if name is not None else [_to_json(each) for each in REGISTRY.values()])
        return
    if name is not None:
        _show(find_format(name))
        return
    width = max(len(each) for each in REGISTRY)
    for each in REGISTRY.values():
        click.echo(f"{each.name:{width}}  {each.summary}")
    click.echo(f"{'nginx:…':{width}}  The log_format directive of nginx.")
    click.echo(f"{'apache:…':{width}}  The LogFormat directive of Apache.")
    click.echo(f"{'auto':{width}}  Each line by its own looks (default).")


def _to_json(each: Format) -> dict[str, Any]:
    return {
        "name": each.name,
        "summary": each.summary,
        "aliases": list(each.aliases),
        "source": each.source,
        "time_field": each.time_field,
        "time_format": each.time_format,
        "fields": [{"name": field.name, "type": field.type, "meaning": field.meaning} for field in each.fields],
        "examples": [{"line": example.line, "row": example.row} for example in each.examples],
    }


def _show(each: Format) -> None:
    click.echo(f"{each.name}: {each.summary}\nSource: {each.source}")
    if each.aliases:
        click.echo(f"Also called: {', '.join(each.aliases)}")
    if isinstance(each.time_field, tuple):
        click.echo(f"Time: {' and '.join(each.time_field)} ({each.time_format})")
    elif each.time_field:
        click.echo(f"Time: {each.time_field} ({each.time_format})")
    if each.fields:
        width = max(len(field.name) for field in each.fields)
        click.echo("\nFields:")
        for field in each.fields:
            click.echo(f"  {field.name:{width}}  {field.type:7}  {field.meaning}")
    for example in each.examples[:1]:
        click.echo(f"\nExample:\n  {example.line}\n  {json.dumps(example.row, ensure_ascii=False)}")
