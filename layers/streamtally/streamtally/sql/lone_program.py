"""A program alone: no pipeline says which columns its source has, so they are inferred from the program itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from sqlglot import exp

from streamtally.errors import SqlError, SqlProgramError, SqlSyntaxError, UnsupportedSqlError
from streamtally.plan.sliding import step_name
from streamtally.plan.types import BIGINT, BOOLEAN, DOUBLE, TIMESTAMP, VARCHAR, SqlType
from streamtally.sql.grammar.allowed import stored_name
from streamtally.sql.grammar.statements import parse_program
from streamtally.sql.inference import InferredColumns, infer_columns, undeclared_streams
from streamtally.sql.planning.program_streams import SourceStream
from streamtally.sql.problems import Note, Problems, SourceText, offset_of, printable
from streamtally.sql.program import Program, compile_program

_SOURCE_NAME = re.compile(r".*_001")
"""Kinesis Analytics numbers the streams of a source: NAME_PREFIX_001 …"""
_LIKE_TEXT = re.compile(r"[\s<>&%]|^$")
"""Characters of texts. Kinesis Analytics allows no name of a column with them (RecordColumn, Name), except for %, which
patterns of LIKE have; nor with a hyphen, but columns of other sources, such as W3C logs, do have hyphens."""
_OTHER_TYPES = (VARCHAR, DOUBLE, TIMESTAMP, BIGINT, BOOLEAN)
_MAX_TRIALS = 80


@dataclass(frozen=True, slots=True)
class LoneProgram:
    """A compiled program, and what was inferred of its source.

    Attributes:
        types: the inferred columns and their types.
        stream_name: the source's stream, if it is not the one that was assumed.
        tables: the inferred reference tables: name → columns and their types.
        sliding: the outputs with sliding windows, and of what these are composed (``sliding`` in ``pipeline.toml``).
    """

    program: Program
    types: Mapping[str, SqlType]
    stream_name: str | None = None
    tables: Mapping[str, Mapping[str, SqlType]] = field(default_factory=dict)
    sliding: Mapping[str, str] = field(default_factory=dict)


def compile_lone(
    text: str,
    source: SourceStream,
    is_open: bool,
    without: Collection[str] = (),
    to_flink: bool = False,
    slides: bool = False,
    detects: bool = False,
) -> LoneProgram:
    """Compile a program whose source may have columns that nothing describes.

    What compiles with the columns of ``source`` alone is compiled with these.

    Args:
        is_open: whether lines may have other columns than those of ``source``.
        without: pumps to leave out.
        to_flink: whether it is for Flink.
        slides: whether sliding windows are composed of minutes or seconds, as nothing says that they are not.
        detects: whether RANDOM_CUT_FOREST becomes an anomaly detector.
    Raises: SqlProgramError: every problem of the program.
    """
    sliding: Mapping[str, str] | None = None if slides and not to_flink else {}
    try:
        program = compile_program(text, source, without=without, sliding=sliding, detects=detects, to_flink=to_flink)
        return LoneProgram(program, {}, sliding=_sliding_of(program))
    except SqlProgramError as error:
        lone = _Lone(text, source, without, to_flink, sliding, detects)
        if not is_open:
            lone.types, lone.differing, lone.every = {}, {}, None
        if not lone.types and not lone.tables:
            raise
        return lone.compile(error)


def _sliding_of(program: Program) -> dict[str, str]:
    windows = ((planned.stream.name, planned.relation.window) for planned in program.planned)
    return {
        name: step_name(window.inner_ms)
        for name, window in windows
        if window is not None and window.sliding is not None
    }


class _Lone:
    """A program with the columns and the name of its source that are inferred from it.

    Attributes:
        types: the columns that the source does not have, with the types that their uses ask for.
        differing: those that it has, whose uses ask for another kind of type.
        tables: the reference tables that nothing describes.
    """

    def __init__(
        self,
        text: str,
        source: SourceStream,
        without: Collection[str],
        to_flink: bool,
        sliding: Mapping[str, str] | None,
        detects: bool,
    ) -> None:
        self.text = text
        self.detects = detects
        self.sliding = sliding
        self.to_flink = to_flink
        self.given = source
        self.without = without
        trees = _trees(text, without, to_flink, detects)
        self.trees = trees
        self.source = replace(source, name=_source_name(trees, source.name))
        inferred = infer_columns(trees, self.source.name)
        self.types = _unknown(inferred, source)
        self.every = inferred.every
        self.tables = {name: table.types() for name, table in inferred.tables.items() if table.votes}
        given = {**source.columns, **source.by_role}
        self.differing = {
            name: sql_type
            for name, sql_type in inferred.types().items()
            if name in given and inferred.votes[name] and sql_type.kind != given[name].kind
        }

    def compile(self, first: SqlProgramError) -> LoneProgram:
        """Compile it. Raises: SqlProgramError: ``first``, or the problems that remain with the inferred columns."""
        best: SqlProgramError | None = None
        number, with_differing = 0, 1 if self.differing else 0
        for types, tables in islice(self._trials_with_tables(), _MAX_TRIALS):
            try:
                program = compile_program(
                    self.text,
                    self._described(types, tables),
                    without=self.without,
                    sliding=self.sliding,
                    detects=self.detects,
                    to_flink=self.to_flink,
                )
            except SqlProgramError as error:
                if best is None or len(error.problems) < len(best.problems):
                    best, self.types, self.tables = error, types, tables
                if number >= with_differing and _is_refused(error):
                    raise  # no other type of a column makes it compile
                number += 1
                continue
            program = replace(program, remarks=[*program.remarks, *self._doubts(types)])
            name = self.source.name if self.source.name != self.given.name else None
            return LoneProgram(program, types, name, tables, _sliding_of(program))
        raise best or first

    def _doubts(self, types: Mapping[str, SqlType]) -> Iterator[Note]:
        """A note for each inferred column whose name looks like a text."""
        text = SourceText(self.text)
        for name in types:
            if _LIKE_TEXT.search(name):
                identifiers = (node for tree in self.trees for node in tree.find_all(exp.Identifier))
                offsets = [offset_of(node) for node in identifiers if stored_name(node) == name]
                lines = sorted({text.position(offset)[0] for offset in offsets})
                shown = printable(name[:60])
                advice = "if it is text, write it in single quotes: '{}'".format(shown.replace("'", "''"))
                yield Note(f'"{shown}" is taken for a column of the source; {advice}', tuple(lines))

    def _trials_with_tables(self) -> Iterator[tuple[dict[str, SqlType], dict[str, dict[str, SqlType]]]]:
        """Those of the source's columns, then those of the tables' columns, one after the other."""
        yield from ((types, self.tables) for types in self._trials())
        for name, columns in list(self.tables.items()):
            for column in list(columns):
                for other in _OTHER_TYPES:
                    yield self.types, {**self.tables, name: {**self.tables[name], column: other}}

    def _trials(self) -> Iterator[dict[str, SqlType]]:
        """The types to try: as inferred, then with another type for one column after the other.

        A column that the source has keeps its type, unless the program puts it to a use of another kind.
        """
        yield dict(self.types)
        if self.differing:
            self.types |= self.differing
            yield dict(self.types)
        for column in list(self.types):
            for other in _OTHER_TYPES:
                yield {**self.types, column: other}

    def _described(self, types: Mapping[str, SqlType], tables: Mapping[str, Mapping[str, SqlType]]) -> SourceStream:
        given = {**self.given.columns, **self.given.by_role}
        names = self.every if self.every is not None else types
        columns = {name: types.get(name) or given[name] for name in names}
        hidden = {name: sql_type for name, sql_type in {**given, **types}.items() if name not in columns}
        return replace(self.source, columns=columns, by_role=hidden, tables=tables)


def _is_refused(error: SqlProgramError) -> bool:
    return any(isinstance(problem, UnsupportedSqlError | SqlSyntaxError) for problem in error.problems)


def _trees(text: str, without: Collection[str], to_flink: bool, detects: bool) -> list[exp.Expr]:
    try:
        return parse_program(text, Problems(SourceText(text), detects, to_flink), without)
    except SqlError:
        return []


def _source_name(trees: Sequence[exp.Expr], assumed: str) -> str:
    """The stream of the source: the assumed one, or the only stream that is read, not declared, and named so."""
    undeclared = undeclared_streams(trees)
    named = [name for name in undeclared if _SOURCE_NAME.fullmatch(name)]
    return named[0] if assumed not in undeclared and len(named) == 1 else assumed


def _unknown(inferred: InferredColumns, source: SourceStream) -> dict[str, SqlType]:
    """The columns that the source does not have.

    If each differs from one of the source's own by nothing but upper and lower case, then the program was written for
    these columns, and its names are wrong: nothing is inferred.
    """
    given = {**source.columns, **source.by_role}
    types = inferred.types()
    unknown = {name: sql_type for name, sql_type in types.items() if name not in given}
    folded = {name.upper() for name in given}
    if all(name.upper() in folded for name in unknown) and inferred.every is None:
        return {}
    return {name: sql_type for name, sql_type in types.items() if name in unknown or name in (inferred.every or ())}
