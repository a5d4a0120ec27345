"""Writes docs/pipeline.schema.json, the settings of ``pipeline.toml`` for editors. ``--check`` only compares it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from streamtally.config.schema import pipeline_schema

PATH = Path(__file__).resolve().parents[1] / "docs" / "pipeline.schema.json"


def schema_text() -> str:
    """The file's text."""
    return json.dumps(pipeline_schema(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write or compare the file. Returns: 1 with ``--check`` if it is out of date, else 0."""
    if "--check" in sys.argv[1:]:
        return int(not PATH.exists() or PATH.read_text(encoding="utf-8") != schema_text())
    PATH.write_text(schema_text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
