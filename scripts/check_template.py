"""Runs checkov, cdk-nag, parliament and cfn-lint's exceptions on template.yaml and compares with docs/security.md.

Every finding is either fixed or justified in that page's table of findings, in which a row names tool, rule, resources
and reason. A finding without a row fails, and so does a row without a finding.
Exit status 1: page and findings differ. 2: a tool is missing or did not run. Called by scripts/lint-template.
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
    """A tool did not run, so its findings are unknown."""


def run(*command: str | Path, may_fail: bool = False) -> str:
    """The standard output of a tool. Raises: ToolError."""
    name = " ".join(Path(str(part)).name for part in command[:2])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            [*map(str, command)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS
        )
    except FileNotFoundError as error:
        raise ToolError(f"{name}: {error.filename}: not installed; make lint-template installs it") from None
    except subprocess.TimeoutExpired:
        raise ToolError(f"{name}: did not finish within {SECONDS} s") from None
    if done.returncode and not (may_fail and done.stdout):
        raise ToolError(f"{name}: exit status {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def plain_rule(rule: str) -> str:
    """A rule without what differs between deployment variants: `AwsSolutions-IAM5 es:domain/NAME/*`."""
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
    """The findings of cdk-nag for the templates in a folder."""
    for finding in json.loads(run("node", ROOT / "scripts/nag/nag.cjs", folder)):
        yield "cdk-nag", plain_rule(finding["rule"]), finding["resource"]


def from_parliament(folder: Path) -> Iterator[Finding]:
    """The findings of parliament for the policies in a folder."""
    python = TOOLS / "template/bin/python"
    for finding in json.loads(run(python, ROOT / "scripts/parliament_policies.py", folder / "policies")):
        yield "parliament", finding["rule"], finding["resource"]


def from_checkov() -> Iterator[Finding]:
    """The findings of checkov for template.yaml."""
    command = [TOOLS / "template/bin/checkov", "--config-file", ROOT / ".checkov.yaml", "--skip-download"]
    report = json.loads(run(*command, may_fail=True))
    for part in report if isinstance(report, list) else [report]:
        if part["summary"]["parsing_errors"] or not part["summary"]["passed"]:
            raise ToolError("checkov: template.yaml was not read")
        for finding in part["results"]["failed_checks"]:
            yield "checkov", finding["check_id"], finding["resource"].rpartition(".")[2]


def from_cfn_lint(template: dict[str, Any]) -> Iterator[Finding]:
    """The exceptions in the template itself; cfn-lint has passed everything else before."""
    for name, resource in template["Resources"].items():
        for rule in resource.get("Metadata", {}).get("cfn-lint", {}).get("config", {}).get("ignore_checks", ()):
            yield "cfn-lint", rule, name


def findings() -> set[Finding]:
    """The findings of all tools."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        translated = folder / "translated.json"
        translated.write_text(run(TOOLS / "sam/bin/python", ROOT / "scripts/translate_template.py"))
        variants = folder / "variants"
        run(sys.executable, "-m", "scripts.resolve_template", translated, variants)
        return {
            *from_cdk_nag(variants),
            *from_parliament(variants),
            *from_checkov(),
            *from_cfn_lint(load_template()),
        }


def justified(page: str) -> set[Finding]:
    """The rows of the table of findings: | tool | rule | resources | why |. Raises: ValueError: an invalid row."""
    rows: set[Finding] = set()
    section = page.split("## Accepted findings\n")[-1].split("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        if len(cells) != 4 or len(cells[3]) < 20:
            raise ValueError(f"{PAGE.name}: a row needs tool, rule, resources and reason: {line}")
        tool, rule, resources = (cell.replace("`", "") for cell in cells[:3])
        rows |= {(tool, rule, resource.strip()) for resource in resources.split(",")}
    return rows


def compare(current: Iterable[Finding], rows: Iterable[Finding]) -> list[str]:
    """The differences between findings and rows, one line each."""
    current, rows = set(current), set(rows)
    new = [
        f"{tool} {rule}: {resource}: fix it, or justify it in docs/{PAGE.name}"
        for tool, rule, resource in current - rows
    ]
    stale = [
        f"{tool} {rule}: {resource}: justified in docs/{PAGE.name}, but no longer found"
        for tool, rule, resource in rows - current
    ]
    return sorted(new) + sorted(stale)


def main() -> int:
    """Compare findings and page. Returns: the exit status."""
    try:
        current, rows = findings(), justified(PAGE.read_text())
    except (ToolError, ValueError) as error:
        print(f"check_template.py: {error}", file=sys.stderr)
        return 2
    problems = compare(current, rows)
    for problem in problems:
        print(problem, file=sys.stderr)
    counts = {
        tool: sum(finding[0] == tool for finding in current)
        for tool in ("cdk-nag", "checkov", "parliament", "cfn-lint")
    }
    title = "findings:" if problems else "findings, all justified:"
    print(title, ", ".join(f"{tool} {count}" for tool, count in counts.items()))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
