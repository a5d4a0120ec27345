"""The Kinesis Analytics dialect on top of sqlglot, which is used only as a tokenizer and expression parser.

Stock sqlglot accepts nearly anything (unknown statements become an opaque ``Command``, ``STREAM`` a column). Here the
keywords are only those of the dialect, every function call stays an ``Anonymous`` node with its name and position, and
what is optional in sqlglot but not in SQL (``THEN``, the ``AND`` of BETWEEN, an item after a comma) is required. The
parsed tree is then checked against the allow-list of :mod:`streamtally.sql.grammar.allowed`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

from streamtally.sql.grammar.call_syntax import UNITS
from streamtally.sql.grammar.nodes import IntervalLiteral, Qualified, TypedLiteral
from streamtally.sql.grammar.window_syntax import WindowParser

QUALIFIERS = frozenset({"DAY", "HOUR", "MINUTE", "SECOND", "MONTH", "YEAR"})
TYPED_LITERALS = frozenset({"TIMESTAMP", "DATE", "TIME"})
JOIN_KINDS = (
    "",
    "INNER ",
    *(f"{side} {outer}" for side in ("LEFT", "RIGHT", "FULL") for outer in ("", "OUTER ")),
    "CROSS ",
    "NATURAL ",
)

_KEYWORDS = {
    "||": TokenType.DPIPE,
    ">=": TokenType.GTE,
    "<=": TokenType.LTE,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "AND": TokenType.AND,
    "AS": TokenType.ALIAS,
    "ALL": TokenType.ALL,
    "BETWEEN": TokenType.BETWEEN,
    "CASE": TokenType.CASE,
    "DISTINCT": TokenType.DISTINCT,
    "ELSE": TokenType.ELSE,
    "END": TokenType.END,
    "ESCAPE": TokenType.ESCAPE,
    "FALSE": TokenType.FALSE,
    "FROM": TokenType.FROM,
    "GROUP BY": TokenType.GROUP_BY,
    "HAVING": TokenType.HAVING,
    "IN": TokenType.IN,
    "INTERVAL": TokenType.INTERVAL,
    "IS": TokenType.IS,
    **{f"{kind}JOIN": TokenType.JOIN for kind in JOIN_KINDS},
    "LIKE": TokenType.LIKE,
    "NOT": TokenType.NOT,
    "NULL": TokenType.NULL,
    "ON": TokenType.ON,
    "OR": TokenType.OR,
    "ORDER BY": TokenType.ORDER_BY,
    "SELECT": TokenType.SELECT,
    "SIMILAR TO": TokenType.SIMILAR_TO,
    "THEN": TokenType.THEN,
    "TRUE": TokenType.TRUE,
    "USING": TokenType.USING,
    "WHEN": TokenType.WHEN,
    "WHERE": TokenType.WHERE,
    "WINDOW": TokenType.WINDOW,
    "WINDOWED BY": TokenType.CLUSTER_BY,
}


class _Tokenizer(tokens.Tokenizer):
    COMMENTS: ClassVar[list[str | tuple[str, str]]] = ["--", "//", ("/*", "*/")]
    NESTED_COMMENTS = False
    KEYWORDS: ClassVar[dict[str, TokenType]] = _KEYWORDS
    COMMANDS: ClassVar[set[TokenType]] = set()
    SINGLE_TOKENS: ClassVar[dict[str, TokenType]] = {
        symbol: kind
        for symbol, kind in tokens.Tokenizer.SINGLE_TOKENS.items()
        if symbol in "(),.-=><+;/*%|'\"" or kind is TokenType.UNKNOWN
    }


_NAMES = {TokenType.VAR}


class _Parser(WindowParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNC_TOKENS: ClassVar[set[TokenType]] = {TokenType.VAR, TokenType.IDENTIFIER}
    NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = {}
    ID_VAR_TOKENS: ClassVar[set[TokenType]] = _NAMES
    ALIAS_TOKENS: ClassVar[set[TokenType]] = _NAMES
    TABLE_ALIAS_TOKENS: ClassVar[set[TokenType]] = _NAMES
    WINDOW_ALIAS_TOKENS: ClassVar[set[TokenType]] = _NAMES
    LAMBDAS: ClassVar[dict[TokenType, Any]] = {}
    COLUMN_OPERATORS: ClassVar[dict[TokenType, Any]] = {TokenType.DOT: None}
    STRING_ALIASES = False
    OPERATION_MODIFIERS: ClassVar[set[str]] = set()
    RANGE_PARSERS: ClassVar[dict[TokenType, Any]] = {
        kind: parser.Parser.RANGE_PARSERS[kind]
        for kind in (TokenType.BETWEEN, TokenType.IN, TokenType.IS, TokenType.LIKE, TokenType.SIMILAR_TO)
    }
    PRIMARY_PARSERS: ClassVar[dict[TokenType, Any]] = {
        TokenType.STRING: parser.Parser.STRING_PARSERS[TokenType.STRING],
        TokenType.NUMBER: parser.Parser.NUMERIC_PARSERS[TokenType.NUMBER],
        TokenType.NULL: lambda self, token: self.expression(exp.Null(), token),
        TokenType.TRUE: lambda self, token: self.expression(exp.Boolean(this=True), token),
        TokenType.FALSE: lambda self, token: self.expression(exp.Boolean(this=False), token),
        TokenType.STAR: lambda self, token: self.expression(exp.Star(), token),
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"CASE": lambda self: self._parse_case()}
    QUERY_MODIFIER_PARSERS: ClassVar[dict[TokenType, Any]] = {
        **parser.Parser.QUERY_MODIFIER_PARSERS,
        TokenType.CLUSTER_BY: lambda self: ("group", self.parse_stagger()),
        TokenType.WINDOW: lambda self: ("windows", self.parse_named_windows()),
    }
    MAX_DEPTH = 120

    def _parse_disjunction(self) -> exp.Expr | None:
        # Bounded so that a malformed program ends in a message, not in a stack overflow of the interpreter.
        self._depth += 1
        if self._depth > self.MAX_DEPTH:
            self.fail(f"nested deeper than {self.MAX_DEPTH} levels")
        try:
            return super()._parse_disjunction()
        finally:
            self._depth -= 1

    def _parse_unary(self) -> exp.Expr | None:
        self._depth += 1
        if self._depth > self.MAX_DEPTH:
            self.fail(f"nested deeper than {self.MAX_DEPTH} levels")
        try:
            return super()._parse_unary()
        finally:
            self._depth -= 1

    def _parse_type(self, parse_interval: bool = True, fallback_to_identifier: bool = False) -> exp.Expr | None:
        token = self._curr
        if token.token_type is TokenType.INTERVAL:
            self._advance()
            return self.parse_interval_literal(token)
        word = token.text.upper() if token.token_type is TokenType.VAR else ""
        if word in TYPED_LITERALS and self._next.token_type is TokenType.STRING:
            self._advance(2)
            text = self.expression(exp.Literal(this=self._prev.text, is_string=True), self._prev)
            return self.expression(TypedLiteral(this=text, kind=exp.Var(this=word)), token)
        if token.token_type in self.PRIMARY_PARSERS:
            return self._parse_primary()
        return self._parse_column()

    def parse_interval_literal(self, token: Token) -> exp.Expr:
        negative = bool(self._match(TokenType.DASH))
        if not self._match(TokenType.STRING):
            self.fail("expected the interval's text in quotes, as in INTERVAL '1' MINUTE")
        text = self._prev.text
        unit, to = self.parse_qualifier()
        return self.expression(IntervalLiteral(this=text, unit=unit, to=to, negative=negative), token)

    def parse_qualifier(self) -> tuple[exp.Expr, exp.Expr | None]:
        unit = self.parse_unit()
        coarse, fine = str(unit.this), self._next.text.upper()
        # In (a - b) MINUTE TO SECOND, TO is part of the qualifier; in FLOOR(… MINUTE TO MINUTE) it is not.
        if self._curr.text.upper() == "TO" and fine in QUALIFIERS and UNITS.index(fine) > UNITS.index(coarse):
            self._advance()
            return unit, self.parse_unit()
        return unit, None

    def _parse_paren(self) -> exp.Expr | None:
        start = self._curr
        parenthesized = super()._parse_paren()
        if parenthesized is not None:
            parenthesized.update_positions(start)
        qualified = self._curr.token_type is TokenType.VAR and self._curr.text.upper() in QUALIFIERS
        if isinstance(parenthesized, exp.Paren) and qualified:
            unit, to = self.parse_qualifier()
            return self.expression(Qualified(this=parenthesized.this, unit=unit, to=to), start)
        return parenthesized

    def _parse_csv(self, parse_method: Any, sep: TokenType = TokenType.COMMA) -> list[Any]:
        # sqlglot skips missing items; here every comma must stand between two.
        item = parse_method()
        if item is None:
            if self._curr.token_type is sep:
                self.fail("expected something before the comma")
            return []
        items = [item]
        while self._match(sep):
            item = parse_method()
            if item is None:
                self.fail("expected something after the comma")
            items.append(item)
        return items

    def _parse_case(self) -> exp.Expr | None:
        token = self._prev
        operand = None if self._curr.token_type is TokenType.WHEN else self.need_expression()
        branches = []
        while self._match(TokenType.WHEN):
            condition = self.need_expression("a condition")
            self.need("THEN")
            branches.append(exp.If(this=condition, true=self.need_expression()))
        if not branches:
            self.fail("expected WHEN")
        default = self.need_expression() if self._match(TokenType.ELSE) else None
        self.need("END")
        return self.expression(exp.Case(this=operand, ifs=branches, default=default), token)

    def _parse_range(self, this: exp.Expr | None = None, parse_is: bool = False) -> exp.Expr | None:
        this = this or self._parse_bitwise()
        if self._curr.token_type is TokenType.NOT and self._next.token_type is TokenType.NULL:
            self.fail("expected IS before NOT NULL")  # sqlglot reads x NOT NULL as x IS NOT NULL
        return super()._parse_range(this, parse_is)

    def _parse_is(self, this: exp.Expr | None) -> exp.Expr | None:
        index = self._index
        negate = bool(self._match(TokenType.NOT))
        if self._match_text_seq("UNKNOWN"):
            test = self.expression(exp.Is(this=this, expression=exp.Var(this="UNKNOWN")))
            return self.expression(exp.Not(this=test)) if negate else test
        self._retreat(index)
        return super()._parse_is(this)

    def parse_stagger(self) -> exp.Expr:
        """``WINDOWED BY STAGGER (PARTITION BY keys RANGE INTERVAL …)`` as a GROUP BY of its keys."""
        token = self._curr
        self._match(TokenType.CLUSTER_BY)
        self.need("STAGGER")
        self.need_paren()
        self.need("PARTITION", "BY")
        keys = self._parse_csv(self._parse_disjunction)
        if not keys:
            self.fail("expected the keys of the window")
        self.need("RANGE")
        if not isinstance(self.need_expression("the window's length"), IntervalLiteral):
            self.fail("expected the window's length, as in RANGE INTERVAL '1' MINUTE")
        self.need_paren(left=False)
        group = self.expression(exp.Group(expressions=keys), token)
        group.meta["stagger"] = True
        return group

    def _parse_order(self, this: exp.Expr | None = None, skip_order_token: bool = False) -> exp.Expr | None:
        token = self._curr
        if not self._match(TokenType.ORDER_BY):
            return this
        terms = [self.parse_order_term()]
        while self._match(TokenType.COMMA):
            terms.append(self.parse_order_term())
        return self.expression(exp.Order(this=this, expressions=terms), token)

    def parse_order_term(self) -> exp.Expr:
        term = self.need_expression("what to order by")
        descending = not self._match_text_seq("ASC") and bool(self._match_text_seq("DESC"))
        nulls_first = False
        if self._match_text_seq("NULLS"):
            nulls_first = bool(self._match_text_seq("FIRST"))
            if not nulls_first and not self._match_text_seq("LAST"):
                self.fail("expected FIRST or LAST after NULLS")
        return self.expression(exp.Ordered(this=term, desc=descending, nulls_first=nulls_first))

    def _parse_between(self, this: exp.Expr | None) -> exp.Between:
        low = self._parse_bitwise()
        self.need("AND")
        high = self._parse_bitwise()
        return self.expression(exp.Between(this=this, low=low, high=high))

    def _parse_in(self, this: exp.Expr | None, alias: bool = False) -> exp.In:
        self.need_paren()
        values = self._parse_csv(self._parse_select_or_disjunction)
        if not values:
            self.fail("expected a value in IN (…)")
        self.need_paren(left=False)
        return self.expression(exp.In(this=this, expressions=values))

    def _parse_select_or_disjunction(self) -> exp.Expr | None:
        return self._parse_select() or self._parse_disjunction()

    def _parse_function_call(
        self,
        functions: dict[str, Any] | None = None,
        anonymous: bool = False,
        optional_parens: bool = True,
        any_token: bool = False,
    ) -> exp.Expr | None:
        token = self._curr
        call = super()._parse_function_call(functions, anonymous, optional_parens, any_token)
        if isinstance(call, exp.IgnoreNulls | exp.RespectNulls):
            call = self.with_null_treatment(call)
        return self.parse_over(call.update_positions(token)) if call is not None else None

    def with_null_treatment(self, call: exp.IgnoreNulls | exp.RespectNulls) -> exp.Expr:
        """FIRST_VALUE and LAST_VALUE with IGNORE NULLS; RESPECT NULLS is what they do anyway."""
        function: exp.Expr = call.this
        name = str(function.this).upper() if isinstance(function, exp.Anonymous) else ""
        if name not in ("FIRST_VALUE", "LAST_VALUE"):
            self.fail("only FIRST_VALUE and LAST_VALUE take IGNORE NULLS and RESPECT NULLS")
        if isinstance(call, exp.IgnoreNulls):
            function.set("this", f"{name} IGNORE NULLS")
        return function


class KinesisAnalytics(Dialect):
    """The sqlglot dialect of Kinesis Data Analytics for SQL."""

    Tokenizer = _Tokenizer
    Parser = _Parser


def drop_stream_modifiers(statement: list[Token]) -> list[Token]:
    """The tokens without STREAM after SELECT. STREAM is a reserved word, so it is never a column there."""
    kept: list[Token] = []
    for token in statement:
        after_select = bool(kept) and kept[-1].token_type is TokenType.SELECT
        if not (after_select and token.token_type is TokenType.VAR and token.text.upper() == "STREAM"):
            kept.append(token)
    return kept


def make_tokenizer() -> Callable[[str], list[Token]]:
    """A function: text → tokens. It raises sqlglot's TokenError."""
    return KinesisAnalytics().tokenize


def parse_statement(statement: list[Token], text: str) -> exp.Expr | None:
    """The tokens of one statement → its tree. Raises: sqlglot's ParseError."""
    return KinesisAnalytics().parser().parse(drop_stream_modifiers(statement), text)[0]
