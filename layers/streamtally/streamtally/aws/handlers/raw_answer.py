"""The answer as finished JSON, which Lambda's runtime embeds as it is.

The runtime writes what a handler returns by simplejson, which escapes every text of it: on a large event, a fifth to a
third of the time that is left with the kernel. Its raw type stands for text that is JSON already. The runtime is not
part of this package and may change, so it is tried once, at the start; where it does anything else than embed the text,
the answer is an ordinary dict.

Source: awslambdaric, ``lambda_runtime_marshaller.py``; simplejson, ``RawJSON``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from streamtally.errors import SettingsError

RUNTIME_MODULE = "awslambdaric.lambda_runtime_marshaller"
"""The module that writes answers. The runtime has imported it before a function's."""
# Every kind of text that JSON writes in more than one way; an answer is the same value whichever is chosen.
_TRIAL = {"records": [{"recordId": 'é "\\/\u2028\x7f', "result": "Ok", "data": "eyJhIjoxfQo="}]}

RawAnswer = Callable[[dict[str, Any]], Any]
"""A response → what the handler returns: the runtime's raw type, or the response where that is not possible."""


def load_raw_answer(
    environment: Mapping[str, str], say: Callable[[str], object], warn: Callable[[str], object]
) -> RawAnswer | None:
    """How answers are handed over where this is on; None: it is off, and they are ordinary dicts.

    Args:
        environment: where ``STREAMTALLY_RAW_ANSWER=on`` turns it on.
        say: takes one line where it is on and the runtime embeds text.
        warn: takes one line where it is on and the runtime does not.
    Raises: SettingsError: the variable is neither ``on`` nor ``off``.
    """
    wanted = environment.get("STREAMTALLY_RAW_ANSWER", "").strip().lower()
    if wanted not in ("", "on", "off"):
        raise SettingsError(f"STREAMTALLY_RAW_ANSWER is {wanted!r}: it is on or off")
    if wanted != "on":
        return None
    runtime = sys.modules.get(RUNTIME_MODULE)
    if runtime is None:
        warn(_not_used(f"{RUNTIME_MODULE} is not loaded, so this is not Lambda's own runtime"))
        return _unchanged
    try:
        make: Callable[[str], Any] = runtime.json.raw_json.RawJSON
        text = orjson.dumps(_TRIAL).decode()
        written = runtime.LambdaMarshaller().marshal_response(make(text))
    except Exception as error:  # another version of the runtime may lack any of these
        warn(_not_used(f"{type(error).__name__}: {error}"))
        return _unchanged
    if written != (text, "application/json"):
        warn(_not_used("the runtime does not embed text unmodified"))
        return _unchanged

    say("answers are handed over as text")

    def hand_over(response: dict[str, Any]) -> Any:
        try:
            return make(orjson.dumps(response).decode())
        except TypeError:  # such as half of a surrogate pair in a recordId, which the runtime's JSON takes
            return response

    return hand_over


def _unchanged(response: dict[str, Any]) -> Any:
    return response


def _not_used(why: str) -> str:
    return f"answers are handed over as objects, not as text: {why}"
