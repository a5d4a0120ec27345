"""A plan on the terminal: explained, or as JSON."""

from __future__ import annotations

import json
from typing import Any

import click


def print_plan(plan: dict[str, Any], notes: list[str], check: bool, explain: bool) -> None:
    """Explain a plan, or print it as JSON with its notes on standard error; with ``check``, print the notes only."""
    if explain:
        show_explanation(plan, {}, notes)
        return
    for note in notes:
        click.echo(f"note: {note}", err=True)
    if not check:
        click.echo(json.dumps(plan, indent=2, ensure_ascii=False))


def show_explanation(plan: dict[str, Any], outputs: dict[str, Any], notes: list[str]) -> None:
    """Print ``--explain``."""
    from streamtally.sql.explain import explain

    for line in explain(plan, outputs, notes):
        click.echo(line)
