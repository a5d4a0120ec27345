"""Runs checkov, cdk-nag, parliament and cfn-lint's exceptions over template.yaml, and compares with docs/security.md.

Every finding is fixed, or argued in that page's table of findings: a row names tool, rule, resources and reason. A
finding that no row argues fails, and so does a row that argues what is not found any more.
Exit status 1: page and findings differ. 2: a tool is missing, or did not run. Called by scripts/lint-template.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.unit.template.cfn import load_template

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/security.md"
TOOLS = ROOT / ".tools"
SECONDS = 600
Finding = tuple[str, str, str]
"""Tool, rule, resource."""


class ToolError(Exception):
    """A tool that did not run: nothing is known."""


def run(*command: str | Path, may_fail: bool = False) -> str:
    """What a tool printed. Raises: ToolError."""
    name = " ".join(Path(str(part)).name for part in command[:2])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            [*map(str, command)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS
        )
    except FileNotFoundError as error:
        raise ToolError(f"{name}: {error.filename}: not installed; make lint-template installs it") from None
    except subprocess.TimeoutExpired:
        raise ToolError(f"{name}: no end within {SECONDS} s") from None
    if done.returncode and not (may_fail and done.stdout):
        raise ToolError(f"{name}: exit status {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def plain_rule(rule: str) -> str:
    """A rule without what differs between ways of deploying: `AwsSolutions-IAM5 es:domain/NAME/*`."""
    match = re.fullmatch(r"([\w-]+)\[(\w+)::(.*)\]", rule, re.DOTALL)
    if not match:
        return rule
    value = json.loads(match[3])[0] if match[3].startswith("[") else match[3]
    value = re.sub(r"^arn:aws:(\w+):[\w-]*:\d*:", r"\1:", value)
    value = re.sub(r"^s3:[^/]+/", "s3:BUCKET/", value)
    value = re.sub(r"^es:domain/[^/]+/", "es:domain/NAME/", value)
    value = re.sub(r"^logs:log-group:(/aws/\w+)/[\w-]+:", r"logs:log-group:\1/NAME:", value)
    return f"{match[1]} {value}"


def from_cdk_nag(folder: Path) -> Iterator[Finding]:
    for finding in json.loads(run("node", ROOT / "scripts/nag/nag.cjs", folder)):
        yield "cdk-nag", plain_rule(finding["rule"]), finding["resource"]


def from_parliament(folder: Path) -> Iterator[Finding]:
    python = TOOLS / "template/bin/python"
    for finding in json.loads(run(python, ROOT / "scripts/parliament_policies.py", folder / "policies")):
        yield "parliament", finding["rule"], finding["resource"]


def from_checkov() -> Iterator[Finding]:
    command = [TOOLS / "template/bin/checkov", "--config-file", ROOT / ".checkov.yaml", "--skip-download"]
    report = json.loads(run(*command, may_fail=True))
    for part in report if isinstance(report, list) else [report]:
        if part["summary"]["parsing_errors"] or not part["summary"]["passed"]:
            raise ToolError("checkov: template.yaml was not read")
        for finding in part["results"]["failed_checks"]:
            yield "checkov", finding["check_id"], finding["resource"].rpartition(".")[2]


def from_cfn_lint(template: dict[str, Any]) -> Iterator[Finding]:
    """The exceptions in the template itself; everything else has passed before."""
    for name, resource in template["Resources"].items():
        for rule in resource.get("Metadata", {}).get("cfn-lint", {}).get("config", {}).get("ignore_checks", ()):
            yield "cfn-lint", rule, name


def findings() -> set[Finding]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        translated = folder / "translated.json"
        translated.write_text(run(TOOLS / "sam/bin/python", ROOT / "scripts/translate_template.py"))
        run(sys.executable, "-m", "scripts.resolve_template", translated, folder / "ways")
        ways = folder / "ways"
        return {
            *from_cdk_nag(ways),
            *from_parliament(ways),
            *from_checkov(),
            *from_cfn_lint(load_template()),
        }


def argued(page: str) -> set[Finding]:
    """The rows of the table of findings: | tool | rule | resources | why |. Raises: ValueError naming a bad row."""
    rows: set[Finding] = set()
    section = page.split("## Accepted findings\n")[-1].split("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        if len(cells) != 4 or len(cells[3]) < 20:
            raise ValueError(f"{PAGE.name}: no tool, rule, resources and reason in: {line}")
        tool, rule, resources = (cell.replace("`", "") for cell in cells[:3])
        rows |= {(tool, rule, resource.strip()) for resource in resources.split(",")}
    return rows


def compare(found: Iterable[Finding], rows: Iterable[Finding]) -> list[str]:
    found, rows = set(found), set(rows)
    new = [
        f"{tool} {rule}: {resource}: fix it, or argue it in docs/{PAGE.name}" for tool, rule, resource in found - rows
    ]
    stale = [
        f"{tool} {rule}: {resource}: argued in docs/{PAGE.name}, and not found any more"
        for tool, rule, resource in rows - found
    ]
    return sorted(new) + sorted(stale)


def main() -> int:
    try:
        found, rows = findings(), argued(PAGE.read_text())
    except (ToolError, ValueError) as error:
        print(f"check_template.py: {error}", file=sys.stderr)
        return 2
    problems = compare(found, rows)
    for problem in problems:
        print(problem, file=sys.stderr)
    counts = {
        tool: sum(finding[0] == tool for finding in found) for tool in ("cdk-nag", "checkov", "parliament", "cfn-lint")
    }
    print("findings, each argued:" if not problems else "findings:", ", ".join(f"{t} {n}" for t, n in counts.items()))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
