"""Queries the advisory databases for every locked package: pip-audit, npm audit, cargo audit.

    audit.py [FOLDER]

A lock that could not be queried is reported as not audited, never as clean: pip-audit reports success when it has
skipped every package, and so does npm when its registry has no such endpoint.
Exit status 0: every lock was audited and no advisory is known. 1: something that is shipped has a known advisory
(layers, the command line's requirements, compiled parts; an advisory on a tool of the checkout is only printed).
3: no advisory is known, but a lock was not audited or not completely. 2: invalid arguments. Runs in .tools/supply.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 300
IGNORED = {"node_modules", ".git", ".tools", ".aws-sam", "target", "build"}


@dataclass
class Result:
    """What is known about one lock.

    Attributes:
        lock: Its path in the repository.
        asked: How many packages were queried.
        advisories: The advisories found, one line each.
        unasked: The packages that were not queried, or why none was.
    """

    lock: str
    asked: int = 0
    advisories: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)

    @property
    def shipped(self) -> bool:
        """Whether users run it, unlike the checkout's own tools."""
        return (
            self.lock.startswith("layers/") or self.lock == "requirements/dev.txt" or self.lock.endswith("Cargo.lock")
        )


def run(command: list[str], folder: Path) -> tuple[int, str, str]:
    """The exit status (124: timed out), standard output, and the last line of standard error."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return 124, "", f"no response within {SECONDS} s"
    last = [line for line in done.stderr.strip().splitlines() if line.strip()][-1:]
    return done.returncode, done.stdout, "".join(last)[-300:]


def parse(text: str) -> Any:
    """The JSON in ``text``; None if it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def pip_result(lock: str, answer: Any, complaint: str) -> Result:
    """The result in the JSON of ``pip-audit -f json``."""
    result = Result(lock)
    if not isinstance(answer, dict) or not answer.get("dependencies"):
        result.unasked.append(f"everything: {complaint or 'no response'}")
        return result
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            result.unasked.append(package["name"])
            continue
        result.asked += 1
        result.advisories += [f"{package['name']} {package['version']}: {v['id']}" for v in package.get("vulns", ())]
    return result


def npm_result(lock: str, answer: Any, complaint: str) -> Result:
    """The result in the JSON of ``npm audit --json``."""
    result = Result(lock)
    if not isinstance(answer, dict) or "vulnerabilities" not in answer or "metadata" not in answer:
        reason = answer.get("message") if isinstance(answer, dict) else ""
        result.unasked.append(f"everything: {reason or complaint or 'no response'}")
        return result
    result.asked = int(answer["metadata"].get("dependencies", {}).get("total", 0))
    result.advisories = [f"{name}: {entry.get('severity', '')}" for name, entry in answer["vulnerabilities"].items()]
    return result


def cargo_result(lock: str, answer: Any, complaint: str) -> Result:
    """The result in the JSON of ``cargo audit --json``."""
    result = Result(lock)
    if not isinstance(answer, dict) or "vulnerabilities" not in answer:
        result.unasked.append(f"everything: {complaint or 'no response'}")
        return result
    result.asked = int(answer.get("lockfile", {}).get("dependency-count", 0))
    result.advisories = [
        f"{entry['package']['name']} {entry['package']['version']}: {entry['advisory']['id']}"
        for entry in answer["vulnerabilities"]["list"]
    ]
    return result


def locks(root: Path, *names: str) -> Iterator[Path]:
    """The lock files of these names, outside the folders of tools and builds."""
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        if (
            path.name in names
            and path.is_file()
            and not any(part in IGNORED or part.startswith(".venv") for part in inside)
        ):
            yield path


def audit(root: Path) -> Iterator[Result]:
    """A result for each lock of the repository."""
    pip_locks = [*sorted((root / "requirements").glob("*.txt")), *locks(root / "layers", "lock.txt")]
    for path in pip_locks:
        options = ["--disable-pip", "--no-deps", "--require-hashes", "--progress-spinner", "off", "-f", "json"]
        command = [str(Path(sys.executable).parent / "pip-audit"), *options, "-r", str(path)]
        _, text, complaint = run(command, root)
        yield pip_result(str(path.relative_to(root)), parse(text), complaint)
    for name, program, command, read in (
        ("package-lock.json", "npm", ["npm", "audit", "--json", "--package-lock-only"], npm_result),
        ("Cargo.lock", "cargo-audit", ["cargo-audit", "audit", "--json"], cargo_result),
    ):
        for path in locks(root, name):
            if shutil.which(program):
                _, text, complaint = run(command, path.parent)
                yield read(str(path.relative_to(root)), parse(text), complaint)
            else:
                yield read(str(path.relative_to(root)), None, f"no program {program} on PATH")


def line(result: Result) -> str:
    """The result as one line of text."""
    if result.advisories:
        note = "" if result.shipped else " (a tool, not shipped)"
        return f"{result.lock}: {len(result.advisories)} advisories{note}: {'; '.join(result.advisories)}"
    if result.unasked:
        some = ", ".join(result.unasked[:3]) + (
            f" and {len(result.unasked) - 3} more" if len(result.unasked) > 3 else ""
        )
        return f"{result.lock}: NOT AUDITED ({result.asked} packages queried; not: {some})"
    return f"{result.lock}: no advisory for {result.asked} packages"


def main(arguments: list[str]) -> int:
    """Audit every lock and print the results. Returns: the exit status."""
    root = Path(arguments[0]) if arguments else ROOT
    if len(arguments) > 1 or not root.is_dir():
        print("audit.py: give the folder of a checkout, or no argument", file=sys.stderr)
        return 2
    status, seen = 0, 0
    for result in audit(root):
        seen += 1
        print(line(result), flush=True)
        if result.advisories and result.shipped:
            status = 1
        elif result.unasked and status == 0:
            status = 3
    if not seen:
        print(f"audit.py: no lock file in {root}", file=sys.stderr)
        return 2
    if status == 3:
        print("Not everything could be audited: there may be advisories that are not listed here.")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
