"""OVER and WINDOW: sliding windows by a range of time.

The forms are those of *Sliding Windows*, *WINDOW Clause* and *JOIN clause* in Kinesis Analytics' SQL Reference. What
the functions cannot compute is refused before parsing (:mod:`streamtally.sql.grammar.refusals`), unless it is for
Flink.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from streamtally.sql.grammar.nodes import IntervalLiteral, NamedWindow, Over, WindowRange
from streamtally.sql.grammar.statement_syntax import StatementParser


class WindowParser(StatementParser):
    """Parses the windows of aggregate calls."""

    def parse_over(self, call: exp.Expr) -> exp.Expr:
        """A call, with its OVER if one follows."""
        token = self._curr
        window = self.parse_window()
        return call if window is None else self.expression(Over(this=call, window=window), token)

    def parse_window(self) -> exp.Expr | None:
        """The window after OVER, in parentheses or by its name; None without OVER."""
        token = self._curr
        follows = self._next is not None and self._next.token_type in (
            TokenType.L_PAREN, TokenType.VAR, TokenType.IDENTIFIER,
        )  # fmt: skip
        if token.token_type is not TokenType.VAR or token.text.upper() != "OVER" or not follows:
            return None
        self._advance()
        if self._curr.token_type is TokenType.L_PAREN:
            return self.parse_window_range()
        return self.need_name("the window's name")

    def _parse_table_alias(self, alias_tokens: Collection[TokenType] | None = None) -> exp.TableAlias | None:
        """The alias of a stream in FROM, with the window before it: ``stream OVER (RANGE …) AS alias``."""
        window = self.parse_window()
        alias = super()._parse_table_alias(alias_tokens)
        if window is None:
            return alias
        alias = alias or self.expression(exp.TableAlias())
        alias.set("over", window)
        return alias

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
        """``([PARTITION BY keys] [ORDER BY time] [frame])``."""
        token = self._curr
        self.need_paren()
        keys: list[exp.Expr] = []
        if self._match_text_seq("PARTITION", "BY"):
            keys = self._parse_csv(self._parse_disjunction)
            if not keys:
                self.fail("expected the keys of the window")
        order = self._parse_order()
        kind = "RANGE" if self._match_text_seq("RANGE") else "ROWS" if self._match_text_seq("ROWS") else ""
        length = self.parse_frame(kind) if kind else None
        self.need_paren(left=False)
        return self.expression(WindowRange(expressions=keys, order=order, kind=kind, length=length), token)

    def parse_frame(self, kind: str) -> exp.Expr | None:
        """``length PRECEDING``, also with ``BETWEEN … AND CURRENT ROW``; None for a window from the first row."""
        is_between = bool(self._match(TokenType.BETWEEN))
        length: exp.Expr | None = None
        if not is_between and self._match_text_seq("CURRENT", "ROW"):
            return exp.Literal(this="0", is_string=False)
        if not self._match_text_seq("UNBOUNDED"):
            length = self.need_expression("the window's length")
            if kind == "RANGE" and not isinstance(length, IntervalLiteral):
                self.fail("expected the window's length, as in RANGE INTERVAL '1' MINUTE PRECEDING")
            if kind == "ROWS" and not (isinstance(length, exp.Literal) and str(length.this).isdigit()):
                self.fail("expected a number of rows, as in ROWS 10 PRECEDING")
        self.need("PRECEDING")
        if is_between:
            self.need("AND")
            self.need("CURRENT", "ROW")
        return length
