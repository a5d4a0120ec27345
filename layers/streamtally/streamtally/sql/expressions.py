"""Expressions of the dialect → expressions of the plan, with their names resolved and their types checked.

Types come from the plan's own compiler: an operator or call is compiled once over stand-ins for its operands, so what
is accepted here is what the functions can run, and the words for what does not fit are the same.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Protocol

from sqlglot import exp

from streamtally.errors import EvaluationError, SettingsError, SqlError
from streamtally.plan.expressions import Code, Scope, compile_expression
from streamtally.plan.types import SqlType, parse_type
from streamtally.sql.dialect import IntervalLiteral, Qualified, TypedLiteral
from streamtally.sql.problems import Problems
from streamtally.sql.records import PARSERS as RECORD_PARSERS
from streamtally.sql.records import find_column
from streamtally.sql.signatures import AGGREGATES, KNOWN_NAMES, SIGNATURES, Signature
from streamtally.sql.syntax import ARITHMETIC, COMPARISONS
from streamtally.sql.typed import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    MAX_DEPTH,
    MAX_SIZE,
    NULL,
    NULL_LITERAL,
    RECORD,
    TIME,
    TIMESTAMP,
    UNIT_MS,
    VARCHAR,
    Node,
    Typed,
    adopt,
    common_type,
    convert,
    kind_of,
    make_interval,
    make_literal,
)
from streamtally.times import parse_sql_time


class Names(Protocol):
    """Where an expression's names come from."""

    def column(self, node: exp.Column) -> Typed:
        """A column's value. Raises: SqlError: there is none of that name."""

    def now(self) -> Typed:
        """Unqualified ROWTIME and LOCALTIMESTAMP: the time of the row about to be produced."""


NOW = frozenset({"ROWTIME", "LOCALTIMESTAMP", "CURRENT_TIMESTAMP", "CURRENT_ROW_TIMESTAMP"})
TODAY = {"CURRENT_DATE": DATE, "CURRENT_TIME": TIME, "LOCALTIME": TIME}

_EXTRACT_UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
_SHORT_INTEGER = 2**31


class Translator:
    """Translates expressions whose names a scope resolves; each method raises SqlError at the place of a problem."""

    def __init__(self, problems: Problems, names: Names) -> None:
        self.problems = problems
        self.names = names

    def translate(self, node: exp.Expr) -> Typed:
        """An expression of the program as one of the plan."""
        handle = _HANDLERS.get(type(node))
        if handle is None:
            raise self.problems.error(node, f"{type(node).__name__.upper()} cannot stand in an expression")
        found = handle(self, node)
        if found.size > MAX_SIZE or found.depth > MAX_DEPTH:
            raise self.problems.error(
                node, "the expression is too large once its stages are put together", "split it into fewer steps"
            )
        return found

    def condition(self, node: exp.Expr, clause: str) -> Typed:
        """An expression that must be a condition."""
        found = adopt(self.translate(node), BOOLEAN)
        if found.type != BOOLEAN:
            raise self.problems.error(
                node, f"{clause} takes a condition, not {found.type}", "compare it with something"
            )
        return found

    def build(self, place: exp.Expr, template: Node, arguments: Sequence[Typed], of: SqlType | None = None) -> Typed:
        """An operator or call over arguments, with the type that the plan's compiler gives it."""
        probe = {**template, "args": [_stand_in(each) for each in arguments]}
        try:
            code = compile_expression(probe, Scope({"typed": lambda found: Code("x", found)}))  # type: ignore[arg-type]
        except SettingsError as error:
            raise self.problems.error(place, str(error)) from None
        node = {**template, "args": [each.node for each in arguments]}
        size = 1 + sum(each.size for each in arguments)
        depth = 1 + max((each.depth for each in arguments), default=0)
        return Typed(node, of or code.type, size=size, depth=depth)

    # Constants and names

    def _literal(self, node: exp.Literal) -> Typed:
        text = str(node.this)
        if node.is_string:
            return make_literal(text, SqlType("VARCHAR", max(1, len(text))))
        if re.fullmatch(r"[0-9]{1,19}", text) and int(text) < 2**63:
            return make_literal(int(text), INTEGER if int(text) < _SHORT_INTEGER else BIGINT)
        if re.fullmatch(r"[0-9]*\.[0-9]+|[0-9]+\.", text) and len(text) <= 19:
            scale = len(text.partition(".")[2])
            digits = max(1, len(text.replace(".", "").lstrip("0")), scale)
            return make_literal(str(Decimal(text)), SqlType("DECIMAL", digits, scale))
        if re.fullmatch(r"[0-9]*\.?[0-9]*[eE][+-]?[0-9]{1,3}", text):
            try:
                value = float(text)
            except ValueError:
                value = float("inf")
            if value != float("inf"):
                return make_literal(value, DOUBLE)
        raise self.problems.error(node, f"{text[:40]} is not a number of the dialect")

    def _typed_literal(self, node: TypedLiteral) -> Typed:
        kind = str(node.args["kind"].this)
        try:
            value = parse_sql_time(kind, str(node.this.this))
        except EvaluationError:
            example = {"TIMESTAMP": "1970-01-01 00:00:00", "DATE": "1970-01-01", "TIME": "00:00:00"}[kind]
            raise self.problems.error(node, f"not a {kind}", f"write {kind} '{example}'") from None
        return make_literal(value, SqlType(kind))

    def _interval_literal(self, node: IntervalLiteral) -> Typed:
        unit = str(node.args["unit"].this)
        to = str(node.args["to"].this) if node.args.get("to") else ""
        if unit not in UNIT_MS or (to and to not in UNIT_MS):
            raise self.problems.unsupported(
                node, f"intervals of {unit} (they have no fixed length)", "use DAY, HOUR, MINUTE or SECOND"
            )
        ms = _interval_ms(str(node.this), unit, to)
        if ms is None:
            raise self.problems.error(node, "not an interval", f"write INTERVAL '1' {unit}")
        return make_interval(-ms if node.args.get("negative") else ms, unit)

    def _column(self, node: exp.Column) -> Typed:
        identifier = node.this
        if isinstance(identifier, exp.Star):
            raise self.problems.error(node, "* cannot stand in an expression")
        if not node.args.get("table") and not identifier.args.get("quoted"):
            name = str(identifier.this).upper()
            if name in NOW:
                return self.names.now()
            if name in TODAY:
                return self._cast_to(node, self.names.now(), TODAY[name])
        return self.names.column(node)

    # Operators

    def _logic(self, node: exp.And | exp.Or) -> Typed:
        operator = "and" if isinstance(node, exp.And) else "or"
        sides = [self.condition(each, operator.upper()) for each in node.flatten(unnest=False)]
        return self.build(node, {"op": operator}, sides)

    def _not(self, node: exp.Not) -> Typed:
        return self.build(node, {"op": "not"}, [self.condition(node.this, "NOT")])

    def _comparison(self, node: exp.Binary) -> Typed:
        return self.compare(node, COMPARISONS[type(node)], self.translate(node.this), self.translate(node.expression))

    def compare(self, place: exp.Expr, operator: str, left: Typed, right: Typed) -> Typed:
        """A comparison of two values of one kind."""
        left, right = adopt(left, right.type), adopt(right, left.type)
        left, right = adopt(left, VARCHAR), adopt(right, VARCHAR)
        if kind_of(left.type) != kind_of(right.type) or left.type == RECORD:
            raise self.problems.error(
                place, f"{operator} compares {left.type} with {right.type}", _compare_advice(left, right)
            )
        if "CHAR" in (left.type.name, right.type.name):  # blanks that fill a CHAR up do not count
            left, right = (self._without_fill(place, each) for each in (left, right))
        return self.build(place, {"op": operator}, [left, right])

    def _without_fill(self, place: exp.Expr, value: Typed) -> Typed:
        options = [make_literal("TRAILING", VARCHAR), make_literal(" ", VARCHAR)]
        return self.build(place, {"call": "trim"}, [*options, value])

    def _arithmetic(self, node: exp.Binary) -> Typed:
        operator = ARITHMETIC[type(node)]
        left, right = self.translate(node.this), self.translate(node.expression)
        kinds = {left.type.name, right.type.name}
        if kinds & {"TIMESTAMP", "DATE", "TIME", "INTERVAL"}:
            return self._time_arithmetic(node, operator, left, right)
        left, right = adopt(left, right.type), adopt(right, left.type)
        left, right = adopt(left, BIGINT), adopt(right, BIGINT)
        for side, value in ((node.this, left), (node.expression, right)):
            if not value.type.is_number:
                raise self.problems.error(side, f"{operator} takes numbers, not {value.type}", "CAST it to a number")
        return self.build(node, {"op": operator}, [left, right])

    def _time_arithmetic(self, node: exp.Binary, operator: str, left: Typed, right: Typed) -> Typed:
        unit = left.unit or right.unit
        if right.type == INTERVAL and left.type == TIMESTAMP and operator in "+-":
            amount = right if operator == "+" else self._negate(node, right)
            return self.build(node, {"call": "timestamp_add"}, [left, amount])
        if left.type == INTERVAL and right.type == TIMESTAMP and operator == "+":
            return self.build(node, {"call": "timestamp_add"}, [right, left])
        if left.type == INTERVAL and right.type == INTERVAL and operator in "+-":
            return self._as_interval(self.build(node, {"op": operator}, [left, right]), unit)
        by_number = left.type == INTERVAL and right.type.is_integer and operator in "*/"
        if by_number or (left.type.is_integer and right.type == INTERVAL and operator == "*"):
            return self._as_interval(self.build(node, {"op": operator}, [left, right]), unit)
        if left.type == right.type == TIMESTAMP and operator == "-":
            raise self.problems.error(
                node, "a difference of times needs its unit", "write (a - b) SECOND in parentheses, or TSDIFF(a, b)"
            )
        raise self.problems.error(node, f"{operator} cannot join {left.type} and {right.type}")

    def _negate(self, place: exp.Expr, value: Typed) -> Typed:
        if isinstance(value.literal, int | float):
            return Typed({**value.node, "literal": -value.literal}, value.type, value.unit)
        if isinstance(value.literal, str) and value.type.is_number:
            return Typed({**value.node, "literal": str(-Decimal(value.literal))}, value.type)
        negated = self.build(place, {"op": "-"}, [make_literal(0, INTEGER), value])
        return self._as_interval(negated, value.unit) if value.type == INTERVAL else negated

    @staticmethod
    def _as_interval(value: Typed, unit: str) -> Typed:
        return Typed(value.node, INTERVAL, unit, value.size, value.depth)

    def _neg(self, node: exp.Neg) -> Typed:
        value = adopt(self.translate(node.this), BIGINT)
        if not (value.type.is_number or value.type == INTERVAL):
            raise self.problems.error(node, f"- takes a number, not {value.type}")
        return self._negate(node, value)

    def _mod(self, node: exp.Mod) -> Typed:
        return self.call(node, "MOD", SIGNATURES["MOD"], [node.this, node.expression])

    def _qualified(self, node: Qualified) -> Typed:
        unit = str(node.args["unit"].this)
        inner = node.this
        if unit not in UNIT_MS:
            raise self.problems.unsupported(
                node, f"intervals of {unit} (they have no fixed length)", "use DAY, HOUR, MINUTE or SECOND"
            )
        if not isinstance(inner, exp.Sub):
            raise self.problems.error(
                node, f"{unit} after parentheses takes a difference of times", "write (a - b) " + unit
            )
        sides = [self._timestamp(inner.this), self._timestamp(inner.expression)]
        return self._as_interval(self.build(node, {"call": "tsdiff"}, sides), unit)

    def _timestamp(self, node: exp.Expr) -> Typed:
        value = adopt(self.translate(node), TIMESTAMP)
        if value.type != TIMESTAMP:
            raise self.problems.error(
                node, f"a TIMESTAMP is needed, not {value.type}", "convert it with CHAR_TO_TIMESTAMP or CAST"
            )
        return value

    def _concatenation(self, node: exp.DPipe) -> Typed:
        parts = [self._argument(each, "text", "||") for each in node.flatten(unnest=False)]
        while len(parts) > 1:  # balanced, so that a long chain is not a deep one
            pairs = [parts[i : i + 2] for i in range(0, len(parts), 2)]
            parts = [self.build(node, {"op": "||"}, pair) if len(pair) == 2 else pair[0] for pair in pairs]
        return parts[0]

    def _between(self, node: exp.Between) -> Typed:
        value = self.translate(node.this)
        low = self.compare(node, ">=", value, self.translate(node.args["low"]))
        high = self.compare(node, "<=", value, self.translate(node.args["high"]))
        return self.build(node, {"op": "and"}, [low, high])

    def _in(self, node: exp.In) -> Typed:
        value = self.translate(node.this)
        tests = []
        for each in node.expressions:
            if isinstance(each, exp.Query):
                raise self.problems.unsupported(
                    each, "IN with a subquery", "list the values, or join before the pipeline"
                )
            tests.append(self.compare(each, "=", value, self.translate(each)))
        return tests[0] if len(tests) == 1 else self.build(node, {"op": "or"}, tests)

    def _is(self, node: exp.Is) -> Typed:
        if isinstance(node.expression, exp.Null):
            return self.build(node, {"op": "is_null"}, [adopt(self.translate(node.this), VARCHAR)])
        if isinstance(node.expression, exp.Boolean):
            name = "is_true" if node.expression.this else "is_false"
            return self.build(node, {"call": name}, [self.condition(node.this, "IS TRUE")])
        raise self.problems.error(node, "IS takes NULL, TRUE or FALSE")

    def _is_distinct(self, node: exp.Binary) -> Typed:
        left, right = self.translate(node.this), self.translate(node.expression)
        equal = self.compare(node, "=", left, right)
        sides = [self.build(node, {"op": "is_null"}, [adopt(each, VARCHAR)]) for each in (left, right)]
        both = self.build(node, {"op": "and"}, sides)
        same = self.build(node, {"op": "or"}, [both, self.build(node, {"call": "is_true"}, [equal])])
        return same if isinstance(node, exp.NullSafeEQ) else self.build(node, {"op": "not"}, [same])

    def _like(self, node: exp.Like | exp.SimilarTo | exp.Escape) -> Typed:
        escape = None
        if isinstance(node, exp.Escape):
            escape, node = node.expression, node.this
        if not isinstance(node, exp.Like | exp.SimilarTo):
            raise self.problems.error(node, "ESCAPE belongs to LIKE or SIMILAR TO")
        name = "LIKE" if isinstance(node, exp.Like) else "SIMILAR TO"
        call = "like" if isinstance(node, exp.Like) else "similar"
        arguments = [self._argument(node.expression, "text", name)]
        if escape is not None:
            call += "_escape"
            arguments.insert(0, self._escape(escape))
        arguments.append(self._argument(node.this, "text", name))
        found = self.build(node, {"call": call}, arguments)
        return self.build(node, {"op": "not"}, [found]) if node.args.get("negate") else found

    def _escape(self, node: exp.Expr) -> Typed:
        value = self._argument(node, "text", "ESCAPE")
        if not isinstance(value.literal, str) or len(value.literal) != 1:
            raise self.problems.error(node, "ESCAPE takes one character in quotes")
        return value

    def _case(self, node: exp.Case) -> Typed:
        operand = self.translate(node.this) if node.this else None
        conditions, values = [], []
        for branch in node.args["ifs"]:
            if operand is None:
                conditions.append(self.condition(branch.this, "WHEN"))
            else:
                conditions.append(self.compare(branch.this, "=", operand, self.translate(branch.this)))
            values.append(self.translate(branch.args["true"]))
        default = node.args.get("default")
        values.append(self.translate(default) if default is not None else NULL_LITERAL)
        values = self._alike(node, "CASE", values)
        pairs = [[condition.node, value.node] for condition, value in zip(conditions, values, strict=False)]
        parts = [*conditions, *values]
        return Typed(
            {"case": pairs, "else": values[-1].node},
            values[0].type,
            values[0].unit,
            1 + sum(each.size for each in parts),
            1 + max(each.depth for each in parts) + len(conditions) // 4,
        )

    def _alike(self, node: exp.Expr, name: str, values: list[Typed]) -> list[Typed]:
        of = common_type([each.type for each in values])
        if of is None or of == RECORD:
            kinds = sorted({str(each.type) for each in values if not each.is_null})
            raise self.problems.error(node, f"{name} mixes {' and '.join(kinds)}", "CAST them to one type")
        return [convert(each, of) for each in values]

    # Casts and calls

    def _cast(self, node: exp.Cast) -> Typed:
        return self._cast_to(node, self.translate(node.this), self.type_of(node.args["to"]))

    def type_of(self, node: exp.Expr) -> SqlType:
        """A type that the program names."""
        try:
            return parse_type(str(node.this))
        except SettingsError as error:
            raise self.problems.error(node, str(error)) from None

    def _cast_to(self, place: exp.Expr, value: Typed, to: SqlType) -> Typed:
        if value.is_null:
            return make_literal(None, to)
        if value.type == INTERVAL:
            if not to.is_integer:
                raise self.problems.error(place, f"CAST of an INTERVAL to {to}", "CAST it to BIGINT, in its unit")
            whole = self.build(place, {"op": "/"}, [value, make_literal(UNIT_MS[value.unit], BIGINT)])
            return self._cast_to(place, whole, to)
        probe = {"cast": {"typed": value.type}, "type": str(to)}
        try:
            compile_expression(probe, Scope({"typed": lambda found: Code("x", found)}))  # type: ignore[arg-type]
        except SettingsError as error:
            raise self.problems.error(place, str(error)) from None
        return Typed({"cast": value.node, "type": str(to)}, to, size=value.size + 1, depth=value.depth + 1)

    def _anonymous(self, node: exp.Anonymous) -> Typed:
        name = function_name(node)
        if name in SIGNATURES:
            return self.call(node, name, SIGNATURES[name], node.expressions)
        if name in _SPECIAL:
            return _SPECIAL[name](self, node)
        if name in RECORD_PARSERS:
            return self._record(node, name)
        if name in AGGREGATES:
            raise self.problems.error(
                node,
                f"{name} cannot stand here",
                "an aggregate belongs into SELECT or HAVING of a GROUP BY, not nested",
            )
        if name in NOW and not node.expressions:
            return self.names.now()
        near = difflib.get_close_matches(name, KNOWN_NAMES, 3)
        advice = "near it: " + ", ".join(near) if near else "docs/sql.md lists the functions"
        raise self.problems.error(node, f"unknown function {name[:60]}", advice)

    def call(self, place: exp.Expr, name: str, signature: Signature, nodes: Sequence[exp.Expr]) -> Typed:
        """A call of a function with a fixed signature."""
        most, least = len(signature.takes), len(signature.takes) - signature.optional
        if not least <= len(nodes) <= most:
            count = str(most) if least == most else f"{least} to {most}"
            raise self.problems.error(
                place, f"{name} takes {count} argument{'' if count == '1' else 's'}, not {len(nodes)}"
            )
        pairs = zip(nodes, signature.takes, strict=False)
        arguments = [self._argument(node, kind, name) for node, kind in pairs]
        if signature.order:
            arguments = [arguments[at] for at in signature.order if at < len(arguments)]
        return self.build(place, {"call": signature.call}, arguments)

    def _argument(self, node: exp.Expr, kind: str, name: str) -> Typed:
        value = adopt(self.translate(node), _NULL_OF[kind])
        if not _FITS[kind](value.type):
            raise self.problems.error(
                node, f"{name} takes {_WANTED[kind]} here, not {value.type}", _ADVICE.get(kind, "")
            )
        return value

    def _record(self, node: exp.Anonymous, name: str) -> Typed:
        if not node.expressions:
            raise self.problems.error(node, f"{name} takes a text")
        text, *rest = node.expressions
        options = [self.translate(each).literal for each in rest]
        for each, option in zip(rest, options, strict=True):
            if option is None:
                raise self.problems.error(each, f"{name} takes a constant here")
        value = self._argument(text, "text", name)
        try:
            columns = RECORD_PARSERS[name](options)
        except SettingsError as error:
            raise self.problems.error(rest[0] if rest else node, f"{name}: {error}") from None
        return Typed({"record": columns, "text": value.node}, RECORD, size=value.size + 1, depth=value.depth + 1)

    def record_column(self, place: exp.Expr, record: Typed, name: str) -> Typed:
        """``t.rec.COLUMN1``: a column of what a log parser gives."""
        column = find_column(record.node["record"], name)
        if column is None:
            names = ", ".join(each.name for each in record.node["record"][:12])
            raise self.problems.error(place, f"unknown column {name} of a log parser's record", f"they are {names}")
        text = Typed(record.node["text"], VARCHAR, size=record.size, depth=record.depth)
        before, after = ([Typed(each, VARCHAR) for each in side] for side in (column.before, column.after))
        found = self.build(place, {"call": column.call}, [*before, text, *after])
        return found if found.type == column.type else self._cast_to(place, found, column.type)

    # Functions with rules of their own

    def _coalesce(self, node: exp.Anonymous) -> Typed:
        if not node.expressions:
            raise self.problems.error(node, "COALESCE takes at least one argument")
        values = self._alike(node, "COALESCE", [self.translate(each) for each in node.expressions])
        unit = values[0].unit
        return Typed(self.build(node, {"op": "coalesce"}, values).node, values[0].type, unit,
                     1 + sum(each.size for each in values), 1 + max(each.depth for each in values))  # fmt: skip

    def _nullif(self, node: exp.Anonymous) -> Typed:
        if len(node.expressions) != 2:
            raise self.problems.error(node, f"NULLIF takes 2 arguments, not {len(node.expressions)}")
        value, other = (self.translate(each) for each in node.expressions)
        equal = self.compare(node, "=", value, other)
        null = adopt(NULL_LITERAL, value.type)
        return Typed({"case": [[equal.node, null.node]], "else": value.node}, value.type, value.unit,
                     1 + equal.size + value.size, 1 + equal.depth)  # fmt: skip

    def _step(self, node: exp.Anonymous) -> Typed:
        value, size = self.translate(node.expressions[0]), self.translate(node.expressions[1])
        if value.type in (TIMESTAMP, INTERVAL):
            if size.type != INTERVAL or not isinstance(size.literal, int) or size.literal <= 0:
                raise self.problems.error(
                    node.expressions[1], "STEP of a time takes a constant interval", "write BY INTERVAL '60' SECOND"
                )
            return self.step(node, value, size.literal)
        for each, typed in zip(node.expressions, (value, size), strict=True):
            if not typed.type.is_number:
                raise self.problems.error(each, f"STEP takes a number or a time here, not {typed.type}")
        return self.build(node, {"call": "step_number"}, [value, size])

    def step(self, place: exp.Expr, value: Typed, size_ms: int) -> Typed:
        """A time or an interval floored to multiples of a size, counted from the epoch."""
        found = self.build(place, {"call": "step"}, [value, make_literal(size_ms, BIGINT)])
        return self._as_interval(found, value.unit) if value.type == INTERVAL else found

    def _floor_to(self, node: exp.Anonymous) -> Typed:
        value, unit = self.translate(node.expressions[0]), str(node.expressions[1].this)
        if value.type == INTERVAL and unit in UNIT_MS:
            return self._epoch_idiom(node, value, unit) or self.step(node, value, UNIT_MS[unit])
        if value.type == TIMESTAMP and unit in UNIT_MS:
            return self.step(node, value, UNIT_MS[unit])
        return self._calendar(node, "floor_time", value, unit)

    def _ceil_to(self, node: exp.Anonymous) -> Typed:
        value, unit = self.translate(node.expressions[0]), str(node.expressions[1].this)
        return self._calendar(node, "ceil_time", value, unit)

    def _calendar(self, node: exp.Anonymous, call: str, value: Typed, unit: str) -> Typed:
        if value.type == DATE:
            whole = self._cast_to(node, value, TIMESTAMP)
            return self._cast_to(node, self.build(node, {"call": call}, [make_literal(unit, VARCHAR), whole]), DATE)
        value = adopt(value, TIMESTAMP)
        if value.type != TIMESTAMP:
            raise self.problems.error(
                node.expressions[0],
                f"FLOOR and CEIL TO {unit} take a time, not {value.type}",
                "convert it with CHAR_TO_TIMESTAMP",
            )
        return self.build(node, {"call": call}, [make_literal(unit, VARCHAR), value])

    def _epoch_idiom(self, node: exp.Anonymous, value: Typed, unit: str) -> Typed | None:
        """FLOOR((ts - TIMESTAMP '1970-01-01 00:00:00') SECOND / 10 TO SECOND): STEP by 10 seconds, as an interval."""
        number, difference = 1, value.node
        if difference.get("op") == "/":
            difference, by = difference["args"]
            number = by.get("literal") or 0
        since = difference.get("args", [{}, {}])
        epoch = {"literal": 0, "type": "TIMESTAMP"}
        if difference.get("call") != "tsdiff" or since[1] != epoch or type(number) is not int or number <= 0:
            return None
        if value.unit != unit:
            raise self.problems.unsupported(
                node, f"FLOOR of an interval in {value.unit} to {unit}", f"write {unit} in both places"
            )
        time = Typed(since[0], TIMESTAMP, size=value.size, depth=value.depth)
        start = self.step(node, time, number * UNIT_MS[unit])
        return self.epoch_interval(node, start, number, unit)

    def epoch_interval(self, place: exp.Expr, start: Typed, number: int, unit: str) -> Typed:
        """The idiom's value from the window's start: an interval since the epoch, divided by its number."""
        since = self.build(place, {"call": "unix_timestamp"}, [start])
        if number != 1:
            since = self.build(place, {"op": "/"}, [since, make_literal(number, INTEGER)])
        return self._as_interval(since, unit)

    def _extract(self, node: exp.Anonymous) -> Typed:
        unit, value = str(node.expressions[0].this), self.translate(node.expressions[1])
        if value.type == INTERVAL:
            return self._extract_interval(node, unit, value)
        if value.type in (DATE, TIME):
            value = self._cast_to(node, value, TIMESTAMP) if value.type == DATE else Typed(value.node, TIMESTAMP)
        value = adopt(value, TIMESTAMP)
        if value.type != TIMESTAMP:
            raise self.problems.error(
                node, f"EXTRACT takes a time, not {value.type}", "convert it with CHAR_TO_TIMESTAMP"
            )
        if unit not in _EXTRACT_UNITS:
            raise self.problems.error(node, f"EXTRACT of {unit} is not known")
        return self.build(node, {"call": "extract"}, [make_literal(unit, VARCHAR), value])

    def _extract_interval(self, node: exp.Anonymous, unit: str, value: Typed) -> Typed:
        if unit not in UNIT_MS:
            raise self.problems.error(node, f"EXTRACT of {unit} from an interval of {value.unit}")
        whole = self.build(node, {"op": "/"}, [value, make_literal(UNIT_MS[unit], BIGINT)])
        above = {"SECOND": 60, "MINUTE": 60, "HOUR": 24}
        if unit == value.unit or unit not in above:
            return whole
        return self.build(node, {"call": "mod"}, [whole, make_literal(above[unit], INTEGER)])


def function_name(node: exp.Anonymous) -> str:
    """A called function's name in upper case."""
    name = node.this.this if isinstance(node.this, exp.Identifier) else node.this
    return str(name).upper()


def _stand_in(value: Typed) -> Any:
    """What stands for an operand while its operator is typed: a constant itself, since patterns are checked with it."""
    return value.node if "literal" in value.node else {"typed": value.plan_type}


def _interval_ms(text: str, unit: str, to: str) -> int | None:
    """``'1:30'`` MINUTE TO SECOND → 90,000."""
    chain = ["DAY", "HOUR", "MINUTE", "SECOND"]
    last = chain.index(to or unit)
    first = chain.index(unit)
    if last < first:
        return None
    found = re.fullmatch(r"\s*(-?)([0-9]{1,9}(?:[ :][0-9]{1,2})*)(\.[0-9]{1,9})?\s*", text)
    if not found or (found[3] and chain[last] != "SECOND"):
        return None
    parts = [int(part) for part in re.split("[ :]", found[2])]
    if len(parts) != last - first + 1:
        return None
    total = sum(part * UNIT_MS[name] for part, name in zip(parts, chain[first : last + 1], strict=True))
    total += int(((found[3] or ".0")[1:] + "000")[:3])
    return -total if found[1] else total


def _compare_advice(left: Typed, right: Typed) -> str:
    kinds = {kind_of(left.type), kind_of(right.type)}
    if kinds == {"text", "TIMESTAMP"}:
        return "convert the text with CHAR_TO_TIMESTAMP, or write TIMESTAMP '…'"
    if kinds == {"text", "number"}:
        return "write the number without quotes, or CAST one of them"
    return "CAST one of them"


_NULL_OF = {"text": VARCHAR, "number": BIGINT, "integer": INTEGER, "timestamp": TIMESTAMP, "date": DATE, "time": TIME}
_WANTED = {
    "text": "text",
    "number": "a number",
    "integer": "a whole number",
    "timestamp": "a TIMESTAMP",
    "date": "a DATE",
    "time": "a TIME",
}
_ADVICE = {
    "text": "CAST it to VARCHAR",
    "number": "CAST it to a number",
    "integer": "CAST it to INTEGER",
    "timestamp": "convert it with CHAR_TO_TIMESTAMP or CAST",
    "date": "CAST it to DATE",
    "time": "CAST it to TIME",
}
_FITS: dict[str, Callable[[SqlType], bool]] = {
    "text": lambda of: of.is_text,
    "number": lambda of: of.is_number,
    "integer": lambda of: of.is_integer,
    "timestamp": lambda of: of == TIMESTAMP,
    "date": lambda of: of == DATE,
    "time": lambda of: of == TIME,
}

_Handler = Callable[[Translator, Any], Typed]

# The handlers are the translator's own methods.
_SPECIAL: dict[str, _Handler] = {
    "CEIL_TO": Translator._ceil_to,
    "COALESCE": Translator._coalesce,
    "EXTRACT": Translator._extract,
    "FLOOR_TO": Translator._floor_to,
    "NULLIF": Translator._nullif,
    "STEP": Translator._step,
}
_HANDLERS: dict[type[exp.Expr], _Handler] = {
    exp.Literal: Translator._literal,
    exp.Null: lambda self, node: NULL_LITERAL,
    exp.Boolean: lambda self, node: make_literal(bool(node.this), BOOLEAN),
    TypedLiteral: Translator._typed_literal,
    IntervalLiteral: Translator._interval_literal,
    exp.Column: Translator._column,
    exp.Paren: lambda self, node: self.translate(node.this),
    exp.And: Translator._logic,
    exp.Or: Translator._logic,
    exp.Not: Translator._not,
    **dict.fromkeys(COMPARISONS, Translator._comparison),
    **dict.fromkeys(ARITHMETIC, Translator._arithmetic),
    exp.Neg: Translator._neg,
    exp.Mod: Translator._mod,
    Qualified: Translator._qualified,
    exp.DPipe: Translator._concatenation,
    exp.Between: Translator._between,
    exp.In: Translator._in,
    exp.Is: Translator._is,
    exp.NullSafeEQ: Translator._is_distinct,
    exp.NullSafeNEQ: Translator._is_distinct,
    exp.Like: Translator._like,
    exp.SimilarTo: Translator._like,
    exp.Escape: Translator._like,
    exp.Case: Translator._case,
    exp.Cast: Translator._cast,
    exp.Anonymous: Translator._anonymous,
}
__all__ = ["NULL", "Names", "SqlError", "Translator", "function_name"]
