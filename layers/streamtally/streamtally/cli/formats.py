"""``streamtally formats``: every format with its fields, types and an example."""

from __future__ import annotations

import json

import click

from streamtally.formats import REGISTRY, Format, find_format


@click.command("formats")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the log formats; with NAME (also a directive, nginx:… or apache:…) one format's fields and an example.

    Example: streamtally formats nginx_error
    """
    if name is not None:
        _show(find_format(name))
        return
    width = max(len(each) for each in REGISTRY)
    for each in REGISTRY.values():
        click.echo(f"{each.name:{width}}  {each.summary}")
    click.echo(f"{'nginx:…':{width}}  The log_format directive of nginx.")
    click.echo(f"{'apache:…':{width}}  The LogFormat directive of Apache.")
    click.echo(f"{'auto':{width}}  Each line by its own looks (default).")


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
