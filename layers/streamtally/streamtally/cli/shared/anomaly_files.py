"""``compile --anomaly-detector``: a detector and a monitor for OpenSearch, as files beside ``pipeline.json``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from streamtally.cli.shared.files import write_atomically
from streamtally.errors import SettingsError
from streamtally.indices.dashboards import find_parts
from streamtally.indices.detectors import detector_body, monitor_body
from streamtally.indices.spec import read_specs
from streamtally.local.folder import CompiledFolder

_UNTRIED = (
    "the form of these files follows OpenSearch's documentation; the plugins were not at hand to try them. Send "
    "anomaly-detector-….json to POST _plugins/_anomaly_detection/detectors and start the detector; a monitor takes "
    "its id in the place of DETECTOR_ID (POST _plugins/_alerting/monitors). Its threshold is a grade from 0 to 1: "
    "scores of Kinesis Analytics have another scale"
)


def write_detectors(folder: Path, compiled: CompiledFolder) -> None:
    """Write the detectors of a program. Raises: SettingsError: it has no RANDOM_CUT_FOREST."""
    if not compiled.detectors:
        raise SettingsError("--anomaly-detector: the program has no RANDOM_CUT_FOREST")
    specs = {spec.name: spec for spec in read_specs(compiled.document, "any")}
    for detector in compiled.detectors:
        spec = specs[detector.stream]
        bodies = {"anomaly-detector": detector_body(detector, spec.index, find_parts(spec).time)}
        if detector.threshold:
            bodies["anomaly-monitor"] = monitor_body(detector, spec.index)
        for kind, body in bodies.items():
            path = folder / f"{kind}-{spec.index}.json"
            write_atomically(path, json.dumps(body, indent=2, ensure_ascii=False) + "\n")
            click.echo(f"{path}")
    click.echo(f"note: {_UNTRIED}", err=True)
