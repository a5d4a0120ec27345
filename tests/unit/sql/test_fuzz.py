"""Mutated programs: any text gives a plan that loads or problems with positions, never a traceback."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from streamtally.errors import SqlError
from streamtally.sql.grammar.dialect import make_tokenizer
from streamtally.sql.problems import show_problems
from tests.endless import must_end
from tests.examples import examples
from tests.unit.sql.programs import PAIRS, compile_text, load_text

TEXTS = [path.read_text(encoding="utf-8") for path in sorted(PAIRS.glob("*.sql"))]
PIECES = [
    *"()'\",;*/.=-%{}[]@#$?:`\\\t\x00é\u2028\ud800", "//", "--", "/*", "*/", "<>", "||", "{{", "{#", "::", "\r\n",
    " SELECT ", " STREAM ", " FROM ", " WHERE ", " GROUP BY ", " HAVING ", " CASE ", " WHEN ", " END ", " NULL ",
    " NOT ", " AS ", " IN ", " BETWEEN ", " LIKE ", " ESCAPE ", " INTERVAL ", " '1' ", " MINUTE ", " TO ", " BY ",
    " OVER ", " JOIN ", " 9999999999999999999999 ", " 1e999 ", " 0x1F ", " COUNT(*) ", " SUM(", " FLOOR(", " STEP(",
    " CAST(", " ROWTIME ", "n'x'", "X'00'", "1.", ".5", "1e",
]  # fmt: skip


def mutate(text: str, make: random.Random) -> str:
    """The program with up to four changes. A column that the first line asks for stays: it is for the tests."""
    asked = re.match(r"(?:-- with column: .*\n)?", text)
    assert asked is not None
    return asked[0] + _mutated(text[asked.end() :], make)


def _mutated(text: str, make: random.Random) -> str:
    for _ in range(make.randint(1, 4)):
        start = make.randrange(len(text) + 1)
        end = min(len(text), start + make.choice([0, 0, 1, 3, 20]))
        piece = make.choice(
            [make.choice(PIECES), "", text[make.randrange(len(text) + 1) :][:30], chr(make.randrange(32, 0x3000))]
        )
        text = text[:start] + piece + text[end:]
    return text


# Four thousand programs with pieces inserted, removed and moved: a plan that loads, or problems inside the text.
@pytest.mark.parametrize("seed", range(8))
def test_mutated_program_never_breaks_the_compiler(seed: int) -> None:
    make = random.Random(seed)
    for _ in range(examples(500)):
        text = mutate(make.choice(TEXTS), make)
        try:
            load_text(text)
            continue
        except SqlError as error:
            problem = error
        shown = list(show_problems(problem, text))
        assert shown
        assert len(shown) % 3 == 0
        assert 1 <= problem.line <= text.count("\n") + 2


# Bytes that are not a program.
@pytest.mark.parametrize("seed", range(4))
def test_noise_is_refused(seed: int) -> None:
    make = random.Random(seed)
    for _ in range(200):
        text = "".join(chr(make.randrange(1, 0x250)) for _ in range(make.randrange(120)))
        with pytest.raises(SqlError):
            compile_text(text)


DEEP = {
    "parentheses": "(" * 3000 + "1" + ")" * 3000,
    "minus": "- " * 3000 + "1",
    "case": "CASE WHEN 1 = 1 THEN " * 400 + "1" + " END" * 400,
    "functions": "ABS(" * 500 + "1" + ")" * 500,
    "subquery": "(SELECT STREAM " * 300,
    "additions": "1" + " + 1" * 5000,
}


def select(value: str, type_name: str, tail: str = "") -> str:
    return (
        f"CREATE STREAM o (c {type_name}); CREATE PUMP p AS INSERT INTO o "
        f'SELECT STREAM {value} FROM "SOURCE_SQL_STREAM_001"{tail}'
    )


# Nesting that would overflow the interpreter's stack gives one line.
@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_is_refused(name: str) -> None:
    with pytest.raises(SqlError):
        load_text(select(DEEP[name], "BIGINT"))


LONG = {
    "and": ('"host"', " WHERE " + " AND ".join(['"bytes" > 1'] * 1000)),
    "in": ('"host"', ' WHERE "host" IN (' + ", ".join(f"'{n}'" for n in range(1000)) + ")"),
    "concatenation": (" || ".join(['"host"'] * 500), ""),
    "case": ("CASE " + " ".join(f"WHEN \"bytes\" = {n} THEN '{n}'" for n in range(150)) + " END", ""),
}


# Long is not deep: lists, chains and CASEs with hundreds of members compile, and the functions can load them.
@pytest.mark.parametrize("name", LONG)
def test_long_program_compiles(name: str) -> None:
    value, tail = LONG[name]
    load_text(select(value, "VARCHAR(9)", tail))


# Stages that double an expression at each step are refused before they exhaust memory.
def test_doubling_stages_are_refused() -> None:
    statements = [select('"host"', "VARCHAR(9)").replace(" o ", " s0 ")]
    for n in range(1, 40):
        statements.append(f"CREATE STREAM s{n} (x VARCHAR(9))")
        statements.append(
            f"CREATE PUMP p{n} AS INSERT INTO s{n} SELECT STREAM c || c FROM s0"
            if n == 1
            else f"CREATE PUMP p{n} AS INSERT INTO s{n} SELECT STREAM x || x FROM s{n - 1}"
        )
    with must_end(), pytest.raises(SqlError, match="too large once its stages are combined"):
        compile_text(";".join(statements))


# Words and signs that hold a statement together. Without any other token (a NOT, a minus, a function's name, one side
# of a sign) a program may be another valid program.
STRUCTURE = {"GROUP BY", "SIMILAR TO", *"(),"} | frozenset(
    """AS BY TO FROM AND WHEN THEN END IN IS INTO CREATE STREAM PUMP INSERT SELECT WHERE HAVING PLACING FOR INTERVAL
    LIKE BETWEEN ESCAPE TABLE CURSOR""".split()  # noqa: SIM905
)


# Without one of these, a valid program does not compile, or (AS, STREAM) means the same.
@pytest.mark.parametrize("path", sorted(PAIRS.glob("*.plan.json")), ids=lambda path: path.name.split(".")[0])
def test_without_one_token(path: Path) -> None:
    text = path.with_name(path.name.replace(".plan.json", ".sql")).read_text(encoding="utf-8")
    outputs = compile_text(text).outputs
    for token in make_tokenizer()(text):
        if token.text.upper() in STRUCTURE:
            changed = text[: token.start] + " " + text[token.end + 1 :]
            try:
                assert compile_text(changed).outputs == outputs, changed
            except SqlError:
                continue


# What an empty place in a list, a missing parenthesis or half of a phrase was taken for.
@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ('CAST("response" AS INTEGER', "expected ) after the arguments of CAST"),
        ("FLOOR(s.ROWTIME TO MINUTE", "expected ) after the arguments of FLOOR"),
        ('FLOOR(s.ROWTIME TO MINUTE, "response")', "expected ) after the arguments of FLOOR"),
        ("STEP(s.ROWTIME BY INTERVAL '1' MINUTE", "expected ) after the arguments of STEP"),
        ("EXTRACT(SECOND FROM s.ROWTIME", "expected ) after the arguments of EXTRACT"),
        ("POSITION('a' IN \"host\"", "expected ) after the arguments of POSITION"),
        ('SUBSTRING("host" FROM 2', "expected ) after the arguments of SUBSTRING"),
        ('TRIM("host"', "expected ) after the arguments of TRIM"),
        ('COALESCE(, "host")', "expected something before the comma"),
        ('COALESCE("agent", , "host")', "expected something after the comma"),
        ('"response" IN ()', "expected a value in IN"),
        ('"response" IN (, 200)', "expected something before the comma"),
        ('"agent" NOT NULL', "expected IS before NOT NULL"),
        ('TRIM(LEADING "host")', "expected FROM, as in TRIM"),
        ('TRIM(FROM "host")', "expected an expression"),
        ("", "expected columns after SELECT"),
        ('"host" IS UNKNOWN', "IS UNKNOWN"),
        ('"agent" IS', "IS"),
    ],
)
def test_incomplete_expressions(expression: str, says: str) -> None:
    text = (
        'CREATE OR REPLACE STREAM "OUT" (a VARCHAR(8)); CREATE OR REPLACE PUMP p AS INSERT INTO "OUT" '
        f'SELECT STREAM {expression} FROM "SOURCE_SQL_STREAM_001" AS s;'
    )
    with pytest.raises(SqlError, match=re.escape(says)):
        compile_text(text)
