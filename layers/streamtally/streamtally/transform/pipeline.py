"""A pipeline ready to run, made of ``pipeline.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streamtally.config.outputs import output_settings
from streamtally.config.reference import ReferenceSettings, reference_settings
from streamtally.config.source import source_settings
from streamtally.errors import PlanError, SettingsError
from streamtally.ids import digest, versioned
from streamtally.plan.joins import Tables
from streamtally.plan.reference import ReferenceRows
from streamtally.plan.rows import RowOutput, compile_row_output
from streamtally.plan.windowed import WindowedOutput, compile_windowed_output
from streamtally.transform.bounds import ROW_OUTPUTS, Bounds
from streamtally.transform.output_writer import Output
from streamtally.transform.records import ANY_AGE_MS
from streamtally.transform.reference_file import check_size, load_reference
from streamtally.transform.source import Source, ZoneOf

PLAN_VERSION = 1
MS_PER_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline ready to run."""

    source: Source
    """Reads lines."""
    outputs: Mapping[str, Output]
    """By name, in the plan's order."""
    plan_id: str
    """Hash of everything that decides which partials a batch makes."""
    document: Mapping[str, Any]
    """The ``pipeline.json`` it was made of."""
    tables: Mapping[str, ReferenceRows] = field(default_factory=dict)
    """The reference tables of its program, by name."""

    @property
    def missing_tables(self) -> list[str]:
        """The reference tables without content, without which no row can be read."""
        return [name for name, table in self.tables.items() if table.rows is None]

    @property
    def bounds(self) -> Bounds:
        """What one invocation reads."""
        settings = self.source.settings
        rows = sum(isinstance(output, RowOutput) for output in self.outputs.values())
        return Bounds(settings.read_bytes, settings.read_lines * ROW_OUTPUTS // max(ROW_OUTPUTS, rows))

    @property
    def max_age_ms(self) -> int:
        """How long ago a record may have arrived to be counted: as long as its partials or rows are kept."""
        days = [
            output.settings.partials_days
            if isinstance(output, WindowedOutput)
            else output.settings.retention.max_age_days
            for output in self.outputs.values()
        ]
        return max((ANY_AGE_MS if kept is None else int(kept * MS_PER_DAY) for kept in days), default=ANY_AGE_MS)

    def output(self, name: str) -> Output:
        """An output by its name. Raises: KeyError."""
        return self.outputs[name]


def load_pipeline(document: Mapping[str, Any], zone_of: ZoneOf, objects: Mapping[str, bytes] | None = None) -> Pipeline:
    """A pipeline from ``pipeline.json``.

    Args:
        zone_of: a time zone's name → the zone (zoneinfo.ZoneInfo reads files, so the edge passes it).
        objects: the content of the reference tables in S3, by name. Without it a pipeline can settle, not read rows.
    Raises: SettingsError, PlanError: the message names what cannot be used.
    """
    if not isinstance(document, Mapping) or not {"source", "outputs", "plan"} <= set(document):
        raise PlanError("not a pipeline: it has 'source', 'outputs' and 'plan' (make it with streamtally compile)")
    source = Source(source_settings(document["source"]), zone_of)
    plan = document["plan"]
    if plan.get("version") != PLAN_VERSION:
        raise PlanError(f"plan version {plan.get('version')!r}: this release reads {PLAN_VERSION}; compile it again")
    tables = {
        name: load_reference(name, settings, (objects or {}).get(name))
        for name, settings in read_references(document).items()
    }
    check_size(tables)
    outputs: dict[str, Output] = {}
    for node in plan["outputs"]:
        output = _compile_output(node, document["outputs"], source, tables)
        if output.name in outputs:
            raise PlanError(f"output {output.name!r} is there twice")
        outputs[output.name] = output
    return Pipeline(source, outputs, _plan_id(document, tables), document, tables)


def read_references(document: Mapping[str, Any]) -> dict[str, ReferenceSettings]:
    """The settings of a pipeline's reference tables, by name. Raises: SettingsError."""
    return {name: reference_settings(name, value) for name, value in document.get("references", {}).items()}


def _compile_output(node: dict[str, Any], settings: Mapping[str, Any], source: Source, tables: Tables) -> Output:
    name = str(node.get("name") or "")
    stream = node.get("stream", name)
    if not name or stream not in settings:
        raise SettingsError(f"the plan's output {name!r} has no settings: add [outputs.{stream}] to pipeline.toml")
    chosen = output_settings(stream, settings[stream])
    try:
        if node.get("kind") == "row":
            return compile_row_output(node, chosen, source, tables)
        if node.get("kind") == "windowed":
            return compile_windowed_output(node, chosen, source, tables)
        raise PlanError(f"unknown kind {node.get('kind')!r}: it is 'row' or 'windowed'")
    except KeyError as error:
        raise PlanError(f"output {name!r}: {error} is missing in the plan") from None
    except PlanError as error:
        raise PlanError(f"output {name!r}: {error}") from None


def _plan_id(document: Mapping[str, Any], tables: Mapping[str, ReferenceRows]) -> str:
    # Everything that affects a batch's partials: the plan, how rows are read, which event times are believed, and what
    # the reference tables hold.
    horizons = {
        name: [settings.get("max_past_seconds"), settings.get("max_ahead_seconds")]
        for name, settings in document["outputs"].items()
    }
    deployed = [document["plan"], document["source"], horizons]
    settings_of = read_references(document)
    if not tables:
        return digest(deployed)
    fixed = {name: table.version for name, table in tables.items() if not settings_of[name].in_s3}
    changing = {
        name: None if table.rows is None else table.version for name, table in tables.items() if settings_of[name].in_s3
    }
    if not changing:
        return digest([*deployed, fixed])
    # An object changes without a deployment: by the first half of the id, settling finds what was deployed.
    layout = {name: [settings_of[name].format, settings_of[name].columns] for name in changing}
    version = None if None in changing.values() else digest(changing)
    return versioned(digest([*deployed, fixed, layout]), version)
