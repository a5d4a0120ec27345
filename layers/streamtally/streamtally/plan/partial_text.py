"""The JSON of plain partials as one function per output, which only puts texts together.

A partial is plain if its aggregates are integers, and its key consists of integers, texts, booleans and nulls. What
:func:`streamtally.transform.documents.partial_document` makes of it is the definition; this writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


class PartialText(NamedTuple):
    """Writes an output's plain partials. Both functions raise what Python raises for a value that is not plain.

    Attributes:
        window: a window's start in ms → its texts.
        write: (key, group, texts of the window, texts of the batch) → the document; None: this one is not plain. The
            key and the group are as in :data:`streamtally.plan.windowed.PartialGroup`.
    """

    window: Callable[[int], WindowTexts]
    write: Callable[[tuple[Any, ...], list[Any], WindowTexts, BatchTexts], str | None]


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
    writer = _Writer(columns, len(key_types), slots, operations)
    write = make_function("write_partial", "key, group, window, batch", writer.lines(name), writer.scope.namespace)
    evaluators = [column.evaluate for column in columns if column.origin == "window"]

    def window(start: int) -> WindowTexts:
        return (*(value_text(evaluate(start, (), [], NO_ITEM)) for evaluate in evaluators), to_iso(start))

    return PartialText(window, write)


class _Writer:
    """Generates the function. Its names: ``k``/``t`` a key's value and its JSON, ``n``/``j`` the same of a number."""

    def __init__(
        self, columns: Sequence[WindowColumn], keys: int, slots: Sequence[Slot], operations: Operations
    ) -> None:
        self._columns, self._keys, self._slots, self._operations = columns, range(keys), slots, operations
        self._are_nullable = [part != "count" for parts in operations for part in parts]
        self._finished = [f"f{i}" if type(slot.aggregate) is Avg else "" for i, slot in enumerate(slots)]
        self.scope = Scope({})

    def lines(self, name: str) -> list[str]:
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
            f"return f'{self._document(name)}'",
        ]

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
            nothing, member = self.scope.bind(""), self.scope.bind(f',"{NUMBERS[i]}":')
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
        return lines

    def _column(self, position: int, column: WindowColumn) -> str:
        if column.origin == "key":
            return f"t{column.position}"
        if column.origin == "value":
            number = sum(map(len, self._operations[: column.position]))
            return f"g{column.position}" if self._finished[column.position] else f"j{number}"
        return f"{'w' if column.origin == 'window' else 'o'}{position}"

    def _document(self, name: str) -> str:
        """The format of the document; constant texts are bound, so that no text of the plan is in the source."""
        text = self._constant
        parts = []
        for i, column in enumerate(self._columns):
            parts += [text(f"{',' if i else '{'}{value_text(column.name)}:"), f"{{{self._column(i, column)}}}"]
        parts += [text(f',"tally":{{"output":{value_text(name)},"window_start":"'), "{since}"]
        parts += [text('","partial_id":"'), "{partial_id}", text('","group_id":"'), "{group_id}", text('",')]
        parts += ["{account}", text(',"state":{"key":'), "{json}", text(',"rows":'), f"{{group[{ROWS}]}}"]
        parts += [text(',"aggregates":['), self._states(), text(']},"merge":{"key":'), "{merged}", *self._merge()]
        return "".join([*parts, text('},"out_of_range":'), f"{{group[{ROWS_OUT_OF_RANGE}]}}", text("}}")])

    def _states(self) -> str:
        states, number = [], 0
        for parts in self._operations:
            texts = ",".join(f"{{j{number + i}}}" for i in range(len(parts)))
            states.append(self._constant("[") + texts + self._constant("]") if len(parts) > 1 else texts)
            number += len(parts)
        return ",".join(states)

    def _merge(self) -> list[str]:
        """How many numbers there are, and those that are not NULL."""
        always = sum(not is_nullable for is_nullable in self._are_nullable)
        given = [f" + (n{i} is not None)" for i, is_nullable in enumerate(self._are_nullable) if is_nullable]
        parts = [self._constant(',"values":'), f"{{{always}{''.join(given)}}}"]
        for i, (name, is_nullable) in enumerate(zip(NUMBERS, self._are_nullable, strict=False)):
            start = self.scope.bind(f',"{name}":')
            parts.append(f"{{m{i}}}" if is_nullable else f"{{{start}}}{{n{i}}}")
        return parts

    def _constant(self, constant: str) -> str:
        return f"{{{self.scope.bind(constant)}}}"


def _key_text(value: Any) -> str:
    return _CONSTANTS[repr(value)]


def _canonical_key(key: tuple[Any, ...]) -> str:
    return canonical_json(key[1:]).decode()
