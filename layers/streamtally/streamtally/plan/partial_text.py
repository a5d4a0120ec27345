"""The JSON of plain partials as one function per output, which only puts texts together.

A partial is plain if its aggregates are integers, and its key consists of integers, texts, booleans and nulls. What
:func:`streamtally.transform.documents.partial_document` makes of it is the definition; this writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from streamtally.ids import canonical_json, hash_text
from streamtally.plan.aggregates.base import LARGEST_JSON_INTEGER, Slot
from streamtally.plan.aggregates.basic import Avg
from streamtally.plan.aggregates.merged import MAX_KEY_BYTES, NUMBERS, Operations
from streamtally.plan.codegen import make_function
from streamtally.plan.expression_code import Scope
from streamtally.plan.json_values import value_text
from streamtally.plan.types import INTEGER_BITS, TEXTS, TIMES, SqlType
from streamtally.plan.window_columns import NO_ITEM, WindowColumn
from streamtally.plan.window_rows import ROWS, ROWS_OUT_OF_RANGE
from streamtally.times.iso import to_iso

_PLAIN_KEYS = frozenset({*INTEGER_BITS, *TEXTS, *TIMES, "BOOLEAN"})
_CONSTANTS = {"None": "null", "True": "true", "False": "false"}
_MAX_KEY_CHARS = MAX_KEY_BYTES // 4
"""A longer key may be one that documents carry in their state only."""


class BatchTexts(NamedTuple):
    """What the partials of a batch share.

    Attributes:
        partial_start: the canonical JSON of which ``partial_id`` is made, up to the window.
        partial_end: the same, after the key.
        group_start: the canonical JSON of which ``group_id`` is made, up to the window.
        account: the members of ``tally`` about the batch, without braces.
    """

    partial_start: str
    partial_end: str
    group_start: str
    account: str


WindowTexts = tuple[str, ...]
"""What the partials of a window share: the JSON of the columns that depend on it alone, and its start in ISO 8601."""


Part = tuple[str, int, str]
"""A part of a document: (kind, position, text). The kinds are in :class:`_Writer`."""


class Layout(NamedTuple):
    """What a plain partial consists of, as data for the kernel.

    Attributes:
        parts: in their order.
        numbers: where a group has the numbers of its states: their position, and that in a tuple there, or -1.
        nullable: whether each of them may be None.
    """

    parts: tuple[Part, ...]
    numbers: tuple[tuple[int, int], ...]
    nullable: tuple[bool, ...]


class PartialText(NamedTuple):
    """Writes an output's plain partials. Both functions raise what Python raises for a value that is not plain.

    Attributes:
        window: a window's start in ms → its texts.
        write: (key, group, texts of the window, texts of the batch) → the document; None: this one is not plain. The
            key and the group are as in :data:`streamtally.plan.windowed.PartialGroup`.
        layout: what ``write`` puts together; None: columns are computed by Python.
    """

    window: Callable[[int], WindowTexts]
    write: Callable[[tuple[Any, ...], list[Any], WindowTexts, BatchTexts], str | None]
    layout: Layout | None


def compile_partial_text(
    name: str,
    columns: Sequence[WindowColumn],
    key_types: Sequence[SqlType],
    slots: Sequence[Slot],
    operations: Operations,
) -> PartialText | None:
    """What writes an output's partials; None: their keys are not plain. Args: name: the output's."""
    if any(key_type.name not in _PLAIN_KEYS for key_type in key_types):
        return None
    writer = _Writer(name, columns, len(key_types), slots, operations)
    write = make_function("write_partial", "key, group, window, batch", writer.lines(), writer.scope.namespace)
    evaluators = [column.evaluate for column in columns if column.origin == "window"]

    def window(start: int) -> WindowTexts:
        return (*(value_text(evaluate(start, (), [], NO_ITEM)) for evaluate in evaluators), to_iso(start))

    return PartialText(window, write, writer.layout())


class _Writer:
    """Generates the function.

    Names in it, with a position: ``k`` and ``t`` a value of the key and its JSON, ``n``, ``j`` and ``m`` a number, its
    JSON and its member of ``tally.merge``, ``w``, ``c`` and ``o`` the JSON of a column: of a window, of a key's text
    that is cut, of an expression; ``f`` and ``g`` a mean and its JSON. Those of parts of a document are their kinds.
    """

    def __init__(
        self, name: str, columns: Sequence[WindowColumn], keys: int, slots: Sequence[Slot], operations: Operations
    ) -> None:
        self._name = name
        self._columns, self._keys, self._slots, self._operations = columns, range(keys), slots, operations
        self._are_nullable = [part != "count" for parts in operations for part in parts]
        self._finished = [f"f{i}" if type(slot.aggregate) is Avg else "" for i, slot in enumerate(slots)]
        self.scope = Scope({})

    def lines(self) -> list[str]:
        """The function's body."""
        bind = self.scope.bind
        windows = [f"w{i}" for i, column in enumerate(self._columns) if column.origin == "window"]
        return [
            f"{', '.join([*windows, 'since'])}, = window",
            "partial_start, partial_end, group_start, account = batch",
            *self._key_lines(),
            *self._number_lines(),
            *self._column_lines(),
            f"plain = json if json.isascii() and {bind(chr(0x7F))} not in json else {bind(_canonical_key)}(key)",
            f"partial_id = {bind(hash_text)}(f'{{partial_start}}{{start}},{{plain}}{{partial_end}}')",
            f"group_id = {bind(hash_text)}(f'{{group_start}}{{start}},{{plain}}]')",
            f"merged = {bind(value_text)}(json)",
            f"return f'{''.join(map(self._format, self._parts()))}'",
        ]

    def layout(self) -> Layout | None:
        """The parts of a document; None: there are some that only Python makes."""
        parts = tuple(self._parts())
        if any(kind in ("o", "g") for kind, *_ in parts):
            return None
        numbers = [
            (slot.index, place if len(names) > 1 else -1)
            for slot, names in zip(self._slots, self._operations, strict=True)
            for place in range(len(names))
        ]
        return Layout(parts, tuple(numbers), tuple(self._are_nullable))

    def _key_lines(self) -> list[str]:
        text, dumps = self.scope.bind(_key_text), self.scope.bind(orjson.dumps)
        names = [f"k{i}" for i in self._keys]
        return [
            f"{', '.join(['start', *names])}, = key",
            *(
                f"t{i} = k{i} if type(k{i}) is int else {dumps}(k{i}).decode() if type(k{i}) is str else {text}(k{i})"
                for i in self._keys
            ),
            f"json = f'[{','.join(f'{{t{i}}}' for i in self._keys)}]'",
            f"if len(json) > {_MAX_KEY_CHARS}: return None",
            *(f"if type(k{i}) is int and not {-(2**63)} <= k{i} < {2**63}: return None" for i in self._keys),
        ]

    def _number_lines(self) -> list[str]:
        """The numbers of the states, in order; None where one of them would be written as text."""
        lines: list[str] = []
        number = 0
        for slot, parts in zip(self._slots, self._operations, strict=True):
            names = [f"n{number + i}" for i in range(len(parts))]
            lines.append(f"{', '.join(names)}{',' if len(parts) > 1 else ''} = group[{slot.index}]")
            number += len(parts)
        for i, is_nullable in enumerate(self._are_nullable):
            limit = f"type(n{i}) is not int or not {-LARGEST_JSON_INTEGER} <= n{i} <= {LARGEST_JSON_INTEGER}"
            if not is_nullable:
                lines += [f"if {limit}: return None", f"j{i} = n{i}"]
                continue
            nothing, member = self.scope.bind(""), self.scope.bind(_member(i))
            lines += [
                f"if n{i} is None: j{i}, m{i} = {self.scope.bind('null')}, {nothing}",
                f"elif {limit}: return None",
                f"else: j{i}, m{i} = n{i}, f'{{{member}}}{{n{i}}}'",
            ]
        return lines

    def _column_lines(self) -> list[str]:
        """The finished means, and the columns for which there is no text yet."""
        null, lines = self.scope.bind("null"), []
        for i, (slot, name) in enumerate(zip(self._slots, self._finished, strict=True)):
            if name:
                finish = self.scope.bind(slot.aggregate.finish)
                lines.append(f"{name} = {finish}(group[{slot.index}])")
                lines.append(f"g{i} = {null} if {name} is None else {name}")
        others = [(i, column) for i, column in enumerate(self._columns) if column.origin == "other"]
        if others:
            values = [name or f"group[{slot.index}]" for slot, name in zip(self._slots, self._finished, strict=True)]
            lines += [f"values = [{', '.join(values)}]", "keys = key[1:]"]
        for i, column in others:
            arguments = f"start, keys, values, {self.scope.bind(NO_ITEM)}"
            value = f"{self.scope.bind(column.evaluate)}({arguments})"
            lines.append(f"o{i} = {self.scope.bind(value_text)}({value})")
        dumps = self.scope.bind(orjson.dumps)
        for i, column in enumerate(self._columns):
            if column.length is not None:
                key = f"k{column.position}"
                cut = f"{dumps}({key}[:{column.length}]).decode()"
                whole = f"{key} is None or len({key}) <= {column.length}"
                lines.append(f"c{i} = t{column.position} if {whole} else {cut}")
        return lines

    def _column(self, position: int, column: WindowColumn) -> Part:
        if column.length is not None:
            return "c", position, f"{column.position},{column.length}"
        if column.origin == "key":
            return "t", column.position, ""
        if column.origin == "value":
            number = sum(map(len, self._operations[: column.position]))
            return ("g", column.position, "") if self._finished[column.position] else ("j", number, "")
        if column.origin == "window":
            return "w", position, str([other.origin for other in self._columns[:position]].count("window"))
        return "o", position, ""

    def _parts(self) -> Iterator[Part]:
        """The parts of the document; constant texts are bound, so that no text of the plan is in the source."""
        for i, column in enumerate(self._columns):
            yield _text(f"{',' if i else '{'}{value_text(column.name)}:")
            yield self._column(i, column)
        yield _text(f',"tally":{{"output":{value_text(self._name)},"window_start":"')
        for name, after in (
            ("since", '","partial_id":"'),
            ("partial_id", '","group_id":"'),
            ("group_id", '",'),
            ("account", ',"state":{"key":'),
            ("json", ',"rows":'),
            ("rows", ',"aggregates":['),
        ):
            yield from (_name(name), _text(after))
        yield from self._states()
        yield from (_text(']},"merge":{"key":'), _name("merged"), _text(',"values":'), _name("values"))
        for i in range(len(self._are_nullable)):
            yield "m", i, ""
        yield from (_text('},"out_of_range":'), _name("out_of_range"), _text("}}"))

    def _states(self) -> Iterator[Part]:
        number = 0
        for slot, parts in enumerate(self._operations):
            yield _text(("," if slot else "") + ("[" if len(parts) > 1 else ""))
            for i in range(len(parts)):
                if i:
                    yield _text(",")
                yield "j", number + i, ""
            yield _text("]" if len(parts) > 1 else "")
            number += len(parts)

    def _format(self, part: Part) -> str:
        """A part in the function's format string."""
        kind, position, text = part
        if kind == "text":
            return f"{{{self.scope.bind(text)}}}" if text else ""
        if kind == "name":
            return f"{{{self._expressions.get(text, text)}}}"
        if kind == "m" and not self._are_nullable[position]:
            return f"{{{self.scope.bind(_member(position))}}}{{n{position}}}"
        return f"{{{kind}{position}}}"

    @property
    def _expressions(self) -> dict[str, str]:
        """What is no local name."""
        always = self._are_nullable.count(False)
        given = [f" + (n{i} is not None)" for i, is_nullable in enumerate(self._are_nullable) if is_nullable]
        counts = {"rows": f"group[{ROWS}]", "out_of_range": f"group[{ROWS_OUT_OF_RANGE}]"}
        return {**counts, "values": f"{always}{''.join(given)}"}


def _text(text: str) -> Part:
    return "text", 0, text


def _name(name: str) -> Part:
    return "name", 0, name


def _member(number: int) -> str:
    return f',"{NUMBERS[number]}":'


def _key_text(value: Any) -> str:
    return _CONSTANTS[repr(value)]


def _canonical_key(key: tuple[Any, ...]) -> str:
    return canonical_json(key[1:]).decode()
