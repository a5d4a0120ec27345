"""Prints parliament's findings in the IAM policies of a folder, as JSON: [{"rule", "resource"}].

    parliament_policies.py FOLDER

Files are NAME.RESOURCE.POLICY.json, as scripts/resolve_template.py writes them. Runs in .tools/template.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")  # parliament imports pkg_resources

from parliament import analyze_policy_string, enhance_finding  # noqa: E402

files = sorted(Path(sys.argv[1]).glob("*.json"))
if not files:
    sys.exit(f"parliament_policies.py: no policy in {sys.argv[1]}")
# If parliament does not find this mistake, its silence about the others means nothing.
PLANTED = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"}]}'
if not analyze_policy_string(PLANTED).findings:
    sys.exit("parliament_policies.py: parliament does not find a planted mistake")
print(
    json.dumps(
        [
            {"rule": enhance_finding(finding).issue, "resource": path.name.split(".")[1], "detail": str(finding.detail)}
            for path in files
            for finding in analyze_policy_string(path.read_text(), str(path)).findings
        ]
    )
)
