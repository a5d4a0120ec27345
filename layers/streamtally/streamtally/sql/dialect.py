"""The Kinesis Analytics dialect on sqlglot, which serves as a tokenizer and expression parser only.

Stock sqlglot takes nearly anything (unknown statements become an opaque ``Command``, ``STREAM`` a column). Here the
keywords are only those that the dialect has, every function call stays an ``Anonymous`` node with its name and its
position, and whatever is optional in sqlglot but not in SQL (``THEN``, ``AND`` of BETWEEN, an item after a comma) is
demanded. What is parsed still passes the allow-list of :mod:`streamtally.sql.syntax`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

from sqlglot import exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
"""Time units, the coarse first."""
QUALIFIERS = frozenset({"DAY", "HOUR", "MINUTE", "SECOND", "MONTH", "YEAR"})
TYPED_LITERALS = frozenset({"TIMESTAMP", "DATE", "TIME"})


class CreateStream(exp.Expression):
    """``CREATE STREAM``: ``this`` is its name, ``expressions`` its columns (:class:`StreamColumn`)."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "expressions": True}


class StreamColumn(exp.Expression):
    """A column of a stream: identifier, type (:class:`exp.Var`), ``not_null``."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "kind": True, "not_null": False}


class CreatePump(exp.Expression):
    """``CREATE PUMP … AS INSERT INTO target [(columns)] SELECT …``."""

    arg_types: ClassVar[dict[str, bool]] = {
        "this": True,
        "target": True,
        "columns": False,
        "expression": True,
        "stopped": False,
    }


class IntervalLiteral(exp.Expression):
    """``INTERVAL 'n' unit [TO unit]``: ``this`` is the text, ``unit`` and ``to`` are Vars, ``negative`` a flag."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "unit": True, "to": False, "negative": False}


class Qualified(exp.Expression):
    """``(a - b) SECOND``: a difference of times as an interval of that unit."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "unit": True, "to": False}


class TypedLiteral(exp.Expression):
    """``TIMESTAMP '1970-01-01 00:00:00'`` and its DATE and TIME kin."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "kind": True}


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
    "LIKE": TokenType.LIKE,
    "NOT": TokenType.NOT,
    "NULL": TokenType.NULL,
    "OR": TokenType.OR,
    "SELECT": TokenType.SELECT,
    "SIMILAR TO": TokenType.SIMILAR_TO,
    "THEN": TokenType.THEN,
    "TRUE": TokenType.TRUE,
    "WHEN": TokenType.WHEN,
    "WHERE": TokenType.WHERE,
}


class _Tokenizer(tokens.Tokenizer):
    COMMENTS: ClassVar[list[str | tuple[str, str]]] = ["--", "//", ("/*", "*/")]
    NESTED_COMMENTS = False
    KEYWORDS: ClassVar[dict[str, TokenType]] = _KEYWORDS
    COMMANDS: ClassVar[set[TokenType]] = set()
    SINGLE_TOKENS: ClassVar[dict[str, TokenType]] = {
        symbol: kind
        for symbol, kind in tokens.Tokenizer.SINGLE_TOKENS.items()
        if symbol in "(),.-=><+;/*%'\"" or kind is TokenType.UNKNOWN
    }


_NAMES = {TokenType.VAR}


class _Parser(parser.Parser):
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
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CAST": lambda self: self.parse_cast(),
        "CEIL": lambda self: self.parse_rounding("CEIL"),
        "CEILING": lambda self: self.parse_rounding("CEIL"),
        "EXTRACT": lambda self: self.parse_extract(),
        "FLOOR": lambda self: self.parse_rounding("FLOOR"),
        "OVERLAY": lambda self: self.parse_overlay(),
        "POSITION": lambda self: self.parse_position(),
        "STEP": lambda self: self.parse_step(),
        "SUBSTRING": lambda self: self.parse_substring(),
        "TRIM": lambda self: self.parse_trim(),
        "TSDIFF": lambda self: self.parse_plain("TSDIFF"),
    }
    _depth = 0
    MAX_DEPTH = 120

    def fail(self, message: str) -> NoReturn:
        """Raise sqlglot's error at the current token (at the last one, where the text has ended)."""
        self.raise_error(message, self._curr or self._prev)
        raise AssertionError("the error level is IMMEDIATE")

    def need(self, *words: str) -> Token:
        """The next tokens must be these words; the first of them is returned."""
        first = self._curr
        if not self._match_text_seq(*words):
            self.fail(f"expected {' '.join(words)}")
        return first

    def need_paren(self, left: bool = True) -> None:
        if not self._match(TokenType.L_PAREN if left else TokenType.R_PAREN):
            self.fail("expected " + ("(" if left else ")"))

    def need_expression(self, what: str = "an expression") -> exp.Expr:
        found = self._parse_disjunction()
        if found is None:
            self.fail(f"expected {what}")
        return found

    def need_name(self, what: str) -> exp.Identifier:
        """An identifier, quoted or not (a keyword is none)."""
        token = self._curr
        if token.token_type not in (TokenType.VAR, TokenType.IDENTIFIER):
            self.fail(f"expected {what}" + ("" if not token.text else f", not {token.text}"))
        self._advance()
        quoted = token.token_type == TokenType.IDENTIFIER
        return self.expression(exp.Identifier(this=token.text, quoted=quoted), token)

    # Statements

    def _parse_statement(self) -> exp.Expr | None:
        self._depth = 0
        if self._curr.token_type is TokenType.SELECT:
            self.fail("a SELECT alone goes nowhere")
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

    def parse_type_name(self) -> exp.Expr:
        """A type's name with its length or precision, as the text of a Var."""
        token = self._curr
        if token.token_type is not TokenType.VAR:
            self.fail("expected a type" + (f", not {token.text}" if token.text else ""))
        self._advance()
        text = token.text.upper()
        for second in ("PRECISION", "VARYING"):
            if self._match_text_seq(second):
                text += " " + second
        if self._match(TokenType.L_PAREN):
            text += "(" + self.need_number()
            if self._match(TokenType.COMMA):
                text += "," + self.need_number()
            self.need_paren(left=False)
            text += ")"
        return self.expression(exp.Var(this=text), token)

    def need_number(self) -> str:
        text = self._curr.text
        if self._curr.token_type is not TokenType.NUMBER or not text.isdigit():
            self.fail("expected a whole number")
        self._advance()
        return text

    # Expressions

    def _parse_disjunction(self) -> exp.Expr | None:
        # Bounded so that a mutated program ends in a message, not at the interpreter's stack.
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
        # (a - b) MINUTE TO SECOND is a qualifier; the TO of FLOOR(… MINUTE TO MINUTE) is not its.
        if self._curr.text.upper() == "TO" and fine in QUALIFIERS and UNITS.index(fine) > UNITS.index(coarse):
            self._advance()
            return unit, self.parse_unit()
        return unit, None

    def parse_unit(self, what: str = "a unit of time (SECOND, MINUTE, HOUR, DAY)") -> exp.Expr:
        token = self._curr
        if token.token_type is not TokenType.VAR or token.text.upper() not in UNITS:
            self.fail(f"expected {what}")
        self._advance()
        if self._match(TokenType.L_PAREN):  # a precision, as in DAY(4) TO SECOND(3): values are milliseconds anyway
            self.need_number()
            if self._match(TokenType.COMMA):
                self.need_number()
            self.need_paren(left=False)
        return self.expression(exp.Var(this=token.text.upper()), token)

    def _parse_paren(self) -> exp.Expr | None:
        start = self._curr
        found = super()._parse_paren()
        if found is not None:
            found.update_positions(start)
        qualified = self._curr.token_type is TokenType.VAR and self._curr.text.upper() in QUALIFIERS
        if isinstance(found, exp.Paren) and qualified:
            unit, to = self.parse_qualifier()
            return self.expression(Qualified(this=found.this, unit=unit, to=to), start)
        return found

    def _parse_csv(self, parse_method: Any, sep: TokenType = TokenType.COMMA) -> list[Any]:
        items = super()._parse_csv(parse_method, sep)
        if self._prev.token_type is sep:
            self.fail("expected something after the comma")
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

    def _parse_between(self, this: exp.Expr | None) -> exp.Between:
        low = self._parse_bitwise()
        self.need("AND")
        high = self._parse_bitwise()
        return self.expression(exp.Between(this=this, low=low, high=high))

    def _parse_in(self, this: exp.Expr | None, alias: bool = False) -> exp.In:
        self.need_paren()
        values = self._parse_csv(self._parse_select_or_disjunction)
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
        found = super()._parse_function_call(functions, anonymous, optional_parens, any_token)
        return found.update_positions(token) if found is not None else None

    # Functions with a syntax of their own: each becomes an Anonymous call with its arguments in one order.

    def call(self, name: str, *arguments: exp.Expr) -> exp.Expr:
        return self.expression(exp.Anonymous(this=name, expressions=list(arguments)))

    def parse_plain(self, name: str) -> exp.Expr:
        return self.call(name, *self._parse_csv(self._parse_disjunction))

    def parse_cast(self) -> exp.Expr:
        value = self.need_expression()
        self.need("AS")
        if self._match(TokenType.INTERVAL):
            self.fail("CAST to an INTERVAL is not supported: multiply an INTERVAL, or use milliseconds")
        return self.expression(exp.Cast(this=value, to=self.parse_type_name()))

    def parse_rounding(self, name: str) -> exp.Expr:
        value = self.need_expression()
        if self._match_text_seq("TO"):
            return self.call(name + "_TO", value, self.parse_unit())
        return self.call(name, value)

    def parse_step(self) -> exp.Expr:
        value = self.need_expression()
        self.need("BY")
        return self.call("STEP", value, self.need_expression("the step's size"))

    def parse_extract(self) -> exp.Expr:
        unit = self.parse_unit("a field of a time (YEAR, MONTH, DAY, HOUR, MINUTE, SECOND)")
        self.need("FROM")
        return self.call("EXTRACT", unit, self.need_expression())

    def parse_position(self) -> exp.Expr:
        part = self._parse_bitwise()
        if part is None:
            self.fail("expected POSITION(part IN text)")
        if not self._match(TokenType.IN):
            self.fail("expected IN, as in POSITION(part IN text)")
        arguments = [part, self.need_expression()]
        if self._match(TokenType.FROM):
            arguments.append(self.need_expression())
        return self.call("POSITION", *arguments)

    def parse_substring(self) -> exp.Expr:
        arguments = [self.need_expression()]
        while self._match(TokenType.COMMA) or self._match(TokenType.FROM) or self._match_text_seq("FOR"):
            arguments.append(self.need_expression())
        return self.call("SUBSTRING", *arguments)

    def parse_overlay(self) -> exp.Expr:
        arguments = [self.need_expression()]
        self.need("PLACING")
        arguments.append(self.need_expression())
        if not self._match(TokenType.FROM):
            self.fail("expected FROM")
        arguments.append(self.need_expression())
        if self._match_text_seq("FOR"):
            arguments.append(self.need_expression())
        return self.call("OVERLAY", *arguments)

    def parse_trim(self) -> exp.Expr:
        mode = "BOTH"
        for word in ("BOTH", "LEADING", "TRAILING"):
            if self._match_text_seq(word):
                mode = word
        chars: exp.Expr = exp.Literal.string(" ")
        value = None if self._match(TokenType.FROM) else self.need_expression()
        if value is None:
            value = self.need_expression()
        elif self._match(TokenType.FROM):
            chars, value = value, self.need_expression()
        return self.call("TRIM", exp.Literal.string(mode), chars, value)


class KinesisAnalytics(Dialect):
    """``sqlglot``'s dialect for Kinesis Data Analytics for SQL."""

    Tokenizer = _Tokenizer
    Parser = _Parser


def drop_stream_modifiers(found: list[Token]) -> list[Token]:
    """The tokens without the modifier STREAM after SELECT (STREAM is a reserved word, so it is never a column)."""
    kept: list[Token] = []
    for token in found:
        after_select = bool(kept) and kept[-1].token_type is TokenType.SELECT
        if not (after_select and token.token_type is TokenType.VAR and token.text.upper() == "STREAM"):
            kept.append(token)
    return kept


def make_tokenizer() -> Callable[[str], list[Token]]:
    """A function text → tokens; raises sqlglot's TokenError."""
    return KinesisAnalytics().tokenize


def parse_statement(found: list[Token], text: str) -> exp.Expr | None:
    """One statement's tokens → its tree. Raises: sqlglot's ParseError."""
    return KinesisAnalytics().parser().parse(drop_stream_modifiers(found), text)[0]
