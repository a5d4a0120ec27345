"""The program as a user starts it, but within this process: starting and importing is most of a short command."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import ExitStack, chdir
from pathlib import Path
from unittest.mock import patch

from streamtally.cli import main as cli_main


def call_main(*arguments: object, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run ``streamtally`` with arguments: its exit status, and the bytes that it wrote, as of a process.

    What depends on a process (signals, closed streams, terminals, imports) is tested with one.
    """
    argv = ["streamtally", *map(str, arguments)]
    streams = {
        "stdin": io.TextIOWrapper(io.BytesIO(stdin), "utf-8"),
        "stdout": io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n"),
        "stderr": io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", newline="\n", line_buffering=True),
    }
    with ExitStack() as stack:
        stack.enter_context(patch.multiple(sys, argv=argv, **streams))
        if cwd is not None:
            stack.enter_context(chdir(cwd))
        status = _exit_status()
    written = []
    for name in ("stdout", "stderr"):
        streams[name].flush()
        buffer = streams[name].buffer
        assert isinstance(buffer, io.BytesIO)
        written.append(buffer.getvalue())
    return subprocess.CompletedProcess(argv, status, *written)


def _exit_status() -> int:
    try:
        cli_main.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    raise AssertionError("main() returned without an exit status")
