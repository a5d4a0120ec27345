"""CREATE STREAM and CREATE PUMP."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from streamtally.sql.grammar.call_syntax import CallParser
from streamtally.sql.grammar.nodes import CreatePump, CreateStream, StreamColumn


class StatementParser(CallParser):
    """Parses one statement."""

    _depth = 0

    def _parse_statement(self) -> exp.Expr | None:
        self._depth = 0
        if self._curr.token_type is TokenType.SELECT:
            self.fail("a SELECT on its own has no destination")
        self.need("CREATE")
        if self._match_text_seq("OR"):
            self.need("REPLACE")
        if self._match_text_seq("STREAM"):
            return self.parse_create_stream()
        if self._match_text_seq("PUMP"):
            return self.parse_create_pump()
        self.fail("expected STREAM or PUMP after CREATE")

    def parse_create_stream(self) -> exp.Expr:
        name = self.need_name("the stream's name")
        self.need_paren()
        columns = [self.parse_stream_column()]
        while self._match(TokenType.COMMA):
            columns.append(self.parse_stream_column())
        self.need_paren(left=False)
        self.parse_description()
        return self.expression(CreateStream(this=name, expressions=columns))

    def parse_stream_column(self) -> exp.Expr:
        name = self.need_name("a column's name")
        kind = self.parse_type_name()
        not_null = bool(self._match(TokenType.NOT))
        if not_null and not self._match(TokenType.NULL):
            self.fail("expected NULL after NOT")
        self.parse_description()
        return self.expression(StreamColumn(this=name, kind=kind, not_null=not_null))

    def parse_description(self) -> None:
        if self._match_text_seq("DESCRIPTION") and not self._match(TokenType.STRING):
            self.fail("expected a text in quotes after DESCRIPTION")

    def parse_create_pump(self) -> exp.Expr:
        name = self.need_name("the pump's name")
        stopped = bool(self._match_text_seq("STOPPED"))
        if not stopped:
            self._match_text_seq("STARTED")
        self.parse_description()
        self.need("AS")
        self.need("INSERT", "INTO")
        target = self.need_name("the stream to insert into")
        columns = None
        if self._match(TokenType.L_PAREN):
            columns = [self.need_name("a column's name")]
            while self._match(TokenType.COMMA):
                columns.append(self.need_name("a column's name"))
            self.need_paren(left=False)
        if self._curr.token_type not in (TokenType.SELECT, TokenType.L_PAREN):
            self.fail("expected SELECT STREAM")
        query = self._parse_select(nested=True)
        return self.expression(CreatePump(this=name, target=target, columns=columns, expression=query, stopped=stopped))

    def _parse_join(
        self,
        skip_join_token: bool = False,
        parse_bracket: bool = False,
        alias_tokens: Collection[TokenType] | None = None,
    ) -> exp.Join | None:
        token = self._curr
        if self._match(TokenType.COMMA):
            return self.expression(exp.Join(this=self.need_table(), kind=exp.Var(this=",")), token)
        if not self._match(TokenType.JOIN):
            return None
        kind = " ".join(token.text.upper().split())
        join = self.expression(exp.Join(this=self.need_table(), kind=exp.Var(this=kind)), token)
        if self._match_text_seq("ON"):
            join.set("on", self.need_expression("the condition of the join"))
        elif self._match_text_seq("USING"):
            self.need_paren()
            join.set("using", self._parse_csv(lambda: self.need_name("a column's name")))
            self.need_paren(left=False)
        return join

    def need_table(self) -> exp.Expr:
        """The table of a join."""
        table = self._parse_table()
        if table is None:
            self.fail("expected the name of a table")
        return table
