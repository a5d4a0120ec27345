"""Calls: functions with a fixed signature, log parsers, CAST, and functions with special rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from streamtally.errors import SettingsError
from streamtally.plan.types import VARCHAR
from streamtally.sql.expressions import time_calls
from streamtally.sql.expressions.log_parsers import PARSERS as RECORD_PARSERS
from streamtally.sql.expressions.log_parsers import find_column
from streamtally.sql.expressions.time_patterns import PATTERN_FIRST, check_pattern
from streamtally.sql.expressions.translator import Translator, translates
from streamtally.sql.expressions.typed import NULL_LITERAL, RECORD, Typed, adopt
from streamtally.sql.foreign import FOREIGN
from streamtally.sql.signatures import (
    AGGREGATE_CALLS,
    KNOWN_NAMES,
    NOW,
    SIGNATURES,
    SUBSTRING_BY_PATTERN,
    SUBSTRING_SIMILAR,
    Signature,
)
from streamtally.text import near_names


def function_name(node: exp.Anonymous) -> str:
    """The name of a called function, in upper case."""
    name = node.this.this if isinstance(node.this, exp.Identifier) else node.this
    return str(name).upper()


@translates(exp.Anonymous)
def called(translator: Translator, node: exp.Anonymous) -> Typed:
    name = function_name(node)
    if name in SIGNATURES:
        return call(translator, node, name, SIGNATURES[name], node.expressions)
    if name in _SPECIAL:
        _check_count(translator, node, name)
        return _SPECIAL[name](translator, node)
    if name in RECORD_PARSERS:
        return _record(translator, node, name)
    if name in AGGREGATE_CALLS:
        raise translator.problems.error(
            node,
            f"{name} is not allowed here",
            "aggregates belong in SELECT or HAVING of a GROUP BY query, and cannot be nested",
        )
    if name in NOW and not node.expressions:
        return translator.names.now()
    raise translator.problems.error(node, f"unknown function {name[:60]}", _advice(name))


def _advice(name: str) -> str:
    """What to write instead of an unknown function."""
    if name in FOREIGN:
        return FOREIGN[name]
    near = near_names(name, KNOWN_NAMES)
    return f"did you mean {', '.join(near)}?" if near else "docs/sql.md lists the functions"


def call(translator: Translator, origin: exp.Expr, name: str, signature: Signature, nodes: Sequence[exp.Expr]) -> Typed:
    """A call of a function with a fixed signature."""
    most, least = len(signature.takes), len(signature.takes) - signature.optional
    if not least <= len(nodes) <= most:
        count = str(most) if least == most else f"{least} to {most}"
        raise translator.problems.error(
            origin, f"{name} takes {count} argument{'' if count == '1' else 's'}, not {len(nodes)}"
        )
    if name in PATTERN_FIRST:
        check_pattern(translator, origin, name, nodes)
    pairs = zip(nodes, signature.takes, strict=False)
    arguments = [translator.argument(node, kind, name) for node, kind in pairs]
    if signature.order:
        arguments = [arguments[index] for index in signature.order if index < len(arguments)]
    return translator.build(origin, {"call": signature.call}, arguments)


def _record(translator: Translator, node: exp.Anonymous, name: str) -> Typed:
    if not node.expressions:
        raise translator.problems.error(node, f"{name} needs a text")
    text, *rest = node.expressions
    options = [translator.translate(argument).literal for argument in rest]
    for argument, option in zip(rest, options, strict=True):
        if option is None:
            raise translator.problems.error(argument, f"{name} takes a constant here")
    value = translator.argument(text, "text", name)
    try:
        columns = RECORD_PARSERS[name](options)
    except SettingsError as error:
        raise translator.problems.error(rest[0] if rest else node, f"{name}: {error}") from None
    return Typed({"record": columns, "text": value.node}, RECORD, size=value.size + 1, depth=value.depth + 1)


def record_column(translator: Translator, origin: exp.Expr, record: Typed, name: str) -> Typed:
    """``t.rec.COLUMN1``: a column of a log parser's record."""
    column = find_column(record.node["record"], name)
    if column is None:
        names = ", ".join(known.name for known in record.node["record"][:12])
        message = f"unknown column {name} in a log parser's record"
        raise translator.problems.error(origin, message, f"its columns are {names}")
    text = Typed(record.node["text"], VARCHAR, size=record.size, depth=record.depth)
    before, after = ([Typed(option, VARCHAR) for option in options] for options in (column.before, column.after))
    value = translator.build(origin, {"call": column.call}, [*before, text, *after])
    return value if value.type == column.type else translator.cast(origin, value, column.type)


@translates(exp.Cast)
def cast(translator: Translator, node: exp.Cast) -> Typed:
    return translator.cast(node, translator.translate(node.this), translator.type_of(node.args["to"]))


def _check_count(translator: Translator, node: exp.Anonymous, name: str) -> None:
    """COALESCE takes any number of arguments, MONOTONIC one, every other call with special rules two.

    That of SUBSTRING … SIMILAR follows from its syntax.
    """
    count = len(node.expressions)
    if name == "SUBSTRING SIMILAR":
        return
    if name == "COALESCE" and not count:
        raise translator.problems.error(node, "COALESCE takes at least one argument")
    wanted = 1 if name == "MONOTONIC" else 2
    if name != "COALESCE" and count != wanted:
        counted = "1 argument" if wanted == 1 else "2 arguments"
        raise translator.problems.error(node, f"{name} takes {counted}, not {count}")


def _coalesce(translator: Translator, node: exp.Anonymous) -> Typed:
    values = translator.alike(node, "COALESCE", [translator.translate(expression) for expression in node.expressions])
    unit = values[0].unit
    return Typed(translator.build(node, {"op": "coalesce"}, values).node, values[0].type, unit,
                 1 + sum(value.size for value in values), 1 + max(value.depth for value in values))  # fmt: skip


def _monotonic(translator: Translator, node: exp.Anonymous) -> Typed:
    """``MONOTONIC(x)`` is x: it tells Kinesis Analytics when a window may end, which settling does not need to know."""
    return translator.translate(node.expressions[0])


def _nullif(translator: Translator, node: exp.Anonymous) -> Typed:
    value, other = (translator.translate(expression) for expression in node.expressions)
    equal = translator.compare(node, "=", value, other)
    null = adopt(NULL_LITERAL, value.type)
    return Typed({"case": [[equal.node, null.node]], "else": value.node}, value.type, value.unit,
                 1 + equal.size + value.size, 1 + equal.depth)  # fmt: skip


def _substring_from(translator: Translator, node: exp.Anonymous) -> Typed:
    """``SUBSTRING(text FROM x)``: x is a position, or a regular expression whose first match is returned."""
    is_pattern = translator.translate(node.expressions[1]).type.is_text
    signature = SUBSTRING_BY_PATTERN if is_pattern else SIGNATURES["SUBSTRING"]
    return call(translator, node, "SUBSTRING", signature, node.expressions)


def _substring_similar(translator: Translator, node: exp.Anonymous) -> Typed:
    """``SUBSTRING(text SIMILAR pattern ESCAPE escape)``."""
    return call(translator, node, "SUBSTRING", SUBSTRING_SIMILAR, node.expressions)


_SPECIAL: dict[str, Callable[[Translator, exp.Anonymous], Typed]] = {
    "CEIL TO": time_calls.ceil_to,
    "COALESCE": _coalesce,
    "EXTRACT": time_calls.extract,
    "FLOOR TO": time_calls.floor_to,
    "MONOTONIC": _monotonic,
    "NULLIF": _nullif,
    "STEP": time_calls.step_by,
    "SUBSTRING FROM": _substring_from,
    "SUBSTRING SIMILAR": _substring_similar,
}
