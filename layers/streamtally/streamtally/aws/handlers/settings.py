"""A function's settings: the pipeline from its layer, and names from the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.errors import SettingsError
from streamtally.transform.pipeline import Pipeline, load_pipeline

DEFAULT_PIPELINE = "/opt/pipeline/pipeline.json"


def read_pipeline_document(path: Path) -> dict[str, Any]:
    """The JSON of a ``pipeline.json``. Raises: SettingsError: the file is missing or not a JSON object."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file: make it with streamtally compile") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise SettingsError(f"{path}: not JSON: make it again with streamtally compile") from None
    if not isinstance(document, dict):
        raise SettingsError(f"{path}: not a pipeline: make it again with streamtally compile")
    return document


def pipeline_from_environment(environment: Mapping[str, str]) -> Pipeline:
    """The pipeline at the path in ``PIPELINE``, else the layer's. Raises: SettingsError: names the variable."""
    path = Path(environment.get("PIPELINE") or DEFAULT_PIPELINE)
    try:
        return load_pipeline(read_pipeline_document(path), ZoneInfo)
    except SettingsError as error:
        raise SettingsError(f"PIPELINE: {error}") from None


def required(environment: Mapping[str, str], name: str, what: str) -> str:
    """The value of a required variable. Raises: SettingsError: names it."""
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set: it is {what}")
    return value
