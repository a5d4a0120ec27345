"""The converters of ``dataProcessingOptions``: each converts a record's text for the next one.

Source: the conformance table in tests/system/conformance, made by running the agent (2.0.13).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from streamtally.agent.java_text import in_hash_order, to_json
from streamtally.agent.log_formats import LOG_FORMATS
from streamtally.agent.options import AgentOptionsError, Options, choice, is_pretty, names_of, text_of
from streamtally.errors import JavaSyntaxError, PatternLimitError
from streamtally.patterns.java_regex import JavaPattern

Converter = Callable[[str, datetime | None], str]
"""Record text and the current time (which only ADDMETADATA with a timestamp needs) → record text."""


class LineSkippedError(Exception):
    """The agent sends nothing for this record; the text is a short, stable reason."""


class ConversionError(Exception):
    """A converter fails: the agent sends the record unmodified. The text is a short, stable reason."""


def _without_line_end(text: str) -> str:
    return text[:-1] if text.endswith("\n") else text


def _object(names: list[str | None], values: list[str | None], pretty: bool) -> str:
    if None in names:
        raise ConversionError("a field name is null")
    fields = {str(name): values[index] if index < len(values) else None for index, name in enumerate(names)}
    return to_json(fields, pretty) + "\n"


def log_to_json(options: Options) -> Converter:
    """LOGTOJSON: a pattern's groups as a JSON object."""
    fields_of, pretty = log_fields(options), is_pretty(options)

    def convert(text: str, now: datetime | None) -> str:
        return to_json(fields_of(_without_line_end(text)), pretty) + "\n"

    return convert


def log_fields(options: Options) -> Callable[[str], dict[str, str | None]]:
    """The fields of LOGTOJSON's object: a function of a line without its line end.

    The function raises LineSkippedError, ConversionError.
    """
    known = LOG_FORMATS[choice("logFormat", options.get("logFormat"), tuple(LOG_FORMATS))]
    names = names_of(options)
    groups: Callable[[str], Sequence[str | None] | None]
    if options.get("matchPattern") is not None:
        if names is None:
            raise AgentOptionsError("agent options: LOGTOJSON with a matchPattern needs customFieldNames")
        pattern = JavaPattern(text_of(options["matchPattern"]))
        groups, group_count = pattern.groups, pattern.group_count
    else:
        names = list(known.fields) if names is None else names
        group_count = len(known.fields)
        if len(names) != group_count:
            raise AgentOptionsError(
                f"agent options: {options['logFormat']} has {group_count} fields, customFieldNames {len(names)}"
            )
        groups = _builtin_groups(known.pattern.fullmatch)
    keys, has_null = list(map(str, names)), None in names

    def fields_of(text: str) -> dict[str, str | None]:
        try:
            values = groups(text)
        except PatternLimitError:
            raise LineSkippedError("the pattern takes too many steps on this line") from None
        if values is None:
            raise LineSkippedError("the pattern does not match the line")
        if group_count != len(keys):
            raise LineSkippedError("the pattern has another number of groups than there are names")
        if has_null:
            raise ConversionError("a field name is null")
        if known.dash_is_null and "-" in values:
            values = [None if value == "-" else value for value in values]
        return dict(zip(keys, values, strict=True))

    return fields_of


def _builtin_groups(fullmatch: Callable[[str], Any]) -> Callable[[str], Sequence[str | None] | None]:
    def groups(text: str) -> Sequence[str | None] | None:
        match = fullmatch(text)
        return None if match is None else match.groups()

    return groups


def csv_to_json(options: Options) -> Converter:
    """CSVTOJSON: ``String.split`` by a Java pattern, without any quoting."""
    names, pretty = names_of(options), is_pretty(options)
    if names is None:
        raise AgentOptionsError("agent options: CSVTOJSON needs customFieldNames")
    delimiter = options.get("delimiter")
    try:
        pattern = JavaPattern("," if delimiter is None else text_of(delimiter), mode="find")
    except JavaSyntaxError:
        pattern = None  # the agent fails on it at each line
    field_names = names

    def convert(text: str, now: datetime | None) -> str:
        if pattern is None:
            raise ConversionError("the delimiter is no pattern")
        try:
            parts = pattern.split(_without_line_end(text))
        except PatternLimitError:
            raise LineSkippedError("the delimiter takes too many steps on this line") from None
        return _object(field_names, list(parts), pretty)

    return convert


def single_line(options: Options) -> Converter:
    """SINGLELINE: the lines of a record joined into one."""
    parse_options = options.get("parseOptions")
    flags = parse_options if isinstance(parse_options, list) else []
    joint = "\\\\n" if "ESCAPE_NEW_LINE" in flags else ""
    trim = "NO_TRIM" not in flags
    blank = "".join(map(chr, range(0x21)))  # Java's trim: up to U+0020 and no other space

    def convert(text: str, now: datetime | None) -> str:
        lines = text.split("\n")
        while len(lines) > 1 and not lines[-1]:
            lines.pop()
        return joint.join(line.strip(blank) if trim else line for line in lines) + "\n"

    return convert


def add_brackets(options: Options) -> Converter:
    """ADDBRACKETS: braces around the record, with its line end inside."""
    return lambda text, now: "{" + text + "}"


def add_metadata(options: Options) -> Converter:
    """ADDMETADATA: the line as a string, next to a fixed object."""
    pretty, metadata, stamp = is_pretty(options), in_hash_order(options.get("metadata")), options.get("timestamp")
    if stamp is not None and not isinstance(stamp, str):
        raise AgentOptionsError('agent options: timestamp of ADDMETADATA must be the text "true" or "false"')
    stamped = isinstance(stamp, str) and stamp.lower() == "true"

    def convert(text: str, now: datetime | None) -> str:
        fields: dict[str, Any] = {"metadata": metadata, "data": _without_line_end(text)}
        if stamped:
            if now is None:
                raise AgentOptionsError("agent options: ADDMETADATA with a timestamp needs the current time")
            fields = {"ts": _iso_millis(now), **fields}
        return to_json(fields, pretty) + "\n"

    return convert


def adds_time(options: Sequence[Any]) -> bool:
    """Whether a converter of the chain writes the current time."""
    entries = [entry for entry in options if isinstance(entry, dict) and entry.get("optionName") == "ADDMETADATA"]
    return any(str(entry.get("timestamp")).lower() == "true" for entry in entries)


def _iso_millis(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"


CONVERTERS: dict[str, Callable[[Options], Converter]] = {
    "LOGTOJSON": log_to_json,
    "CSVTOJSON": csv_to_json,
    "SINGLELINE": single_line,
    "ADDBRACKETS": add_brackets,
    "ADDMETADATA": add_metadata,
}
REFUSED = {
    "ADDEC2METADATA": "it reads the metadata of the EC2 instance that the agent runs on",
    "USINGPLUGGIN": "it loads a Java class",
}


def converter_of(options: Any) -> Converter:
    """One entry of ``dataProcessingOptions``. Raises: AgentOptionsError, JavaSyntaxError, UnsupportedPatternError."""
    if not isinstance(options, dict):
        raise AgentOptionsError("agent options: each entry of dataProcessingOptions must be an object")
    name = options.get("optionName")
    if name in REFUSED:
        raise AgentOptionsError(f"agent options: {name} is out of reach here: {REFUSED[name]}")
    return CONVERTERS[choice("optionName", name, tuple(CONVERTERS))](options)
