"""The type of what OpenSearch accepts and answers."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]
"""A JSON object: a template, a mapping, a query, a role."""
