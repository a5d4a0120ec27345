"""Reads a table into its class; every mistake is one line with its path in the file and what to write instead."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from streamtally.config.units import (
    AUTO_EXPAND_PATTERN,
    DURATION_PATTERN,
    OBJECT_PATTERN,
    SIZE_PATTERN,
    STREAM_PATTERN,
    STREAM_RULE,
)
from streamtally.errors import SettingsError
from streamtally.text import near_names, visible

Table = TypeVar("Table", bound=msgspec.Struct)

_MAX_SHOWN = 60


def read_table(kind: type[Table], value: Any, where: str) -> Table:
    """A table as an instance of its class.

    Args: where: the position that precedes the setting in a message, such as ``pipeline.toml: [source]``.
    Raises: SettingsError: an unknown or missing setting, a wrong type, or a value out of range.
    """
    if not isinstance(value, Mapping):
        single = ", in single brackets" if isinstance(value, list) and value else ""
        raise SettingsError(f"{where} = {_show(value)}: expected a table of settings{single}")
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        reason = next(_explain_table(kind, value, ()), str(error))
        raise SettingsError(f"{where} {reason}") from None


def refuse_misplaced(table: Any, own: Iterable[str], where: str, rooms: Mapping[str, str]) -> None:
    """Refuse a setting that belongs in another table.

    Args:
        own: the settings of this table.
        where: its position, as in :func:`read_table`, with the space that separates it from the setting.
        rooms: settings of other tables → where they belong.
    Raises: SettingsError: names the setting and its table.
    """
    for name in table if isinstance(table, Mapping) else ():
        if name not in own and name in rooms:
            raise SettingsError(f"{where}{name}: this setting belongs in {rooms[name]}")


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """``unknown setting 'formta': did you mean 'format'? There are …``: the nearest name, then all names.

    Args: what: the kind of name, such as ``setting``.
    """
    names = sorted(known)
    near = near_names(name, names, 1)
    advice = f"did you mean {near[0]!r}? There are" if near else "there are"
    return f"unknown {what} '{visible(name, _MAX_SHOWN)}': {advice} {', '.join(names)}"


def _explain_table(kind: type[msgspec.Struct], value: Mapping[Any, Any], path: tuple[str, ...]) -> Iterator[str]:
    """The mistakes in a table, in order; none if each setting is valid by itself."""
    hints = typing.get_type_hints(kind, include_extras=True)
    prefix = f"{'.'.join(path)}: " if path else ""
    for name in value:
        if name not in hints:
            yield prefix + unknown_name("setting", str(name), hints)
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in value:
            yield f"{prefix}{field.name} is missing: write {field.name} = {_example(hints[field.name])}"
    for name, hint in hints.items():
        if name in value:
            yield from _explain_setting(hint, value[name], (*path, name), name, hint)


def _explain_setting(hint: Any, value: Any, path: tuple[str, ...], setting: str, example: Any) -> Iterator[str]:
    """The mistakes in one value.

    Args:
        hint: the value's type.
        setting: the setting's name, shown with the example.
        example: the setting's annotation, which has the example.
    """
    try:
        msgspec.convert(value, hint, strict=True)
        return
    except msgspec.ValidationError:
        pass
    for option in _options(hint):
        if isinstance(value, Mapping) and isinstance(option, type) and issubclass(option, msgspec.Struct):
            yield from _explain_table(option, value, path)
            return
        if isinstance(value, Mapping) and typing.get_origin(option) is dict:
            inner = typing.get_args(option)[1]
            for key, item in value.items():
                yield from _explain_setting(inner, item, (*path, str(key)), setting, example)
            return
        if isinstance(value, list) and typing.get_origin(option) is tuple:
            inner = typing.get_args(option)[0]
            for index, item in enumerate(value):
                yield from _explain_setting(inner, item, (*path[:-1], f"{path[-1]}[{index}]"), setting, example)
            return
    written = f"such as {setting} = {_example(hint, example)}"
    yield f"{'.'.join(path)} = {_show(value)}: expected {_describe(hint, value)}, {written}"


def _options(hint: Any) -> list[Any]:
    """The types that a value may have, without None, UNSET and annotations."""
    if typing.get_origin(hint) is typing.Annotated:
        return _options(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [option for part in typing.get_args(hint) for option in _options(part)]
    return [] if hint in (type(None), msgspec.UnsetType) else [hint]


def _metas(hint: Any) -> Iterator[msgspec.Meta]:
    """The annotations of a type, the outermost first."""
    if typing.get_origin(hint) is typing.Annotated:
        inner, *metas = typing.get_args(hint)
        yield from reversed(metas)
        yield from _metas(inner)
    elif typing.get_origin(hint) in (typing.Union, types.UnionType):
        for part in typing.get_args(hint):
            yield from _metas(part)


def _describe(hint: Any, value: Any) -> str:
    """What a value must be; for a text that is too long, its limit."""
    for meta in _metas(hint):
        if meta.pattern:
            return _PATTERNS[str(meta.pattern)]
        if meta.max_length and isinstance(value, str) and len(value) > meta.max_length:
            return f"text of at most {meta.max_length} characters"
    words = [_WORDS.get(option) or _describe_generic(option) for option in _options(hint)]
    limits = [f"{text} {limit}" for meta in _metas(hint) for text, limit in _limits(meta)]
    if any(meta.min_length for meta in _metas(hint)) and words == ["text"]:
        words = ["text that is not empty"]
    return " or ".join(dict.fromkeys(words)) + (f" ({', '.join(limits)})" if limits else "")


_PATTERNS = {
    AUTO_EXPAND_PATTERN: "the least and the most replicas, as in 0-2 or 0-all",
    DURATION_PATTERN: "a duration: a number and s, m, h or d",
    OBJECT_PATTERN: "an object in S3, written s3://BUCKET/KEY",
    SIZE_PATTERN: "a size: a number and B, KB, MB, GB or TB",
    STREAM_PATTERN: STREAM_RULE,
}
_WORDS: dict[Any, str] = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


def _describe_generic(option: Any) -> str:
    origin = typing.get_origin(option)
    if origin is Literal:
        return "one of " + ", ".join(typing.get_args(option))
    return "a list" if origin in (tuple, list, Sequence) else "a table"


def _limits(meta: msgspec.Meta) -> Iterator[tuple[str, int | float]]:
    for text, limit in (("at least", meta.ge), ("above", meta.gt), ("at most", meta.le), ("below", meta.lt)):
        if limit is not None:
            yield text, limit


def _example(*hints: Any) -> str:
    """How a value of the setting is written in TOML."""
    for hint in reversed(hints):
        for meta in _metas(hint):
            if meta.examples:
                return to_toml(meta.examples[0])
    return "…"


def to_toml(value: Any) -> str:
    """A value as TOML writes it, on one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {to_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(to_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _show(value: Any) -> str:
    try:
        text = to_toml(value)
    except (TypeError, ValueError, RecursionError):  # a TOML date or time
        text = str(value)
    return visible(text, _MAX_SHOWN)
