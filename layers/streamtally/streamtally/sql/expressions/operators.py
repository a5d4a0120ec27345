"""Logic, comparisons, patterns, concatenation, and CASE."""

from __future__ import annotations

from sqlglot import exp

from streamtally.plan.types import VARCHAR
from streamtally.sql.expressions.translator import Translator, translates
from streamtally.sql.expressions.typed import NULL_LITERAL, Typed, adopt
from streamtally.sql.grammar.allowed import COMPARISONS


@translates(exp.Paren)
def parentheses(translator: Translator, node: exp.Paren) -> Typed:
    return translator.translate(node.this)


@translates(exp.And, exp.Or)
def logic(translator: Translator, node: exp.And | exp.Or) -> Typed:
    operator = "and" if isinstance(node, exp.And) else "or"
    sides = [translator.condition(side, operator.upper()) for side in node.flatten(unnest=False)]
    return translator.build(node, {"op": operator}, sides)


@translates(exp.Not)
def negation(translator: Translator, node: exp.Not) -> Typed:
    return translator.build(node, {"op": "not"}, [translator.condition(node.this, "NOT")])


@translates(*COMPARISONS)
def comparison(translator: Translator, node: exp.Binary) -> Typed:
    return translator.compare(
        node, COMPARISONS[type(node)], translator.translate(node.this), translator.translate(node.expression)
    )


@translates(exp.DPipe)
def concatenation(translator: Translator, node: exp.DPipe) -> Typed:
    parts = [translator.argument(part, "text", "||") for part in node.flatten(unnest=False)]
    while len(parts) > 1:  # as a balanced tree, so that a long chain is not a deep expression
        pairs = [parts[i : i + 2] for i in range(0, len(parts), 2)]
        parts = [translator.build(node, {"op": "||"}, pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return parts[0]


@translates(exp.Between)
def between(translator: Translator, node: exp.Between) -> Typed:
    value = translator.translate(node.this)
    low = translator.compare(node, ">=", value, translator.translate(node.args["low"]))
    high = translator.compare(node, "<=", value, translator.translate(node.args["high"]))
    return translator.build(node, {"op": "and"}, [low, high])


@translates(exp.In)
def is_in(translator: Translator, node: exp.In) -> Typed:
    value = translator.translate(node.this)
    tests = []
    for expression in node.expressions:
        if isinstance(expression, exp.Query):
            raise translator.problems.unsupported(
                expression, "IN with a subquery", "list the values, or join before the pipeline"
            )
        tests.append(translator.compare(expression, "=", value, translator.translate(expression)))
    return tests[0] if len(tests) == 1 else translator.build(node, {"op": "or"}, tests)


@translates(exp.Is)
def is_(translator: Translator, node: exp.Is) -> Typed:
    if isinstance(node.expression, exp.Null):
        return translator.build(node, {"op": "is_null"}, [adopt(translator.translate(node.this), VARCHAR)])
    if isinstance(node.expression, exp.Boolean):
        name = "is_true" if node.expression.this else "is_false"
        return translator.build(node, {"call": name}, [translator.condition(node.this, "IS TRUE")])
    if isinstance(node.expression, exp.Var):  # IS UNKNOWN is IS NULL of a condition
        return translator.build(node, {"op": "is_null"}, [translator.condition(node.this, "IS UNKNOWN")])
    raise translator.problems.error(node, "IS takes NULL, TRUE, FALSE or UNKNOWN")


@translates(exp.NullSafeEQ, exp.NullSafeNEQ)
def is_distinct(translator: Translator, node: exp.Binary) -> Typed:
    left, right = translator.translate(node.this), translator.translate(node.expression)
    equal = translator.compare(node, "=", left, right)
    sides = [translator.build(node, {"op": "is_null"}, [adopt(side, VARCHAR)]) for side in (left, right)]
    both = translator.build(node, {"op": "and"}, sides)
    same = translator.build(node, {"op": "or"}, [both, translator.build(node, {"call": "is_true"}, [equal])])
    return same if isinstance(node, exp.NullSafeEQ) else translator.build(node, {"op": "not"}, [same])


@translates(exp.Like, exp.SimilarTo, exp.Escape)
def like(translator: Translator, node: exp.Like | exp.SimilarTo | exp.Escape) -> Typed:
    escape = None
    if isinstance(node, exp.Escape):
        escape, node = node.expression, node.this
    if not isinstance(node, exp.Like | exp.SimilarTo):
        raise translator.problems.error(node, "ESCAPE is only allowed after LIKE or SIMILAR TO")
    name = "LIKE" if isinstance(node, exp.Like) else "SIMILAR TO"
    call = "like" if isinstance(node, exp.Like) else "similar"
    arguments = [translator.argument(node.expression, "text", name)]
    if escape is not None:
        call += "_escape"
        arguments.insert(0, _escape(translator, escape))
    arguments.append(translator.argument(node.this, "text", name))
    test = translator.build(node, {"call": call}, arguments)
    return translator.build(node, {"op": "not"}, [test]) if node.args.get("negate") else test


def _escape(translator: Translator, node: exp.Expr) -> Typed:
    value = translator.argument(node, "text", "ESCAPE")
    if not isinstance(value.literal, str) or len(value.literal) != 1:
        raise translator.problems.error(node, "ESCAPE takes a single character in quotes")
    return value


@translates(exp.Case)
def case(translator: Translator, node: exp.Case) -> Typed:
    operand = translator.translate(node.this) if node.this else None
    conditions, values = [], []
    for branch in node.args["ifs"]:
        if operand is None:
            conditions.append(translator.condition(branch.this, "WHEN"))
        else:
            conditions.append(translator.compare(branch.this, "=", operand, translator.translate(branch.this)))
        values.append(translator.translate(branch.args["true"]))
    default = node.args.get("default")
    values.append(translator.translate(default) if default is not None else NULL_LITERAL)
    values = translator.alike(node, "CASE", values)
    pairs = [[condition.node, value.node] for condition, value in zip(conditions, values, strict=False)]
    parts = [*conditions, *values]
    return Typed(
        {"case": pairs, "else": values[-1].node},
        values[0].type,
        values[0].unit,
        1 + sum(part.size for part in parts),
        1 + max(part.depth for part in parts) + len(conditions) // 4,
    )
