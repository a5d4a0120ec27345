"""The columns of a source that nothing describes: their names from a program, and their types by how it uses them.

A program names its source's columns exactly. Their types show in what they are compared with, in the functions that
take them, and in the columns of the streams into which they are put. None of this is certain, so it is always shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from streamtally.errors import SettingsError
from streamtally.plan.types import BOOLEAN, DOUBLE, SqlType, parse_type
from streamtally.sql.expressions.calls import function_name
from streamtally.sql.expressions.names import TODAY
from streamtally.sql.grammar.allowed import stored_name
from streamtally.sql.grammar.nodes import CreatePump, CreateStream, WindowRange
from streamtally.sql.grammar.refusals import RANDOM_CUT_FORESTS
from streamtally.sql.inferred_types import asked_of_parts, most_likely
from streamtally.sql.signatures import NOW

_PSEUDO = frozenset({"ROWTIME", "APPROXIMATE_ARRIVAL_TIME", "SHARD_ID", "PARTITION_KEY", "SEQUENCE_NUMBER"})
_SCORES = frozenset({"ANOMALY_SCORE", "ANOMALY_EXPLANATION"})
"""What RANDOM_CUT_FOREST adds to the rows that it reads."""
_MAX_DEPTH = 60


Votes = list[tuple[SqlType, bool]]
"""The types that the uses of a column ask for."""


@dataclass
class InferredColumns:
    """What a program says about its source, or about a reference table.

    Attributes:
        votes: column → the types that its uses ask for; a type and whether only a number of some kind is asked for.
        every: the columns that ``*`` stands for, if a pump fills a stream with ``*``.
        tables: the reference tables that it is joined with, as far as the program does not declare them.
    """

    votes: dict[str, Votes] = field(default_factory=dict)
    every: list[str] | None = None
    tables: dict[str, InferredColumns] = field(default_factory=dict)

    def types(self) -> dict[str, SqlType]:
        """The most likely type of each column, in the order of their first use."""
        return {name: most_likely(votes) for name, votes in self.votes.items()}


def infer_columns(trees: Iterable[exp.Expr], source: str) -> InferredColumns:
    """What the statements of a program say about the columns of the stream ``source``."""
    trees = list(trees)
    streams = {
        stored_name(tree.this): {stored_name(column.this): _declared(column) for column in tree.expressions}
        for tree in trees
        if isinstance(tree, CreateStream)
    }
    inferred = InferredColumns(tables={name: InferredColumns() for name in _joined_tables(trees, source)})
    reader = _Reader(source, inferred, streams)
    for tree in trees:
        if isinstance(tree, CreatePump) and (target := streams.get(stored_name(tree.args["target"]))) is not None:
            named = tree.args.get("columns")
            columns = [stored_name(column) for column in named] if named else list(target)
            wanted = {name: target.get(name) for name in columns}
            for query in _selects(tree.expression):
                reader.read(query, wanted)
    for one, other in reader.compared:  # what is compared is of one type
        one.extend(other if not one else ())
        other.extend(one if not other else ())
    return inferred


def _joined_tables(trees: Sequence[exp.Expr], source: str) -> list[str]:
    """What the program joins, and neither declares nor has as its source: taken for reference tables."""
    unknown = {name for name in undeclared_streams(trees) if name != source and not _NUMBERED.fullmatch(name)}
    joined: list[str] = []
    for tree in trees:
        for query in tree.find_all(exp.Select):
            joins = query.args.get("joins") or ()
            clause = query.args.get("from_")  # without it, the program is refused when it is planned
            origins = [clause.this, *(join.this for join in joins)] if joins and clause is not None else []
            joined += [name for name in map(_table_name, origins) if name in unknown]
    return list(dict.fromkeys(joined))


def _table_name(origin: exp.Expr) -> str:
    """The stored name of the stream or table in a FROM; empty for anything else."""
    is_named = isinstance(origin, exp.Table) and isinstance(origin.this, exp.Identifier)
    return stored_name(origin.this) if is_named else ""


_NUMBERED = re.compile(r".*_[0-9]{3}")
"""The streams of a source are numbered: NAME_PREFIX_001 and, with InputParallelism, further ones."""


def undeclared_streams(trees: Iterable[exp.Expr]) -> list[str]:
    """The streams that a program reads but does not declare."""
    trees = list(trees)
    declared = {stored_name(tree.this) for tree in trees if isinstance(tree, CreateStream)}
    read = [
        stored_name(table.this)
        for tree in trees
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier)
    ]
    return [name for name in dict.fromkeys(read) if name not in declared]


def _declared(column: exp.Expr) -> SqlType | None:
    try:
        return parse_type(str(column.args["kind"].this))
    except SettingsError:
        return None


def _selects(query: exp.Expr) -> Iterator[exp.Select]:
    if isinstance(query, exp.Select):
        yield query
    elif isinstance(query, exp.Subquery):
        yield from _selects(query.this)


class _Scope:
    """The names of one SELECT: columns of the source, or items of a subquery."""

    def __init__(self, query: exp.Select, source: str, tables: Collection[str] = ()) -> None:
        clause = query.args.get("from_")
        origin = clause.this if clause is not None else None
        joins = [join.this for join in query.args.get("joins") or ()]
        if origin is not None and joins and _table_name(origin) in tables:
            origin, joins = joins[0], [origin, *joins[1:]]
        self.tables = {_alias_of(join): _table_name(join) for join in joins if _table_name(join) in tables}
        self.owners = _owners(query, self.tables)
        self.stream = _table_name(origin) if origin is not None else ""
        alias = origin.args.get("alias") if origin is not None else None
        self.alias = stored_name(alias.this) if alias is not None and alias.this else ""
        self.of_source = False
        self.items: dict[str, exp.Expr] = {}
        self.inner: _Scope | None = None
        self.query = query
        self.is_call = False
        if isinstance(origin, exp.Table) and isinstance(origin.this, exp.Identifier):
            self.of_source = stored_name(origin.this) == source
            self.alias = self.alias or stored_name(origin.this)
        elif isinstance(origin, exp.Subquery) and (inner := next(_selects(origin), None)) is not None:
            self.inner = _Scope(inner, source)
            self.items = {_name_of(item): item for item in inner.expressions}
        elif isinstance(origin, exp.Table):
            self.is_call = True
            if (inner := _forest_rows(origin)) is not None:
                self.inner = _Scope(inner, source)
                self.items = {_name_of(item): item for item in inner.expressions}


def _forest_rows(origin: exp.Table) -> exp.Select | None:
    """The SELECT whose rows a RANDOM_CUT_FOREST scores; None: FROM has none."""
    for call in origin.find_all(exp.Anonymous):
        parent = call.parent
        is_forest = isinstance(parent, exp.Anonymous) and function_name(parent) in RANDOM_CUT_FORESTS
        if is_forest and function_name(call) == "CURSOR":
            return next((select for argument in call.expressions for select in _selects(argument)), None)
    return None


def _owners(query: exp.Select, tables: Mapping[str, str]) -> dict[str, str]:
    """The columns that a SELECT names with a reference table, and with nothing else: column → the table's alias."""
    owners: dict[str, set[str]] = {}
    for column in query.find_all(exp.Column) if tables else ():
        if isinstance(column.this, exp.Identifier) and (table := column.args.get("table")) is not None:
            owners.setdefault(stored_name(column.this), set()).add(stored_name(table))
    alone = {name: next(iter(aliases)) for name, aliases in owners.items() if len(aliases) == 1}
    return {name: alias for name, alias in alone.items() if alias in tables}


def _alias_of(origin: exp.Expr) -> str:
    alias = origin.args.get("alias")
    return stored_name(alias.this) if alias is not None and alias.this else _table_name(origin)


def _name_of(item: exp.Expr) -> str:
    if isinstance(item, exp.Alias):
        return stored_name(item.args["alias"])
    return stored_name(item.this) if isinstance(item, exp.Column) and isinstance(item.this, exp.Identifier) else ""


class _Reader:
    """Reads the columns of a source in a query, with the types that their uses ask for."""

    def __init__(self, source: str, into: InferredColumns, streams: Mapping[str, Mapping[str, SqlType | None]]) -> None:
        self.source = source
        self.into = into
        self.streams = streams
        self.compared: list[tuple[Votes, Votes]] = []
        self.depth = 0

    def read(self, query: exp.Select, wanted: Mapping[str, SqlType | None]) -> None:
        """Read a query. Args: wanted: the columns that its items fill, by position."""
        scope = _Scope(query, self.source, self.into.tables)
        self._from(query, scope)
        items = list(query.expressions)
        if len(items) == len(wanted) + 1:
            items = [item for item in items if _name_of(item) != "ROWTIME"]
        if len(items) == 1 and isinstance(items[0], exp.Star) and scope.of_source and not scope.tables:
            self._star(wanted)
        targets = list(wanted.values()) if len(items) == len(wanted) else [None] * len(items)
        for item, target in zip(items, targets, strict=True):
            self.visit(item.this if isinstance(item, exp.Alias) else item, scope, target)
        for clause, want in (("where", BOOLEAN), ("having", BOOLEAN)):
            if (condition := query.args.get(clause)) is not None:
                self.visit(condition.this, scope, want)
        for ordered in query.args["order"].expressions if query.args.get("order") is not None else ():
            if _name_of(ordered.this) not in {_name_of(item) for item in query.expressions}:
                self.visit(ordered.this, scope, None)
        group = query.args.get("group")
        for term in group.expressions if group is not None else ():
            self.visit(term, scope, None)
        for key in (key for window in query.find_all(WindowRange) for key in window.expressions):
            self.visit(key, scope, None)

    def _from(self, query: exp.Select, scope: _Scope) -> None:
        origin = query.args["from_"].this if query.args.get("from_") is not None else None
        for join in query.args.get("joins") or ():
            if (condition := join.args.get("on")) is not None:
                self.visit(condition, scope, BOOLEAN)
        if scope.inner is not None and not scope.is_call:
            self.read(scope.inner.query, {})
        if not scope.is_call or origin is None:
            return
        for call in origin.find_all(exp.Anonymous):
            if function_name(call) != "CURSOR":
                continue
            for inner in (select for argument in call.expressions for select in _selects(argument)):
                is_scored = scope.inner is not None and inner is scope.inner.query and len(inner.expressions) == 1
                self.read(inner, {"": DOUBLE} if is_scored and not isinstance(inner.expressions[0], exp.Star) else {})
                name = (
                    call.parent.expressions[1] if call.parent is not None and len(call.parent.expressions) > 1 else None
                )
                if isinstance(name, exp.Literal) and name.is_string and _Scope(inner, self.source).of_source:
                    self.into.votes.setdefault(str(name.this).strip('"'), [])

    def _star(self, wanted: Mapping[str, SqlType | None]) -> None:
        if self.into.every is None and wanted:  # a subquery or a CURSOR fills no columns that are known here
            self.into.every = list(wanted)
        for name, sql_type in wanted.items():
            self._vote(name, sql_type)

    def _vote(self, name: str, want: SqlType | None, is_weak: bool = False) -> None:
        votes = self.into.votes.setdefault(name, [])
        if want is not None:
            votes.append((want, is_weak))

    def visit(self, node: exp.Expr, scope: _Scope, want: SqlType | None, is_weak: bool = False) -> None:
        """Read an expression. Args: want: its type, as its use asks for; is_weak: any number will do."""
        if isinstance(node, exp.Column):
            self._column(node, scope, want, is_weak)
            return
        if self.depth > _MAX_DEPTH:
            return
        self.depth += 1
        if isinstance(node, exp.EQ) and scope.tables:
            self._compare(node, scope)
        for child, wanted, weak in asked_of_parts(node, want, is_weak):
            self.visit(child, scope, wanted, weak)
        self.depth -= 1

    def _compare(self, node: exp.EQ, scope: _Scope) -> None:
        sides = [self._votes_of(side, scope) for side in (node.this, node.expression) if isinstance(side, exp.Column)]
        if len(sides) == 2 and sides[0] is not None and sides[1] is not None:
            self.compared.append((sides[0], sides[1]))

    def _votes_of(self, node: exp.Column, scope: _Scope) -> Votes | None:
        """The votes on a column of a table or of the source, or the type of one that is declared; None: of another."""
        if not isinstance(node.this, exp.Identifier) or node.args.get("db"):
            return None
        name, table = stored_name(node.this), self._table_of(node, scope)
        if table is not None:
            return self.into.tables[table].votes.setdefault(name, [])
        if scope.of_source and name not in _PSEUDO:
            return self.into.votes.setdefault(name, [])
        declared = self.streams.get(scope.stream, {}).get(name)
        return [(declared, False)] if declared is not None else None

    def _table_of(self, node: exp.Column, scope: _Scope) -> str | None:
        """The reference table of a column: by its qualifier, which may stand elsewhere in the SELECT, or because the
        stream beside it has no such column.
        """
        table = node.args.get("table")
        if table is not None:
            return scope.tables.get(stored_name(table))
        columns = self.streams.get(scope.stream)
        if columns is None and stored_name(node.this) in scope.owners:
            return scope.tables[scope.owners[stored_name(node.this)]]
        if len(scope.tables) != 1 or columns is None or stored_name(node.this) in {*columns, *_PSEUDO}:
            return None
        return next(iter(scope.tables.values()))

    def _column(self, node: exp.Column, scope: _Scope, want: SqlType | None, is_weak: bool) -> None:
        if not isinstance(node.this, exp.Identifier) or node.args.get("db"):
            return
        name, table = stored_name(node.this), node.args.get("table")
        if (joined := self._table_of(node, scope)) is not None:
            votes = self.into.tables[joined].votes.setdefault(name, [])
            votes += [(want, is_weak)] if want is not None else []
            return
        quoted = bool(node.this.args.get("quoted"))
        if (table is not None and stored_name(table) != scope.alias) or name in _PSEUDO:
            return
        if table is None and not quoted and (name in NOW or name in TODAY):
            return
        if scope.is_call and name in _SCORES:
            return
        if scope.of_source:
            self._vote(name, want, is_weak)
        elif scope.inner is not None and name in scope.items:
            item = scope.items[name]
            self.visit(item.this if isinstance(item, exp.Alias) else item, scope.inner, want, is_weak)
        elif (
            scope.inner is not None
            and scope.inner.of_source
            and any(isinstance(i, exp.Star) for i in scope.items.values())
        ):
            self._vote(name, want, is_weak)
