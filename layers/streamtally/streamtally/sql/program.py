"""A program's text → the plan's outputs: statements, streams, pumps, and how they are bound to destinations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from streamtally.error_rows import error_output_node
from streamtally.errors import SqlError, SqlProgramError
from streamtally.outputs import ERROR_STREAM
from streamtally.plan.types import SqlType
from streamtally.sql.dialect import CreatePump, CreateStream, make_tokenizer, parse_statement
from streamtally.sql.expressions import Translator
from streamtally.sql.problems import Problems, SkippedError, SourceText
from streamtally.sql.refusals import find_refusals
from streamtally.sql.relations import EVENT, Relation, RelationColumn, RelationNames, near_names
from streamtally.sql.selects import plan_query
from streamtally.sql.syntax import RESERVED, check_name, check_syntax
from streamtally.sql.typed import INTERVAL, NULL_LITERAL, RECORD, TIMESTAMP, Typed, adopt, kind_of

MAX_TEXT_CHARS = 100_000
"""A program's length, as Kinesis Analytics limits it (*Limits*, 100 KB)."""
DEFAULT_SOURCE = "SOURCE_SQL_STREAM_001"


@dataclass(frozen=True, slots=True)
class SourceStream:
    """The in-application stream of the source.

    Attributes:
        columns: name → type. time_column, time_format: the column whose text is the event time, and its pattern;
            None where the source reads it in another zone than UTC, so that CHAR_TO_TIMESTAMP means another time.
    """

    columns: Mapping[str, SqlType]
    name: str = DEFAULT_SOURCE
    time_column: str | None = None
    time_format: str | None = None

    def relation(self) -> Relation:
        """The stream's rows."""
        columns = tuple(RelationColumn(name, self._value(name, of)) for name, of in self.columns.items())
        return Relation(columns, of_source=True)

    def _value(self, name: str, of: SqlType) -> Typed:
        if of == TIMESTAMP and name == self.time_column:
            return EVENT
        return Typed({"column": name}, of)

    def is_event_time(self, node: Mapping[str, Any]) -> bool:
        """Whether a call reads the event time as the source does."""
        if self.time_column is None or node.get("call") != "char_to_timestamp":
            return False
        pattern, text = node["args"]
        return bool(pattern.get("literal") == self.time_format and text == {"column": self.time_column})


@dataclass(frozen=True, slots=True)
class StreamColumnDefinition:
    """A column of an in-application stream as it was declared."""

    name: str
    type: SqlType
    not_null: bool


@dataclass(slots=True)
class Stream:
    """An in-application stream and the pumps that fill it."""

    name: str
    columns: list[StreamColumnDefinition]
    place: exp.Expr
    pumps: list[Pump] = field(default_factory=list)
    relations: list[Relation] | None = None
    is_read: bool = False
    in_progress: bool = False


@dataclass(frozen=True, slots=True)
class Pump:
    """A pump: its name, the target's columns in the order in which its SELECT fills them, and the SELECT."""

    name: str
    columns: Sequence[StreamColumnDefinition]
    query: exp.Expr
    place: exp.Expr


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled program.

    Attributes: outputs: the plan's outputs (JSON); streams: names of the streams they belong to; notes: what a user
        should know that is no error.
    """

    outputs: list[dict[str, Any]]
    streams: list[str]
    notes: list[str]


def compile_program(text: str, source: SourceStream, bound: Iterable[str] | None = None) -> Program:
    """A program as the outputs of a plan.

    Args: bound: the in-application streams that have a destination; None: those that no pump reads from.
    Raises: SqlProgramError: all that is wrong with it.
    """
    problems = Problems(SourceText(text))
    builder = _Builder(problems, source)
    try:
        trees = parse_program(text, problems)
        for tree in trees:
            builder.add(tree)
        builder.incomplete = bool(problems.found)
        outputs, streams = builder.outputs(None if bound is None else list(bound))
    except SqlProgramError:
        raise
    except SqlError as error:
        problems.add(error)
        outputs, streams = [], []
    except RecursionError:
        problems.add(problems.error(0, "the program is nested too deeply", "split it into several pumps"))
    problems.check()
    return Program(outputs, streams, problems.notes)


def parse_program(text: str, problems: Problems) -> list[exp.Expr]:
    """A program's statements. What is wrong with one is noted, and the next is read all the same."""
    if len(text) > MAX_TEXT_CHARS:
        raise problems.error(0, f"the program has {len(text)} characters; at most {MAX_TEXT_CHARS} are read")
    if "\x00" in text:
        raise problems.syntax(text.index("\x00"), "a NUL character", "save the file as UTF-8 text")
    try:
        tokens = make_tokenizer()(text)
    except TokenError:
        raise problems.syntax(_open_quote(text), "a quote or comment that is never closed", "close it") from None
    statements = list(_split(tokens))
    if not statements:
        raise problems.syntax(0, "the program is empty", "write CREATE STREAM and CREATE PUMP statements")
    trees = []
    for statement in statements:
        tree = _parse(statement, text, problems)
        if tree is not None:
            trees.append(tree)
    return trees


def _open_quote(text: str) -> int:
    """Where the quote or comment starts that is never closed."""
    position = 0
    while position < len(text):
        for opening, closing in (("--", "\n"), ("//", "\n"), ("/*", "*/"), ("'", "'"), ('"', '"')):
            if text.startswith(opening, position):
                end = text.find(closing, position + len(opening))
                if end < 0:
                    return position
                position = end + len(closing) - 1
                break
        position += 1
    return 0


def _split(tokens: Iterable[Token]) -> Iterable[list[Token]]:
    statement: list[Token] = []
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            if statement:
                yield statement
            statement = []
        else:
            statement.append(token)
    if statement:
        yield statement


def _parse(statement: list[Token], text: str, problems: Problems) -> exp.Expr | None:
    refused = list(find_refusals(statement))
    for offset, name, advice in refused:
        problems.add(problems.unsupported(offset, name, advice))
    try:
        tree = parse_statement(statement, text)
    except ParseError as error:
        if not refused:  # what is refused by name often has a syntax that is not read
            problems.add(_syntax_error(error, statement, problems))
        return None
    except (ValueError, AttributeError, TypeError, KeyError, IndexError):
        problems.add(
            problems.syntax(statement[0].start, "a statement that cannot be read", "check it against docs/sql.md")
        )
        return None
    if tree is None or refused:
        return None
    wrong = list(check_syntax(tree, problems))
    for each in wrong:
        problems.add(each)
    return None if wrong else tree


def _syntax_error(error: ParseError, statement: list[Token], problems: Problems) -> SqlError:
    first = error.errors[0] if error.errors else {}
    line, column = first.get("line"), first.get("col")
    message = str(first.get("description") or "a statement that cannot be read").strip().rstrip(".")
    for token in statement:
        if token.line == line and token.col == column:
            message = f"unexpected {token.text[:40]}" if message.startswith("Invalid expression") else message
            return problems.syntax(token.start, message[0].lower() + message[1:], _syntax_advice(token, message))
    return problems.syntax(statement[-1].end + 1, message[0].lower() + message[1:])


def _syntax_advice(token: Token, message: str) -> str:
    word = token.text.upper()
    if word == "CREATE":
        return "is a semicolon missing before it?"
    if token.token_type is not TokenType.IDENTIFIER and word in RESERVED and " name" in message:
        return f'{word} is reserved: as a name it needs quotes, "{token.text}"'
    return "write CREATE PUMP … AS INSERT INTO … SELECT STREAM …" if message.startswith("a SELECT alone") else ""


class _Builder:
    """Takes statements in order, then plans each output."""

    def __init__(self, problems: Problems, source: SourceStream) -> None:
        self.problems = problems
        self.source = source
        self.streams: dict[str, Stream] = {}
        self.pump_names: set[str] = set()
        self.incomplete = False
        """Whether statements are missing that were refused, so that what is not there may yet have been written."""

    def add(self, tree: exp.Expr) -> None:
        """A statement; its problem is noted."""
        try:
            if isinstance(tree, CreateStream):
                self._add_stream(tree)
            elif isinstance(tree, CreatePump):
                self._add_pump(tree)
        except SqlError as error:
            self.problems.add(error)

    def _add_stream(self, tree: CreateStream) -> None:
        name = check_name(tree.this, self.problems)
        if name in self.streams:
            raise self.problems.error(tree.this, f'the stream "{name}" is there twice', "give one of them another name")
        if name == self.source.name or name.lower() == ERROR_STREAM:
            raise self.problems.error(tree.this, f'"{name}" is the name of a stream that is there already')
        columns: list[StreamColumnDefinition] = []
        translator = Translator(self.problems, RelationNames(Relation(()), "", self.problems))
        for each in tree.expressions:
            try:
                column = check_name(each.this, self.problems)
                if column in {other.name for other in columns}:
                    raise self.problems.error(each.this, f'the column "{column}" is there twice')
                if column == "tally":
                    raise self.problems.error(
                        each.this, 'a column cannot be called "tally"', "documents keep their own account there"
                    )
                of = translator.type_of(each.args["kind"])
                columns.append(StreamColumnDefinition(column, of, bool(each.args.get("not_null"))))
            except SqlError as error:
                self.problems.add(error)
        self.streams[name] = Stream(name, columns, tree.this)

    def _add_pump(self, tree: CreatePump) -> None:
        name = check_name(tree.this, self.problems)
        if name in self.pump_names:
            raise self.problems.error(tree.this, f'the pump "{name}" is there twice', "give one of them another name")
        self.pump_names.add(name)
        target = check_name(tree.args["target"], self.problems)
        stream = self.streams.get(target)
        if stream is None:
            raise self._unknown_stream(tree.args["target"], target)
        if tree.args.get("stopped"):
            self.problems.notes.append(f'the pump "{name}" is STOPPED: it is left out')
            return
        stream.pumps.append(Pump(name, self._target_columns(stream, tree), tree.expression, tree))

    def _target_columns(self, stream: Stream, tree: CreatePump) -> list[StreamColumnDefinition]:
        named = tree.args.get("columns")
        if not named:
            return stream.columns
        known = {column.name: column for column in stream.columns}
        chosen: list[StreamColumnDefinition] = []
        for identifier in named:
            column = str(identifier.this) if identifier.args.get("quoted") else str(identifier.this).upper()
            if column not in known:
                names = RelationNames(
                    Relation(tuple(RelationColumn(each, NULL_LITERAL) for each in known)), "", self.problems
                )
                raise names.unknown(identifier, column, bool(identifier.args.get("quoted")))
            if known[column] in chosen:
                raise self.problems.error(identifier, f'the column "{column}" is there twice')
            chosen.append(known[column])
        return chosen

    def _unknown_stream(self, place: exp.Expr, name: str) -> SqlError:
        if self.incomplete:
            return SkippedError("", 1, 1)
        names = [*self.streams, self.source.name]
        same = [each for each in names if each.upper() == name.upper()]
        if same:
            return self.problems.error(
                place, f"unknown stream {name}", f'names are case-sensitive, and unquoted ones fold: write "{same[0]}"'
            )
        near = near_names(name, names) or names[:6]
        advice = "the streams are: " + ", ".join(f'"{each}"' for each in near)
        return self.problems.error(place, f"unknown stream {name}", advice)

    # Planning

    def lookup(self, place: exp.Expr, name: str) -> Sequence[Relation]:
        """What fills a stream that a FROM names."""
        if name == self.source.name:
            return [self.source.relation()]
        stream = self.streams.get(name)
        if stream is None:
            raise self._unknown_stream(place, name)
        stream.is_read = True
        if not stream.pumps and self.incomplete:
            raise SkippedError("", 1, 1)
        if not stream.pumps:
            raise self.problems.error(
                place, f'no pump fills the stream "{name}"', "write a pump into it, or select from another"
            )
        return self.relations(stream)

    def relations(self, stream: Stream) -> list[Relation]:
        """What a stream's pumps put into it, with the declared names and types."""
        if stream.relations is not None:
            return stream.relations
        if stream.in_progress:
            raise self.problems.error(stream.place, f'the stream "{stream.name}" is filled from itself')
        stream.in_progress = True
        found: list[Relation] = []
        for pump in stream.pumps:
            try:
                for relation in plan_query(pump.query, self.lookup, self.problems):
                    found.append(self._insert(stream, pump, relation))
            except SqlError as error:
                self.problems.add(error)
        stream.in_progress = False
        stream.relations = found
        return found

    def _insert(self, stream: Stream, pump: Pump, relation: Relation) -> Relation:
        columns = list(relation.columns)
        if len(columns) == len(pump.columns) + 1 and sum(each.name == "ROWTIME" for each in columns) == 1:
            columns = [each for each in columns if each.name != "ROWTIME"]  # expr AS ROWTIME sets the row's time
        if len(columns) != len(pump.columns):
            if self.problems.found:
                return replace(relation, columns=())
            raise self.problems.error(
                pump.query,
                f'the SELECT has {len(columns)} columns, and "{stream.name}" takes {len(pump.columns)}',
                "they are matched by position",
            )
        values: dict[str, Typed] = {}
        for column, target in zip(columns, pump.columns, strict=True):
            try:
                values[target.name] = self._assign(pump, column, target)
            except SqlError as error:
                self.problems.add(error)
        conditions = list(relation.conditions)
        filled = []
        for target in stream.columns:
            value = values.get(target.name) or adopt(NULL_LITERAL, target.type)
            if target.not_null and relation.window is None:
                value = Typed(
                    {"call": "not_null", "args": [value.node]}, value.type, size=value.size + 1, depth=value.depth + 1
                )
            elif target.not_null:
                conditions.append({"op": "is_not_null", "args": [value.node]})
            filled.append(RelationColumn(target.name, value))
        return replace(
            relation,
            columns=tuple(filled),
            conditions=tuple(conditions),
            pumps=(pump.name, *relation.pumps),
            of_source=False,
        )

    def _assign(self, pump: Pump, column: RelationColumn, target: StreamColumnDefinition) -> Typed:
        value = column.value
        if value.is_null:
            return adopt(value, target.type)
        if kind_of(value.type) != kind_of(target.type):
            place = _item_place(pump.query, column.name)
            raise self.problems.error(
                place,
                f'column "{target.name}" is {target.type}, and its value {value.type}',
                _assign_advice(value, target),
            )
        if value.type == target.type:
            return value
        return Typed(
            {"cast": value.node, "type": str(target.type)}, target.type, size=value.size + 1, depth=value.depth + 1
        )

    # Outputs

    def outputs(self, bound: list[str] | None) -> tuple[list[dict[str, Any]], list[str]]:
        """The plan's outputs, and the streams they belong to."""
        for stream in self.streams.values():
            if stream.pumps:
                self.relations(stream)
        self.problems.check()
        chosen = self._chosen(bound)
        entries = []
        for stream in chosen:
            relations = self.relations(stream)
            for relation in relations:
                name = stream.name if len(relations) == 1 else "/".join((stream.name, *relation.pumps))
                entries.append(make_output(name, stream, relation, self.source.is_event_time))
        streams = [stream.name for stream in chosen]
        if bound is not None and ERROR_STREAM in bound:
            entries.append(error_output_node())
            streams.append(ERROR_STREAM)
        return entries, streams

    def _chosen(self, bound: list[str] | None) -> list[Stream]:
        if bound is None:
            chosen = [each for each in self.streams.values() if each.pumps and not each.is_read]
            if not chosen:
                raise self.problems.error(
                    0, "the program has no output", "write a pump into a stream that no pump reads"
                )
            return chosen
        chosen = []
        for name in bound:
            if name == ERROR_STREAM:
                continue
            stream = self.streams.get(name)
            if stream is None:
                error = self._unknown_stream(exp.Identifier(this=name), name)
                advice = error.advice.replace("write", "write it in pipeline.toml as")
                raise self.problems.error(
                    0, f'pipeline.toml binds the output "{name}", which the program does not make', advice
                )
            if not stream.pumps:
                raise self.problems.error(stream.place, f'no pump fills the output "{name}"', "write a pump into it")
            chosen.append(stream)
        for stream in self.streams.values():
            if stream.pumps and stream not in chosen and not stream.is_read:
                self.problems.notes.append(
                    f'the stream "{stream.name}" has no destination in pipeline.toml: it is left out'
                )
        return chosen


def _assign_advice(value: Typed, target: StreamColumnDefinition) -> str:
    if value.type == INTERVAL:
        return "CAST it to BIGINT, in its unit, or use TSDIFF"
    return "select a COLUMN of it" if value.type == RECORD else f"CAST it to {target.type}"


def _item_place(query: exp.Expr, name: str) -> exp.Expr:
    """The item of a SELECT list that made a column."""
    select = query.find(exp.Select)
    items: list[exp.Expr] = select.expressions if select is not None else []
    for item in items:
        alias = item.args.get("alias") if isinstance(item, exp.Alias) else getattr(item, "this", None)
        if isinstance(alias, exp.Identifier) and name in (str(alias.this), str(alias.this).upper()):
            return item
    number = name.removeprefix("EXPR$")
    return items[min(int(number), len(items) - 1)] if items and number.isdigit() else query


IsEventTime = Callable[[Mapping[str, Any]], bool]


def make_output(name: str, stream: Stream, relation: Relation, is_event_time: IsEventTime) -> dict[str, Any]:
    """An output of the plan."""
    from streamtally.sql.shaping import column_entry, conjunction, row_time, with_event_time

    def shape(node: Any) -> Any:
        return with_event_time(node, is_event_time)

    columns = [
        column_entry(each.name, each.type, shape(column.value.node))
        for each, column in zip(stream.columns, relation.columns, strict=True)
    ]
    entry: dict[str, Any] = {"name": name, "pump": relation.pumps[0]}
    if name != stream.name:
        entry["stream"] = stream.name
    window = relation.window
    if window is None:
        where = shape(conjunction(relation.conditions))
        time = row_time(shape(relation.rowtime.node), columns)
        return {**entry, "kind": "row", "time": time, "where": where, "columns": columns}
    if window.expand is not None:
        entry["expand"] = window.expand
    return {
        **entry,
        "kind": "windowed",
        "time": shape(window.time),
        "window_ms": window.window_ms,
        "where": shape(conjunction(window.where)),
        "keys": [{**key, "expr": shape(key["expr"])} for key in window.keys],
        "aggregates": [{**each, "argument": shape(each["argument"])} for each in window.aggregates],
        "columns": columns,
        "having": shape(conjunction(relation.conditions)),
    }
