"""Prints template.yaml after SAM's transformation as JSON, with parameters and conditions. Runs in .tools/sam."""

from __future__ import annotations

import json
import os
from pathlib import Path

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).resolve().parents[1]

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
template = yaml_parse((ROOT / "template.yaml").read_text())
for resource in template["Resources"].values():
    for key in ("CodeUri", "ContentUri"):
        if key in resource.get("Properties", {}):
            resource["Properties"][key] = "s3://a-bucket/a-key"
print(json.dumps(Translator({}, Parser()).translate(template, {})))
