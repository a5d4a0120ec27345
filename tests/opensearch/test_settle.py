"""Settling on a real server: exact counts, and each way in which they could go wrong, one by one."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from streamtally.aws.opensearch import Cluster
from streamtally.pipeline import Pipeline, transform
from streamtally.records import decode_records
from tests.opensearch.data import MINUTE_MS, bulk, counts, forever, make_pipeline, manager_of, ms, settled

NOW = ms("2026-03-10T12:00")
