"""Walks the states of a definition in Amazon States Language, as far as the state machine of old logs uses it.

Source: the Amazon States Language (states-language.net/spec.html). Items of a map run one after the other; times of
retries are not waited for. A redrive goes on at the state that failed, with the items that have no result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Json = Any
Invoke = Callable[[str, Json], Json]
"""Runs the function of an ARN with an event."""
List = Callable[[str, str], Iterable[str]]
"""The keys of a bucket that begin with a prefix."""


class Failed(Exception):
    """The execution failed; the text is what Step Functions shows."""


class Execution:
    """An execution of a state machine. Args: retries: None: as many as the definition says."""

    def __init__(self, definition: Json, name: str, invoke: Invoke, keys: List, retries: int | None = None) -> None:
        self._definition, self._invoke, self._keys, self._retries = definition, invoke, keys, retries
        self._context: dict[str, Json] = {"Execution": {"Name": name}}
        self._state = definition["StartAt"]
        self._data: Json = None
        self._results: dict[str, Json] = {}  # of the items of the map that failed, by key
        self.visited: list[str] = []

    def start(self, data: Json) -> Json:
        """Run it with an input. Returns: its output. Raises: Failed."""
        self._data = data
        return self.redrive()

    def redrive(self) -> Json:
        """Go on at the state that failed. Raises: Failed."""
        self._data, self._state = self._run(self._definition, self._state, self._data, self._context)
        return self._data

    def _run(self, definition: Json, name: str, data: Json, context: Mapping[str, Json]) -> tuple[Json, str]:
        while True:
            state = definition["States"][name]
            if definition is self._definition:
                self._data, self._state = data, name
            self.visited.append(name)
            if state["Type"] == "Succeed":
                return data, name
            if state["Type"] == "Fail":
                raise Failed(f"{state['Error']}: {state.get('Cause') or _path(state['CausePath'], data, context)}")
            if state["Type"] == "Choice":
                name = next((c["Next"] for c in state["Choices"] if _holds(c, data)), state["Default"])
                continue
            result = self._map(state, data) if state["Type"] == "Map" else self._task(state, data, context)
            data = _put(state, data, result)
            if state.get("End"):
                return data, name
            name = state["Next"]

    def _task(self, state: Json, data: Json, context: Mapping[str, Json]) -> Json:
        event = _fill(state["Parameters"], data, context) if "Parameters" in state else data
        attempts = max(retrier["MaxAttempts"] for retrier in state["Retry"]) if self._retries is None else self._retries
        for attempt in range(attempts + 1):
            try:
                return self._invoke(state["Resource"], event)
            except Exception as error:
                if attempt == attempts:
                    raise Failed(f"{type(error).__name__}: {error}") from error
        raise AssertionError

    def _map(self, state: Json, data: Json) -> None:
        reader = _fill(state["ItemReader"]["Parameters"], data, self._context)
        _fill(state["ResultWriter"]["Parameters"], data, self._context)
        for key in self._keys(reader["Bucket"], reader["Prefix"]):
            if key in self._results:
                continue
            context = {**self._context, "Map": {"Item": {"Value": {"Key": key}}}}
            processor = state["ItemProcessor"]
            item = _fill(state["ItemSelector"], data, context)
            self._results[key], _ = self._run(processor, processor["StartAt"], item, context)
        self._results = {}


def _path(path: str, data: Json, context: Json) -> Json:
    value = context if path.startswith("$$") else data
    for part in re.sub(r"^\$+\.?", "", path).split("."):
        value = value[part] if part else value
    return value


def _fill(template: Json, data: Json, context: Json) -> Json:
    filled = {}
    for field, value in template.items():
        if not field.endswith(".$"):
            filled[field] = value
        elif match := re.fullmatch(r"States\.Format\('([^']*)', ([$.\w]+)\)", value):
            filled[field[:-2]] = match[1].replace("{}", _path(match[2], data, context))
        else:
            filled[field[:-2]] = _path(value, data, context)
    return filled


def _put(state: Json, data: Json, result: Json) -> Json:
    if "ResultPath" not in state:
        return result
    return data if state["ResultPath"] is None else {**data, state["ResultPath"].removeprefix("$."): result}


def _holds(choice: Json, data: Json) -> bool:
    for many, every in (("And", all), ("Or", any)):
        if many in choice:
            return every(_holds(one, data) for one in choice[many])
    try:
        value = _path(choice["Variable"], data, {})
    except KeyError:
        return choice.get("IsPresent") is False
    tests: dict[str, Callable[[Json], bool]] = {
        "IsPresent": lambda wanted: bool(wanted),
        "IsString": lambda wanted: isinstance(value, str) is wanted,
        "StringEquals": lambda wanted: value == wanted,
        "StringMatches": lambda wanted: re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), value) is not None,
        "NumericGreaterThan": lambda wanted: value > wanted,
    }
    (name,) = set(choice) & set(tests)
    return tests[name](choice[name])
