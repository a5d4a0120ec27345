"""A report's data as JSON: in ``run --json``, and in the run's DuckDB file, from which the page can be made again."""

from __future__ import annotations

from typing import Any

import msgspec

from streamtally.errors import SettingsError
from streamtally.report.data import ReportData


def report_json(data: ReportData) -> dict[str, Any]:
    """All that the page shows, as JSON values; numbers that JSON does not have are null."""
    shown: dict[str, Any] = msgspec.json.decode(encode_report(data))
    return shown


def encode_report(data: ReportData) -> str:
    """The data as text. Half of a surrogate pair, which UTF-8 does not have, is written out, as on the page."""
    try:
        return msgspec.json.encode(data).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_writable(msgspec.to_builtins(data))).decode()


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_writable(name): _writable(member) for name, member in value.items()}
    return [_writable(item) for item in value] if isinstance(value, list | tuple) else value


def decode_report(text: str) -> ReportData:
    """The inverse of :func:`encode_report`. Raises: SettingsError: the text is not a report of this version."""
    try:
        return msgspec.json.decode(text, type=ReportData)
    except msgspec.DecodeError as error:
        raise SettingsError(f"not a report of this version: {error}") from None
