"""run names the format that lines have, where none of them parsed as the one that was given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.in_process import call_main

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.mark.parametrize(
    ("sample", "given", "likeliest"),
    [
        ("squid.log", "apache_combined", "squid"),
        ("caddy.log", "apache_combined", "json"),
        ("haproxy.log", "w3c", "haproxy"),
        ("lighttpd.log", "squid", "lighttpd"),
        ("ingress-nginx.log", "json", "ingress_nginx"),
    ],
)
def test_the_likeliest_format_is_named(tmp_path: Path, sample: str, given: str, likeliest: str) -> None:
    done = call_main("run", SAMPLES / sample, "--format", given, "--out", tmp_path / "out", "--json")
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.endswith(f"the likeliest format is {likeliest}: pass --format {likeliest}")


def test_standard_input_is_looked_at_too(tmp_path: Path) -> None:
    log = (SAMPLES / "squid.log").read_bytes()
    done = call_main("run", "-", "--format", "w3c", "--out", tmp_path / "out", "--json", stdin=log)
    assert done.returncode == 1
    assert b"the likeliest format is squid: pass --format squid" in done.stderr


# The format is that of the lines, not of what stands around them.
def test_wrapped_lines_have_a_format_too(tmp_path: Path) -> None:
    line = '192.0.2.1 - - [08/Nov/2026:08:47:00 +0900] "GET / HTTP/1.1" 200 5\n'
    wrapped = json.dumps({"log": line, "stream": "stdout", "time": "2026-11-08T08:47:00.1Z"}) + "\n"
    (tmp_path / "docker.log").write_text(wrapped * 5)
    done = call_main("run", tmp_path / "docker.log", "--format", "squid", "--out", tmp_path / "out", "--json")
    assert done.returncode == 1
    assert b"the likeliest format is apache_common: pass --format apache_common" in done.stderr


def test_where_none_fits_detect_is_the_advice(tmp_path: Path) -> None:
    (tmp_path / "poem.log").write_text("the rain in spain\nfalls mainly on the plain\n" * 9)
    done = call_main("run", tmp_path / "poem.log", "--format", "squid", "--out", tmp_path / "out", "--json")
    assert done.returncode == 1
    assert b"shows which format fits" in done.stderr
    assert b"likeliest" not in done.stderr
