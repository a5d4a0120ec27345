"""``streamtally detect``: which format fits a log, and where the lines that do not fit end."""

from __future__ import annotations

from itertools import islice
from typing import Any

import click

from streamtally.cli.shared.aws_options import echo_json, json_option
from streamtally.errors import SettingsError
from streamtally.formats.detect import COMBINED, SAME_LINE, Detection, Fit, Misfit, detect
from streamtally.local.logs import STANDARD_INPUT, check_logs, read_log
from streamtally.text import visible
from streamtally.transform.records import to_text

_BEFORE_CHARS, _AFTER_CHARS = 60, 30


@click.command("detect")
@click.argument("file", default=STANDARD_INPUT, metavar="[FILE]")
@click.option("--lines", type=click.IntRange(min=1), default=10_000, show_default=True, help="How many lines to read.")
@json_option
def command(file: str, lines: int, as_json: bool) -> int:
    """Say which format fits FILE (else standard input), for how many lines, and where the first others stop to fit.

    The exit status is 1 if some lines do not fit.

    Example: streamtally detect access.log
    """
    check_logs([file])
    texts = [to_text(line.data.removesuffix(b"\n").removesuffix(b"\r")) for line in islice(read_log(file), lines)]
    shown = "standard input" if file == STANDARD_INPUT else file
    found = detect(texts)
    if found.lines == found.empty:
        raise SettingsError(f"{shown}: no lines to tell a format by")
    if as_json:
        echo_json(_to_json(shown, found))
    elif found.best is None:
        _explain_none(shown, found)
    else:
        _explain(shown, found, found.best)
    return 1 if found.best is None or found.best.missed else 0


def _to_json(shown: str, found: Detection) -> dict[str, Any]:
    return {
        "file": shown,
        "lines": found.lines,
        "empty": found.empty,
        "format": found.best.format.name if found.best else None,
        "fits": [
            {
                "format": fit.format.name,
                "taken": fit.taken,
                "missed": fit.missed,
                "headers": fit.headers,
                "misfits": [
                    {"line": misfit.number, "character": misfit.position + 1, "reason": misfit.reason}
                    for misfit in fit.misfits
                ],
            }
            for fit in found.fits
        ],
    }


def _explain(shown: str, found: Detection, best: Fit) -> None:
    name = best.format.name
    rest = [f"{count} {what}" for count, what in ((best.headers, "header lines"), (found.empty, "empty")) if count]
    click.echo(
        f"{visible(shown)}: {name}{_server(found, name)}, {best.taken} of {found.lines} lines"
        + (f" ({', '.join(rest)})" if rest else "")
    )
    for fit in [fit for fit in found.fits[1:] if {fit.format.name, name} != {COMBINED, SAME_LINE}][:3]:
        click.echo(f"  {fit.format.name} takes {fit.taken} of them too")
    if best.missed:
        click.echo(f"{best.missed} do not fit:")
        for misfit in best.misfits:
            _show(misfit)


def _server(found: Detection, name: str) -> str:
    """What tells nginx's default line from Apache's combined line, which are the same."""
    if found.sign is not None:
        return f" ({found.sign.what} in line {found.sign.number} says so)"
    return " (nginx's default is the same)" if name == COMBINED else ""


def _explain_none(shown: str, found: Detection) -> None:
    click.echo(f"{visible(shown)}: no format fits {found.lines - found.empty} lines")
    for fit in found.fits[:3]:
        how = f"takes {fit.taken} of them" if fit.taken else "comes nearest"
        click.echo(f"  {fit.format.name} {how}")
        for misfit in fit.misfits[:1]:
            _show(misfit)
    click.echo("Describe them by format = 'nginx:…', 'apache:…' or 'regex' (docs/formats.md).")


def _show(misfit: Misfit) -> None:
    """The line around the place, and an arrow below the place."""
    begin = max(misfit.position - _BEFORE_CHARS, 0)
    head = visible(misfit.line[begin : misfit.position], 4 * _BEFORE_CHARS)
    tail = visible(misfit.line[misfit.position :], _AFTER_CHARS)
    click.echo(f"  line {misfit.number}, character {misfit.position + 1}: {misfit.reason}")
    click.echo(f"    {'…' if begin else ''}{head}{tail}")
    click.echo(f"    {' ' * (len(head) + bool(begin))}^")
