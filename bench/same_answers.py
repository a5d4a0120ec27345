"""Whether two checkouts answer alike: every byte of every response, document and envelope, and every ledger.

``python -m bench.same_answers BEFORE`` compares another checkout (``git worktree add``) with this one. The cases of
:mod:`bench.answer_cases` are made once; each checkout answers them in its own process (:mod:`bench.answer_digests`) and
writes digests of each answer, which are compared. Exit status 1 if one differs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.answer_cases import write_cases

HERE = Path(__file__).resolve().parent
MAX_SHOWN = 20


def start(checkout: Path, cases: Path, digests: Path) -> subprocess.Popen[bytes]:
    """Answer the cases with the code of a checkout, in a process that sees no other."""
    environment = dict(os.environ, PYTHONPATH=f"{checkout / 'layers/streamtally'}{os.pathsep}{checkout}")
    command = [sys.executable, "-P", "-W", "ignore", str(HERE / "answer_digests.py"), str(checkout), str(cases)]
    with digests.open("wb") as file:
        return subprocess.Popen(command, cwd=checkout, env=environment, stdout=file)


def read_digests(path: Path) -> dict[str, dict[str, str]]:
    """Case → part of its answer → digest."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {line["case"]: line["digests"] for line in lines}


def compare(before: Mapping[str, dict[str, str]], after: Mapping[str, dict[str, str]]) -> list[str]:
    """One sentence per case that differs, with the parts in which it does."""
    different = []
    for case in dict.fromkeys([*before, *after]):
        old, new = before.get(case), after.get(case)
        if old is None or new is None:
            different.append(f"{case}: only {'after' if old is None else 'before'} answered")
        elif old != new:
            parts = [part for part in dict.fromkeys([*old, *new]) if old.get(part) != new.get(part)]
            different.append(f"{case}: {', '.join(parts)}")
    return different


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the cases, answer them twice, and report which answers differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, help="the checkout to compare with")
    parser.add_argument("after", type=Path, nargs="?", default=HERE.parent, help="default: this checkout")
    parser.add_argument("--bytes", type=int, default=3_000_000, help="size of a generated event before base64")
    parser.add_argument("--fuzz", type=int, default=400, help="how many events of mutated lines")
    parser.add_argument("--only", default="", help="only cases whose name contains this text")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        cases = Path(folder, "cases.jsonl")
        count = write_cases(cases, options.bytes, options.fuzz, options.only)
        files = [Path(folder, name) for name in ("before.jsonl", "after.jsonl")]
        runs = [start(checkout.resolve(), cases, file)
                for checkout, file in zip((options.before, options.after), files, strict=True)]  # fmt: skip
        if max(run.wait() for run in runs):
            print("a checkout could not answer: see above")
            return 2
        before, after = map(read_digests, files)
    different = compare(before, after)
    parts = sum(map(len, after.values()))
    print(f"{count} cases, {parts} digests: {len(different)} cases differ")
    for line in different[:MAX_SHOWN]:
        print(f"  {line}")
    return 1 if different or len(after) != count else 0


if __name__ == "__main__":
    raise SystemExit(main())
