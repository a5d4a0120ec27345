"""``streamtally detect``: which format fits a log, and where the other lines stop fitting."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import click

from streamtally.aws.clock import now_ms
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import echo_json
from streamtally.errors import SettingsError
from streamtally.formats.detect import COMBINED, SAME_LINE, Detection, Fit, Misfit, detect
from streamtally.formats.wrappers.addresses import mask_text
from streamtally.local.folder import BUNDLED_FOLDER, read_folder
from streamtally.local.likely_format import read_texts
from streamtally.local.log_meaning import LogMeaning, find_meaning
from streamtally.local.logs import STANDARD_INPUT, check_logs
from streamtally.local.wrapped_lines import WrappedFit, find_wrapped
from streamtally.text import counted, visible

_BEFORE_CHARS, _AFTER_CHARS = 60, 30


def execute(file: str, lines: int, anonymize: bool, as_json: bool) -> int:
    """Run ``streamtally detect``. Returns: the exit status. Raises: SettingsError."""
    check_logs([file])
    texts = read_texts(file, lines)
    shown = "standard input" if file == STANDARD_INPUT else file
    detection = detect(texts)
    if detection.lines == detection.empty:
        raise SettingsError(f"{shown}: no lines to detect a format from")
    wrapped, best = find_wrapped(texts), detection.best
    log_format = wrapped.format if wrapped else best.format if best else None
    meaning = None
    if log_format is not None:
        meaning = find_meaning(texts, log_format, file, read_folder(BUNDLED_FOLDER)["source"], now_ms())
    if anonymize:
        meaning = _mask_meaning(meaning, file) if meaning is not None else None
        for fit in detection.fits if not as_json else ():  # JSON has positions in the lines, and none of their text
            fit.misfits[:] = map(_mask_misfit, fit.misfits)
    if as_json:
        echo_json(_to_json(shown, detection, wrapped, meaning))
    elif wrapped is not None and meaning is not None:
        _explain_wrapped(shown, detection, wrapped, meaning)
    elif best is None or meaning is None:
        _explain_none(shown, detection)
    else:
        _explain(shown, detection, best, meaning)
    if wrapped is not None:
        return EXIT_FOUND if wrapped.taken < detection.lines - detection.empty else 0
    return EXIT_FOUND if best is None or best.missed else 0


def _mask_meaning(meaning: LogMeaning, file: str) -> LogMeaning:
    """The roles with masked names: a field of JSON may be called like an address. Commands with one do not work."""
    roles = {role: mask_text(name) for role, name in meaning.roles.items()}
    texts = {command: command.replace(shlex.quote(file), "") for command in meaning.commands}
    return replace(meaning, roles=roles, commands=[c for c, text in texts.items() if mask_text(text) == text])


def _mask_misfit(misfit: Misfit) -> Misfit:
    """The line without addresses, and the position in it: the same one, or the beginning of the address around it."""
    line, before = mask_text(misfit.line), mask_text(misfit.line[: misfit.position])
    unlike = (index for index, (one, other) in enumerate(zip(line, before, strict=False)) if one != other)
    return replace(misfit, line=line, reached=next(unlike, min(len(line), len(before))))


def _to_json(
    shown: str, detection: Detection, wrapped: WrappedFit | None, meaning: LogMeaning | None
) -> dict[str, Any]:
    best = wrapped or detection.best
    return {
        "file": shown,
        "lines": detection.lines,
        "empty": detection.empty,
        "format": best.format.name if best else None,
        "wrappers": list(wrapped.wrappers) if wrapped else [],
        "roles": dict(meaning.roles) if meaning else {},
        "counted_by": meaning.counted_by if meaning else None,
        "commands": list(meaning.commands) if meaning else [],
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
            for fit in detection.fits
        ],
    }


def _explain(shown: str, detection: Detection, best: Fit, meaning: LogMeaning) -> None:
    name = best.format.name
    rest = [counted(best.headers, "header line")] if best.headers else []
    rest += [f"{detection.empty:,} empty"] if detection.empty else []
    click.echo(
        f"{visible(shown)}: {name}{_server(detection, name)}, {best.taken:,} of {counted(detection.lines, 'line')}"
        + (f" ({', '.join(rest)})" if rest else "")
    )
    for fit in [fit for fit in detection.fits[1:] if {fit.format.name, name} != {COMBINED, SAME_LINE}][:3]:
        click.echo(f"  {fit.format.name} also fits {fit.taken} of them")
    _explain_meaning(meaning)
    if best.missed:
        click.echo(f"{best.missed:,} {'does' if best.missed == 1 else 'do'} not fit:")
        for misfit in best.misfits:
            _show(misfit)


def _explain_wrapped(shown: str, detection: Detection, wrapped: WrappedFit, meaning: LogMeaning) -> None:
    around = " in ".join(reversed(wrapped.wrappers))
    click.echo(
        f"{visible(shown)}: {wrapped.format.name} in {around}, {wrapped.taken:,} of {counted(detection.lines, 'line')}"
    )
    _explain_meaning(meaning)
    if missed := detection.lines - detection.empty - wrapped.taken:
        click.echo(f"{counted(missed, 'line')} {'is' if missed == 1 else 'are'} of another format, or of none")


def _explain_meaning(meaning: LogMeaning) -> None:
    """Print the roles, what is counted by default, and what to run next."""
    for role, name in meaning.roles.items():
        click.echo(f"  {role}: {visible(name, _BEFORE_CHARS)}")
    if meaning.counted_by is not None:
        by = f"{meaning.counted_by} ({visible(meaning.roles.get(meaning.counted_by, meaning.counted_by))})"
        click.echo(f"counted by default: rows per minute and {by}")
    elif meaning.has_time:
        click.echo("counted by default: nothing, because no row has a status or a level; choose a field with --by")
    else:
        click.echo("counted by default: nothing, because no row has a time; name its field with --time-field")
    for command in meaning.commands:
        click.echo(f"  {visible(command)}")


def _server(detection: Detection, name: str) -> str:
    """What distinguishes nginx's default format from Apache's combined format, which look the same."""
    if detection.sign is not None:
        return f" ({detection.sign.what} in line {detection.sign.number} shows it)"
    return " (same as nginx's default)" if name == COMBINED else ""


def _explain_none(shown: str, detection: Detection) -> None:
    click.echo(f"{visible(shown)}: no format fits {counted(detection.lines - detection.empty, 'line')}")
    for fit in detection.fits[:3]:
        how = f"fits {fit.taken} of them" if fit.taken else "is the closest"
        click.echo(f"  {fit.format.name} {how}")
        for misfit in fit.misfits[:1]:
            _show(misfit)
    click.echo("Describe the format with format = 'nginx:…', 'apache:…', 'haproxy:…' or 'regex' (docs/formats.md).")


def _show(misfit: Misfit) -> None:
    """Print the line around the position, with an arrow under it."""
    begin = max(misfit.position - _BEFORE_CHARS, 0)
    head = visible(misfit.line[begin : misfit.position], 4 * _BEFORE_CHARS)
    tail = visible(misfit.line[misfit.position :], _AFTER_CHARS)
    click.echo(f"  line {misfit.number}, character {misfit.position + 1}: {misfit.reason}")
    click.echo(f"    {'…' if begin else ''}{head}{tail}")
    click.echo(f"    {' ' * (len(head) + bool(begin))}^")
