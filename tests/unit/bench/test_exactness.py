"""The exactness bench times the ledger and the ids, and changes no response. Nothing is timed here."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any
from unittest import mock

import pytest

from bench.contestants import ROOT, make_function
from bench.events import big_event
from bench.exactness import timing


# All parts occur in a call and are timed, without changing the response; afterwards nothing is timed.
def test_the_parts_are_timed() -> None:
    shape = big_event(size_bytes=30_000)
    with mock.patch.dict(os.environ):  # the function's settings apply to this test only
        function: Any = make_function()
        plain = function(shape.text)
        with timing(function.app) as costs:
            assert function(shape.text) == plain
        parts = dict(costs.seconds)
        names = {"batch digest", "groups", "batch id", "document ids", "results counted", "ledger published"}
        assert set(parts) == names
        function(shape.text)
        assert costs.seconds == parts


# The command prints a share for every shape of event.
@pytest.mark.large
def test_the_command() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "bench.exactness", "--rounds", "1"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.count("ledger and ids take") == 3
