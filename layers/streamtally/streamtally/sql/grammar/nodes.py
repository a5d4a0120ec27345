"""The nodes of the dialect that sqlglot does not have."""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp


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
    """``(a - b) SECOND``: a difference of times as an interval with a unit."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "unit": True, "to": False}


class TypedLiteral(exp.Expression):
    """``TIMESTAMP '1970-01-01 00:00:00'``, and the same for DATE and TIME."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "kind": True}


class WindowRange(exp.Expression):
    """``(PARTITION BY … ORDER BY … RANGE INTERVAL … PRECEDING)``: ``expressions`` are the keys.

    ``kind`` is RANGE, ROWS, or empty without either; ``length`` is missing if the window has no beginning.
    """

    arg_types: ClassVar[dict[str, bool]] = {"expressions": False, "order": False, "kind": False, "length": False}


class NamedWindow(exp.Expression):
    """``WINDOW name AS (…)``: ``window`` is a :class:`WindowRange`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "window": True}


class Over(exp.Expression):
    """An aggregate call OVER a :class:`WindowRange`, or OVER the name of one."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "window": True}
