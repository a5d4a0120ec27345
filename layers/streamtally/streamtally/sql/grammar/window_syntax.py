"""OVER and WINDOW: sliding windows by a range of time.

The forms are those of *Sliding Windows* and *WINDOW Clause* in Kinesis Analytics' SQL Reference. Windows of rows, and
windows without an end, are refused before parsing (:mod:`streamtally.sql.grammar.refusals`).
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from streamtally.sql.grammar.nodes import IntervalLiteral, NamedWindow, Over, WindowRange
from streamtally.sql.grammar.statement_syntax import StatementParser


class WindowParser(StatementParser):
    """Parses the windows of aggregate calls."""

    def parse_over(self, call: exp.Expr) -> exp.Expr:
        """A call, with its OVER if one follows."""
        token = self._curr
        follows = self._next is not None and self._next.token_type in (
            TokenType.L_PAREN, TokenType.VAR, TokenType.IDENTIFIER,
        )  # fmt: skip
        if token.token_type is not TokenType.VAR or token.text.upper() != "OVER" or not follows:
            return call
        self._advance()
        if self._curr.token_type is TokenType.L_PAREN:
            return self.expression(Over(this=call, window=self.parse_window_range()), token)
        return self.expression(Over(this=call, window=self.need_name("the window's name")), token)

    def parse_named_windows(self) -> list[exp.Expr]:
        """``WINDOW name AS (…), …``."""
        self._match(TokenType.WINDOW)
        windows = [self.parse_named_window()]
        while self._match(TokenType.COMMA):
            windows.append(self.parse_named_window())
        return windows

    def parse_named_window(self) -> exp.Expr:
        name = self.need_name("the window's name")
        self.need("AS")
        return self.expression(NamedWindow(this=name, window=self.parse_window_range()))

    def parse_window_range(self) -> exp.Expr:
        """``([PARTITION BY keys] [ORDER BY time] RANGE interval PRECEDING)``, or RANGE BETWEEN … AND CURRENT ROW."""
        token = self._curr
        self.need_paren()
        keys: list[exp.Expr] = []
        if self._match_text_seq("PARTITION", "BY"):
            keys = self._parse_csv(self._parse_disjunction)
            if not keys:
                self.fail("expected the keys of the window")
        order = self._parse_order()
        self.need("RANGE")
        is_between = bool(self._match(TokenType.BETWEEN))
        length = self.need_expression("the window's length")
        if not isinstance(length, IntervalLiteral):
            self.fail("expected the window's length, as in RANGE INTERVAL '1' MINUTE PRECEDING")
        self.need("PRECEDING")
        if is_between:
            self.need("AND")
            self.need("CURRENT", "ROW")
        self.need_paren(left=False)
        return self.expression(WindowRange(expressions=keys, order=order, length=length), token)
