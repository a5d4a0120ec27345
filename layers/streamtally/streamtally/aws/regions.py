"""Names of AWS regions: a slip of the keyboard is found before a request waits for a host that does not exist.

A region that is newer than this list is accepted by its shape.
Source: AWS documentation, "AWS Regions" of AWS Account Management (2025), and botocore's endpoints.json.
"""

from __future__ import annotations

import re
from typing import Final

from streamtally.text import near_names, visible

KNOWN: Final = (
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1",
    "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "eusc-de-east-1",
    "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2",
    "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2",
)  # fmt: skip

_SHAPE: Final = re.compile(
    r"""
    [a-z]{2,4}                                      # a continent or country
    (?: - [a-z]{2,5} )?                             # a partition of its own, such as gov or isob
    - (?: central | (?:north|south)(?:east|west)? | east | west )
    - [1-9][0-9]?
    """,
    re.VERBOSE,
)


def region_problem(name: str) -> str:
    """Why a name can be no region's, and what to write; an empty text if it can be one."""
    if _SHAPE.fullmatch(name):
        return ""
    same_letters = [known for known in KNOWN if sorted(known) == sorted(name)]  # two of them have changed places
    near = same_letters or near_names(name, KNOWN, 1, 0.7)
    return f"no region {visible(name, 60)!r}: " + (f"did you mean {near[0]!r}?" if near else "write one like us-east-1")
