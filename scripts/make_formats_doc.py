"""Writes docs/formats.md from the formats themselves: python -m scripts.make_formats_doc [--rows]."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, Format, FormatOptions
from streamtally.formats.detect import detect
from streamtally.formats.role_names import COMMON, ROLE_TO_COLUMN
from streamtally.formats.roles import DEFAULT_BY, is_open, names_of
from streamtally.transform.payload_lines import split_lines, to_text

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "tests/unit/formats/samples"
_SAMPLED = [name for name in REGISTRY if name != "regex"]


def sample_lines(name: str) -> list[str]:
    """The lines of a format's sample."""
    return split_lines(to_text((SAMPLES / f"{name}.log").read_bytes()))


def rows_of(name: str) -> list[dict[str, Any]]:
    """The rows of a format's sample, in order."""
    parse = REGISTRY[name].compile(FormatOptions())
    rows: list[dict[str, Any]] = []
    for line in sample_lines(name):
        try:
            rows.append(parse(line))
        except FormatError as error:
            rows.append({"unparsed": line, "reason": error.reason})
    return rows


def confusion() -> dict[str, dict[str, int]]:
    """For each sample, how many of its lines fit each format."""
    return {name: {fit.format.name: fit.taken for fit in detect(sample_lines(name)).fits} for name in _SAMPLED}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _section(log_format: Format) -> str:
    parts = [f"### `{log_format.name}`", "", log_format.summary, f"Source: {log_format.source}."]
    if log_format.aliases:
        parts.append("Also called " + ", ".join(f"`{alias}`" for alias in log_format.aliases) + ".")
    if log_format.time_field:
        names = log_format.time_field if isinstance(log_format.time_field, tuple) else (log_format.time_field,)
        parts.append(f"Event time: {' and '.join(f'`{name}`' for name in names)} (`{log_format.time_format}`).")
    if roles := _roles(log_format):
        parts.append(roles)
    if log_format.fields:
        parts += ["", "| field | type | meaning |", "| --- | --- | --- |"]
        parts += [f"| `{field.name}` | {field.type} | {_cell(field.meaning)} |" for field in log_format.fields]
    for example in log_format.examples:
        row = json.dumps(example.row, ensure_ascii=False, indent=1)
        parts += ["", "```", example.line, "```", "", "```json", row, "```"]
    return "\n".join(parts)


def _roles(log_format: Format) -> str:
    """What the fields mean, in one sentence; empty if nothing is known of them."""
    if is_open(log_format):
        return "Roles: by the usual names (see above)."
    roles = names_of(log_format.roles)
    if not roles:
        return ""
    shown = [f"{role} " + " or ".join(f"`{name}`" for name in names) for role, names in roles.items()]
    counted_by = next((role for role in DEFAULT_BY if role in roles), None)
    counted = f"counted by {counted_by}" if counted_by else "nothing is counted by default"
    return f"Roles: {', '.join(shown)}; {counted}."


def _role_names_table() -> str:
    rows = ["| role | column | names, the first that a line has |", "| --- | --- | --- |"]
    for role, names in names_of(COMMON).items():
        column = f"`{ROLE_TO_COLUMN[role]}`" if role in ROLE_TO_COLUMN else ""
        rows.append(f"| {role} | {column} | {', '.join(f'`{name}`' for name in names)} |")
    return "\n".join(rows)


def _confusion_table() -> str:
    table = confusion()
    columns = [name for name in _SAMPLED if any(name in row for row in table.values())]
    head = "| sample | lines | detected | " + " | ".join(columns) + " |"
    rule = "|" + " --- |" * (len(columns) + 3)
    lines = []
    for name, row in table.items():
        lines_of = sample_lines(name)
        best = detect(lines_of).best
        counts = " | ".join(str(row.get(column, "")) for column in columns)
        lines.append(f"| `{name}` | {len(lines_of)} | {best.format.name if best else 'none'} | {counts} |")
    return "\n".join([head, rule, *lines])


def document() -> str:
    """The whole page."""
    text = (ROOT / "docs" / "formats.in.md").read_text()
    sections = "\n\n".join(map(_section, REGISTRY.values()))
    return (
        text.replace("<!-- roles -->", _role_names_table())
        .replace("<!-- confusion -->", _confusion_table())
        .replace("<!-- formats -->", sections)
    )


def main() -> None:
    """Write the page and, with ``--rows``, the rows of the samples (review the difference before committing it)."""
    if "--rows" in sys.argv:
        for name in _SAMPLED:
            rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows_of(name))
            (SAMPLES / f"{name}.jsonl").write_text(rows)
    (ROOT / "docs" / "formats.md").write_text(document())


if __name__ == "__main__":
    main()
