"""Synthesise examples/cdk with the template as ``sam package`` writes it, and check that nothing of it is lost.

Needs NODE_PATH with aws-cdk-lib: scripts/lint-template installs it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from streamtally.cli.shared.applications import read_document

ROOT = Path(__file__).resolve().parents[1]
_FUNCTION = re.compile(r'"Fn::\w+"')
SECTIONS = ("Transform", "Parameters", "Rules", "Conditions", "Mappings", "Resources")


def packaged(folder: Path) -> Path:
    """The template with long names of functions (``Fn::Contains``), as ``sam package`` writes them."""
    path = folder / "packaged.json"
    path.write_text(json.dumps(read_document(ROOT / "template.yaml"), default=str), encoding="utf-8")
    return path


def lost(template: dict[str, Any], synthesised: dict[str, Any]) -> list[str]:
    """What the template has and the synthesised stack does not."""
    missing = []
    for section in SECTIONS:
        before, after = template.get(section, {}), synthesised.get(section, {})
        if isinstance(before, dict):
            # A parameter that the example sets is replaced by its value.
            missing += [f"{section} {name}" for name in before.keys() - after.keys() if section != "Parameters"]
        elif before != after:
            missing.append(section)
    # A function that CDK does not know would become a plain list, and the rule another one.
    for name, rule in template["Rules"].items():
        if _functions(rule) != _functions(synthesised["Rules"].get(name)):
            missing.append(f"Rules {name}: its functions")
    return missing


def _functions(rule: Any) -> Counter[str]:
    return Counter(_FUNCTION.findall(json.dumps(rule)))


def main() -> int:
    """Returns: 1 if something is lost, else 0."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = packaged(folder)
        environment = {**os.environ, "STREAMTALLY_TEMPLATE": str(template), "CDK_OUTDIR": str(folder / "cdk.out")}
        done = subprocess.run(
            ["node", str(ROOT / "examples/cdk/app.cjs")], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"examples/cdk: node ended with {done.returncode}:\n{done.stderr}", file=sys.stderr)
            return 1
        synthesised = json.loads((folder / "cdk.out/Logs.template.json").read_text(encoding="utf-8"))
        missing = lost(json.loads(template.read_text(encoding="utf-8")), synthesised)
    for what in missing:
        print(f"examples/cdk: lost: {what}", file=sys.stderr)
    print(f"examples/cdk: synthesised, {len(synthesised['Resources'])} resources")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
