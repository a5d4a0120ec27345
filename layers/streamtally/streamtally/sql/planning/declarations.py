"""What a program declares: its streams, and the pumps into them."""

from __future__ import annotations

from sqlglot import exp

from streamtally.config.outputs import ERROR_STREAM
from streamtally.errors import SqlError
from streamtally.plan.reserved import why_reserved
from streamtally.sql.expressions.translator import Translator
from streamtally.sql.expressions.typed import NULL_LITERAL
from streamtally.sql.grammar.allowed import check_name
from streamtally.sql.grammar.nodes import CreatePump, CreateStream
from streamtally.sql.planning.program_streams import Pump, SourceStream, Stream, StreamColumnDefinition
from streamtally.sql.planning.relations import Relation, RelationColumn, RelationNames
from streamtally.sql.problems import Problems, SkippedError
from streamtally.text import near_names


class Declarations:
    """Takes statements in order.

    Attributes:
        streams: by name, each with its pumps.
        incomplete: whether statements are missing that were refused, so that what is not there may yet have been
            written.
    """

    def __init__(self, problems: Problems, source: SourceStream) -> None:
        self.problems = problems
        self.source = source
        self.streams: dict[str, Stream] = {}
        self.incomplete = False
        self._pump_names: set[str] = set()

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
        for expression in tree.expressions:
            try:
                column = check_name(expression.this, self.problems)
                if column in {other.name for other in columns}:
                    raise self.problems.error(expression.this, f'the column "{column}" is there twice')
                if why := why_reserved(column):
                    raise self.problems.error(expression.this, f'a column cannot be called "{column}"', why)
                of = translator.type_of(expression.args["kind"])
                columns.append(StreamColumnDefinition(column, of, bool(expression.args.get("not_null"))))
            except SqlError as error:
                self.problems.add(error)
        self.streams[name] = Stream(name, columns, tree.this)

    def _add_pump(self, tree: CreatePump) -> None:
        name = check_name(tree.this, self.problems)
        if name in self._pump_names:
            raise self.problems.error(tree.this, f'the pump "{name}" is there twice', "give one of them another name")
        self._pump_names.add(name)
        target = check_name(tree.args["target"], self.problems)
        stream = self.streams.get(target)
        if stream is None:
            raise self.unknown_stream(tree.args["target"], target)
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

    def unknown_stream(self, place: exp.Expr, name: str) -> SqlError:
        """What to say of a name that no stream has."""
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
