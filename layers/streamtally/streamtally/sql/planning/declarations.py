"""The declarations of a program: its streams, and the pumps that fill them."""

from __future__ import annotations

import re

from sqlglot import exp

from streamtally.config.outputs import ERROR_STREAM
from streamtally.errors import SqlError
from streamtally.plan.reserved import why_reserved
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import NULL_LITERAL
from streamtally.sql.grammar.allowed import check_name, stored_name
from streamtally.sql.grammar.nodes import CreatePump, CreateStream
from streamtally.sql.planning.program_streams import Pump, SourceStream, Stream, StreamColumnDefinition
from streamtally.sql.planning.relations import Relation, RelationColumn, RelationNames
from streamtally.sql.problems import Problems, SkippedError
from streamtally.text import near_names


class Declarations:
    """Collects the declarations of statements in order.

    Attributes:
        streams: the streams by name, each with its pumps.
        reads_source: whether a statement reads the source's stream.
        incomplete: whether statements were refused, so that something missing may have been declared there.
    """

    def __init__(self, problems: Problems, source: SourceStream) -> None:
        self.problems = problems
        self.source = source
        self.streams: dict[str, Stream] = {}
        self.incomplete = False
        self.reads_source = False
        self._pump_names: set[str] = set()

    def add(self, tree: exp.Expr) -> None:
        """Add a statement; its problems are collected."""
        names = (
            stored_name(table.this) for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Identifier)
        )
        self.reads_source = self.reads_source or self.source.name in names
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
            raise self.problems.error(tree.this, f'the stream "{name}" is declared twice', "rename one of them")
        if name == self.source.name or name.lower() == ERROR_STREAM:
            raise self.problems.error(tree.this, f'the stream "{name}" already exists', "choose another name")
        if name in self.source.tables:
            raise self.problems.error(tree.this, f'"{name}" is a reference table', "rename the stream or the table")
        columns: list[StreamColumnDefinition] = []
        translator = Translator(self.problems, RelationNames(Relation(()), "", self.problems))
        for expression in tree.expressions:
            try:
                column = check_name(expression.this, self.problems)
                if column in {other.name for other in columns}:
                    raise self.problems.error(expression.this, f'the column "{column}" is declared twice')
                if why := why_reserved(column):
                    raise self.problems.error(expression.this, f'a column cannot be named "{column}"', why)
                sql_type = translator.type_of(expression.args["kind"])
                columns.append(StreamColumnDefinition(column, sql_type, bool(expression.args.get("not_null"))))
            except SqlError as error:
                self.problems.add(error)
        self.streams[name] = Stream(name, columns, tree.this)

    def _add_pump(self, tree: CreatePump) -> None:
        name = check_name(tree.this, self.problems)
        if name in self._pump_names:
            raise self.problems.error(tree.this, f'the pump "{name}" is declared twice', "rename one of them")
        self._pump_names.add(name)
        target = check_name(tree.args["target"], self.problems)
        stream = self.streams.get(target)
        if stream is None:
            raise self.unknown_stream(tree.args["target"], target)
        if tree.args.get("stopped"):
            self.problems.note(tree.this, f'the pump "{name}" is STOPPED: it is left out')
            return
        stream.pumps.append(Pump(name, self._target_columns(stream, tree), tree.expression))

    def _target_columns(self, stream: Stream, tree: CreatePump) -> list[StreamColumnDefinition]:
        named = tree.args.get("columns")
        if not named:
            return stream.columns
        known = {column.name: column for column in stream.columns}
        chosen: list[StreamColumnDefinition] = []
        for identifier in named:
            column = str(identifier.this) if identifier.args.get("quoted") else str(identifier.this).upper()
            if column not in known:
                relation = Relation(tuple(RelationColumn(name, NULL_LITERAL) for name in known))
                names = RelationNames(relation, "", self.problems)
                raise names.unknown(identifier, column, bool(identifier.args.get("quoted")))
            if known[column] in chosen:
                raise self.problems.error(identifier, f'the column "{column}" is listed twice')
            chosen.append(known[column])
        return chosen

    def is_parallel_input(self, name: str) -> bool:
        """Whether it is one of the source's further streams: with InputParallelism, its rows are dealt out to several.

        Here the first stream has all rows, so it must be read too.
        """
        prefix = self.source.name.removesuffix("001")
        number = name.removeprefix(prefix)
        numbered = prefix != self.source.name and name.startswith(prefix) and re.fullmatch(r"[0-9]{3}", number)
        return bool(numbered) and self.reads_source

    def unknown_stream(self, origin: exp.Expr, name: str, is_lacking: bool = True) -> SqlError:
        """The error for the name of a stream that does not exist. Args: is_lacking: whether the program needs it."""
        if self.incomplete:
            return SkippedError("", 1, 1)
        names = [*self.streams, self.source.name, *self.source.tables]
        same = [known for known in names if known.upper() == name.upper()]
        if same:
            advice = f'names are case-sensitive and unquoted names fold to upper case: write "{same[0]}"'
            return self.problems.error(origin, f"unknown stream {name}", advice)
        near = near_names(name, names)
        advice = "the streams are: " + ", ".join(f'"{known}"' for known in near or names[:6])
        if is_lacking and not near:
            advice = (
                f'the program lacks its CREATE STREAM; or, if it is the source, write stream_name = "{name}" under '
                f'[source] in pipeline.toml, in place of "{self.source.name}"'
            )
        return self.problems.error(origin, f"unknown stream {name}", advice)
