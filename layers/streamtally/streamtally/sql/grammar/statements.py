"""A program's text → its statements, and one clear line for each that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from streamtally.errors import SqlError
from streamtally.sql.grammar.allowed import RESERVED, check_syntax
from streamtally.sql.grammar.dialect import make_tokenizer, parse_statement
from streamtally.sql.grammar.refusals import find_refusals
from streamtally.sql.problems import Problems

MAX_TEXT_CHARS = 100_000
"""A program's length, as Kinesis Analytics limits it (*Limits*, 100 KB)."""


def parse_program(text: str, problems: Problems) -> list[exp.Expr]:
    """A program's statements. What is wrong with one is noted, and the next is read all the same."""
    if len(text) > MAX_TEXT_CHARS:
        raise problems.error(0, f"the program has {len(text)} characters; at most {MAX_TEXT_CHARS} are read")
    if "\x00" in text:
        raise problems.syntax(text.index("\x00"), "a NUL character", "save the file as UTF-8 text")
    try:
        tokens = make_tokenizer()(text)
    except TokenError:
        raise problems.syntax(_open_quote(text), "a quote or comment that is never closed", "close it") from None
    statements = list(_split(tokens))
    if not statements:
        raise problems.syntax(0, "the program is empty", "write CREATE STREAM and CREATE PUMP statements")
    trees = []
    for statement in statements:
        tree = _parse(statement, text, problems)
        if tree is not None:
            trees.append(tree)
    return trees


def _open_quote(text: str) -> int:
    """Where the quote or comment starts that is never closed."""
    position = 0
    while position < len(text):
        for opening, closing in (("--", "\n"), ("//", "\n"), ("/*", "*/"), ("'", "'"), ('"', '"')):
            if text.startswith(opening, position):
                end = text.find(closing, position + len(opening))
                if end < 0:
                    return position
                position = end + len(closing) - 1
                break
        position += 1
    return 0


def _split(tokens: Iterable[Token]) -> Iterable[list[Token]]:
    statement: list[Token] = []
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            if statement:
                yield statement
            statement = []
        else:
            statement.append(token)
    if statement:
        yield statement


def _parse(statement: list[Token], text: str, problems: Problems) -> exp.Expr | None:
    refused = list(find_refusals(statement))
    for offset, name, advice in refused:
        problems.add(problems.unsupported(offset, name, advice))
    try:
        tree = parse_statement(statement, text)
    except ParseError as error:
        if not refused:  # what is refused by name often has a syntax that is not read
            problems.add(_syntax_error(error, statement, problems))
        return None
    except (ValueError, AttributeError, TypeError, KeyError, IndexError):
        problems.add(
            problems.syntax(statement[0].start, "a statement that cannot be read", "check it against docs/sql.md")
        )
        return None
    if tree is None or refused:
        return None
    wrong = list(check_syntax(tree, problems))
    for each in wrong:
        problems.add(each)
    return None if wrong else tree


def _syntax_error(error: ParseError, statement: list[Token], problems: Problems) -> SqlError:
    first = error.errors[0] if error.errors else {}
    line, column = first.get("line"), first.get("col")
    message = str(first.get("description") or "a statement that cannot be read").strip().rstrip(".")
    for token in statement:
        if token.line == line and token.col == column:
            message = f"unexpected {token.text[:40]}" if message.startswith("Invalid expression") else message
            return problems.syntax(token.start, message[0].lower() + message[1:], _syntax_advice(token, message))
    return problems.syntax(statement[-1].end + 1, message[0].lower() + message[1:])


def _syntax_advice(token: Token, message: str) -> str:
    word = token.text.upper()
    if word == "CREATE":
        return "is a semicolon missing before it?"
    if token.token_type is not TokenType.IDENTIFIER and word in RESERVED and " name" in message:
        return f'{word} is reserved: as a name it needs quotes, "{token.text}"'
    return "write CREATE PUMP … AS INSERT INTO … SELECT STREAM …" if message.startswith("a SELECT alone") else ""
