"""A program's text → its statements, with one clear message for each that cannot be parsed."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from streamtally.errors import SqlError
from streamtally.sql.grammar.allowed import RESERVED, check_syntax
from streamtally.sql.grammar.dialect import make_tokenizer, parse_statement
from streamtally.sql.grammar.refusals import RANDOM_CUT_FORESTS, find_refusals
from streamtally.sql.problems import Problems, SourceText

MAX_TEXT_CHARS = 100_000
"""The longest program that Kinesis Analytics accepts (*Limits*, 100 KB)."""


def parse_program(text: str, problems: Problems, without: Collection[str] = ()) -> list[exp.Expr]:
    """The statements of a program. Problems are collected; a broken statement does not stop the others.

    Args: without: the pumps to leave out; their statements are not parsed.
    Raises: SqlError: the text cannot be split into statements.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise problems.error(0, f"the program has {len(text)} characters; the limit is {MAX_TEXT_CHARS}")
    if "\x00" in text:
        raise problems.syntax(text.index("\x00"), "a NUL character", "save the file as UTF-8 text")
    try:
        tokens = make_tokenizer()(text)
    except TokenError:
        raise problems.syntax(_open_quote(text), "unclosed quote or comment", "close it") from None
    statements = list(_split(tokens))
    if not statements:
        raise problems.syntax(0, "the program is empty", "write CREATE STREAM and CREATE PUMP statements")
    trees = []
    left_out = set()
    for statement in statements:
        pump = _pump_name(statement)
        if pump is not None and pump in without:
            left_out.add(pump)
            problems.note(statement[0].start, f'the pump "{pump}" is left out, as asked by "without"')
            continue
        tree = _parse(statement, text, problems)
        if tree is not None:
            trees.append(tree)
    for name in sorted(set(without) - left_out):
        pumps = ", ".join(f'"{pump}"' for pump in map(_pump_name, statements) if pump is not None)
        problems.add(
            problems.error(
                0, f'"without" names a pump "{name}" that the program does not have', f"its pumps are {pumps}"
            )
        )
    return trees


def _pump_name(statement: list[Token]) -> str | None:
    """The stored name of the pump that a statement creates; None for any other statement."""
    words = [token.text.upper() for token in statement[:5]]
    start = 3 if words[1:3] == ["OR", "REPLACE"] else 1
    if words[:1] != ["CREATE"] or words[start : start + 1] != ["PUMP"] or len(statement) < start + 2:
        return None
    name = statement[start + 1]
    return name.text if name.token_type is TokenType.IDENTIFIER else name.text.upper()


def pump_lines(text: str) -> dict[str, tuple[int, int]]:
    """Pump → the first and the last line of its statement, from 1; empty if the text cannot be split."""
    try:
        statements = list(_split(make_tokenizer()(text)))
    except TokenError:
        return {}
    named = [(_pump_name(statement), statement) for statement in statements]
    lines = SourceText(text)
    return {
        name: (lines.position(statement[0].start)[0], lines.position(statement[-1].end)[0])
        for name, statement in named
        if name is not None
    }


def _open_quote(text: str) -> int:
    """The offset of the quote or comment that is never closed."""
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
    refused = [
        refusal
        for refusal in find_refusals(statement, problems.to_flink)
        if not (problems.detects and refusal[1] in RANDOM_CUT_FORESTS)
    ]
    for offset, name, advice in refused:
        problems.add(problems.unsupported(offset, name, advice))
    try:
        tree = parse_statement(statement, text)
    except ParseError as error:
        if not refused:  # refused constructs often have a syntax that cannot be parsed
            problems.add(_syntax_error(error, statement, problems))
        return None
    except (ValueError, AttributeError, TypeError, KeyError, IndexError):
        problems.add(
            problems.syntax(statement[0].start, "the statement cannot be parsed", "check it against docs/sql.md")
        )
        return None
    if tree is None or refused:
        return None
    errors = list(check_syntax(tree, problems))
    for problem in errors:
        problems.add(problem)
    return None if errors else tree


def _syntax_error(error: ParseError, statement: list[Token], problems: Problems) -> SqlError:
    first = error.errors[0] if error.errors else {}
    line, column = first.get("line"), first.get("col")
    message = str(first.get("description") or "the statement cannot be parsed").strip().rstrip(".")
    message = message.replace("Expecting", "expected")
    for index, token in enumerate(statement):
        if token.line == line and token.col == column:
            if message.startswith("expected )"):
                return problems.syntax(token.start, message, _open_parenthesis(statement[: index + 1], problems))
            if message.startswith(("Invalid expression", "Required keyword")):
                message = f"unexpected {token.text[:40]}"
            return problems.syntax(token.start, message[0].lower() + message[1:], _syntax_advice(token, message))
    return problems.syntax(statement[-1].end + 1, message[0].lower() + message[1:])


def _open_parenthesis(tokens: list[Token], problems: Problems) -> str:
    """Advice that names the innermost parenthesis that is still open before the last token, or at the end with it."""
    opened: list[Token] = []
    for token in tokens:
        if token.token_type is TokenType.L_PAREN:
            opened.append(token)
        elif token.token_type is TokenType.R_PAREN and opened:
            opened.pop()
    if not opened:
        return "a comma, an operator or a parenthesis is missing"
    line, column = problems.text.position(opened[-1].start)
    return f"close the ( of line {line}, column {column}, or write a comma or an operator here"


_UNKNOWN_SIGNS = {
    "`": "names stand in double quotes",
    "=": "write = once, or an operand before it",
    "[": "SQL has no brackets: a column is taken from inside JSON with [source.paths] in pipeline.toml",
}


def _syntax_advice(token: Token, message: str) -> str:
    word = token.text.upper()
    if word in _UNKNOWN_SIGNS and message.startswith("unexpected"):
        return _UNKNOWN_SIGNS[word]
    if word == "CREATE":
        return "is a semicolon missing before it?"
    if token.token_type is not TokenType.IDENTIFIER and word in RESERVED and " name" in message:
        return f'{word} is reserved: to use it as a name, quote it: "{token.text}"'
    return "write CREATE PUMP … AS INSERT INTO … SELECT STREAM …" if message.startswith("a SELECT on its own") else ""
