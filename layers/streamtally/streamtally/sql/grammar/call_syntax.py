"""Calls with a special syntax: each becomes an Anonymous call with its arguments in a fixed order."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from sqlglot import exp, parser
from sqlglot.tokenizer_core import Token, TokenType

UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
"""Time units, coarsest first."""


class Demanding(parser.Parser):
    """A parser whose errors say what it expected."""

    def fail(self, message: str) -> NoReturn:
        """Raise sqlglot's error at the current token, or at the last one if the text has ended."""
        self.raise_error(message, self._curr or self._prev)
        raise AssertionError("the error level is IMMEDIATE")

    def need(self, *words: str) -> Token:
        """Require these words as the next tokens, and return the first of them."""
        first = self._curr
        if not self._match_text_seq(*words):
            self.fail(f"expected {' '.join(words)}")
        return first

    def need_paren(self, left: bool = True) -> None:
        if not self._match(TokenType.L_PAREN if left else TokenType.R_PAREN):
            self.fail("expected " + ("(" if left else ")"))

    def need_expression(self, what: str = "an expression") -> exp.Expr:
        expression = self._parse_disjunction()
        if expression is None:
            self.fail(f"expected {what}")
        return expression

    def need_name(self, what: str) -> exp.Identifier:
        """Require an identifier, quoted or not; keywords are not identifiers."""
        token = self._curr
        if token.token_type not in (TokenType.VAR, TokenType.IDENTIFIER):
            self.fail(f"expected {what}" + ("" if not token.text else f", not {token.text}"))
        self._advance()
        quoted = token.token_type == TokenType.IDENTIFIER
        return self.expression(exp.Identifier(this=token.text, quoted=quoted), token)

    def need_number(self) -> str:
        text = self._curr.text
        if self._curr.token_type is not TokenType.NUMBER or not text.isdigit():
            self.fail("expected a whole number")
        self._advance()
        return text

    def parse_type_name(self) -> exp.Expr:
        """A type name with its length or precision, as the text of a Var."""
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

    def parse_unit(self, what: str = "a unit of time (SECOND, MINUTE, HOUR, DAY)") -> exp.Expr:
        token = self._curr
        if token.token_type is not TokenType.VAR or token.text.upper() not in UNITS:
            self.fail(f"expected {what}")
        self._advance()
        if self._match(
            TokenType.L_PAREN
        ):  # a precision, as in DAY(4) TO SECOND(3), is ignored: values are in milliseconds
            self.need_number()
            if self._match(TokenType.COMMA):
                self.need_number()
            self.need_paren(left=False)
        return self.expression(exp.Var(this=token.text.upper()), token)


class CallParser(Demanding):
    """Parses the calls that have words between their arguments."""

    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: (lambda self, parse=parse: self.closed(parse(self)))
        for name, parse in {
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
        }.items()
    }

    def closed(self, call: exp.Expr) -> exp.Expr:
        """Require the closing parenthesis of a call, which sqlglot consumes afterwards but does not require."""
        if self._curr.token_type is not TokenType.R_PAREN:
            self.fail(f"expected ) after the arguments of {self.name_of(call)}")
        return call

    @staticmethod
    def name_of(call: exp.Expr) -> str:
        return str(call.this).partition(" ")[0] if isinstance(call, exp.Anonymous) else "CAST"

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
            return self.call(name + " TO", value, self.parse_unit())
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
        if self._match_text_seq("SIMILAR"):
            arguments.append(self.need_expression("a pattern"))
            if not self._match(TokenType.ESCAPE):
                self.fail("expected ESCAPE and a character, as in SUBSTRING(text SIMILAR 'a#\"b#\"c' ESCAPE '#')")
            return self.call("SUBSTRING SIMILAR", *arguments, self.need_expression("the escape character"))
        by_from = self._curr.token_type is TokenType.FROM
        while self._match(TokenType.COMMA) or self._match(TokenType.FROM) or self._match_text_seq("FOR"):
            arguments.append(self.need_expression())
        return self.call("SUBSTRING FROM" if by_from and len(arguments) == 2 else "SUBSTRING", *arguments)

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
        mode = next((word for word in ("BOTH", "LEADING", "TRAILING") if self._match_text_seq(word)), None)
        chars: exp.Expr = exp.Literal.string(" ")
        if mode is not None and self._match(TokenType.FROM):
            value = self.need_expression()
        else:
            value = self.need_expression()
            if self._match(TokenType.FROM):
                chars, value = value, self.need_expression()
            elif mode is not None:
                self.fail(f"expected FROM, as in TRIM({mode} ' ' FROM text)")
        return self.call("TRIM", exp.Literal.string(mode or "BOTH"), chars, value)
