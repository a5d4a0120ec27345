"""The options that describe the lines, shared by the commands that read logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from streamtally.cli.shared.completions import complete_format
from streamtally.errors import SettingsError

Command = TypeVar("Command", bound=Callable[..., Any])


NAMED_BY_FIELDS = ("csv", "tsv", "w3c", "vpc_flow", "cloudfront_realtime")


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What the command line says about the source; None: as in the pipeline."""

    format_name: str | None = None
    pattern: str | None = None
    fields: str | None = None
    time_field: str | None = None
    time_format: str | None = None

    @property
    def changes_fields(self) -> bool:
        """Whether lines have other fields than the pipeline says."""
        return self.format_name is not None or self.pattern is not None or self.fields is not None

    def apply(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """The source's settings, overridden by these. Raises: SettingsError: options that cannot be combined."""
        from streamtally.config.source import FORMATS_OWN
        from streamtally.formats import AUTO, find_format  # half the time of --help

        changed = dict(source)
        names = [name.strip() for name in (self.fields or "").split(",") if name.strip()]
        if self.fields is not None and self.pattern is None:
            if self.format_name not in NAMED_BY_FIELDS:
                raise SettingsError(
                    f"--fields needs --pattern, whose groups it names, or --format {', '.join(NAMED_BY_FIELDS)}"
                )
            changed["fields"] = names
        if self.pattern is not None:
            if self.format_name not in (None, "regex"):
                raise SettingsError(f"--pattern needs --format regex, not {self.format_name}")
            changed |= {"format": "regex", "pattern": self.pattern, "fields": names}
        elif self.format_name is not None:
            changed["format"] = self.format_name
            if self.format_name != AUTO and find_format(self.format_name).time_field and self.time_field is None:
                changed |= {"time_field": FORMATS_OWN, "time_format": None}
        if self.time_field is not None:
            changed |= {"time_field": self.time_field, "time_format": self.time_format or "auto"}
        elif self.time_format is not None:
            changed["time_format"] = self.time_format
        return changed


def format_options(command: Command) -> Command:
    """Add --format, --pattern and --fields."""
    for option in (
        click.option(
            "--fields",
            metavar="A,B,C",
            help="Names of the pattern's groups, or of the columns of csv, tsv, w3c, vpc_flow or cloudfront_realtime.",
        ),
        click.option("--pattern", metavar="RE", help="Regular expression that matches a whole line."),
        click.option(
            "--format",
            "format_name",
            metavar="F",
            shell_complete=complete_format,
            help="Format of the lines; default: the pipeline's, or auto.",
        ),
    ):
        command = option(command)
    return command


def time_options(command: Command) -> Command:
    """Add --time-field and --time-format."""
    for option in (
        click.option("--time-format", metavar="T", help="Format of that time: dd/MMM/yyyy:HH:mm:ss Z, iso8601, unix …"),
        click.option("--time-field", metavar="F", help="Field with the time at which a line was logged."),
    ):
        command = option(command)
    return command
