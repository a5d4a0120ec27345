"""The JSON Schema of ``pipeline.toml``, made from the classes that read it, for completion and checks in editors."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from streamtally.config.outputs import OutputSettings, OutputTable
from streamtally.config.program import ProgramTable
from streamtally.config.reference import ReferenceTable
from streamtally.config.source import SourceSettings
from streamtally.config.units import format_duration

_IDENTIFIER = "pipeline.schema.json"


class Definition(msgspec.Struct, forbid_unknown_fields=True):
    """A pipeline: how its lines are read, and where the outputs of its program are sent."""

    source: Annotated[SourceSettings, Meta(description="How lines are read.")] = msgspec.field(
        default_factory=SourceSettings
    )
    outputs: Annotated[
        dict[str, OutputTable],
        Meta(description="A table per output, by its in-application stream in the program."),
    ] = msgspec.field(default_factory=dict)
    reference: Annotated[
        dict[str, ReferenceTable], Meta(description="A table per reference table, by its name in the program.")
    ] = msgspec.field(default_factory=dict)
    program: Annotated[ProgramTable, Meta(description="What of the SQL is compiled.")] = msgspec.field(
        default_factory=ProgramTable
    )


def pipeline_schema() -> dict[str, Any]:
    """The schema as a JSON document, with the defaults that ``pipeline.json`` gets."""
    schema = msgspec.json.schema(Definition)
    table = schema["$defs"]["OutputTable"]["properties"]
    for name, text in _duration_defaults().items():
        table[name]["default"] = text
    table["rotation"]["default"] = OutputSettings(index="").rotation
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": _IDENTIFIER, **schema}


def _duration_defaults() -> dict[str, str]:
    default = OutputSettings(index="")
    return {
        "grace": format_duration(default.grace_seconds),
        "max_past": format_duration(default.max_past_seconds),
        "max_ahead": format_duration(default.max_ahead_seconds),
        "partials": format_duration(int(default.partials_days * 86_400)),
    }
