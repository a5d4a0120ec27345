"""Which clauses of the contract a function breaks.

``python -m tests.system.conformance.contract --handler module:function``, or with the URL of a start-lambda endpoint.
"""

from __future__ import annotations

import argparse
import sys

from tests.system.conformance.contract.clauses import CLAUSES, broken_clauses
from tests.system.conformance.contract.target import TargetError, target_of


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--handler", required=True, help="module:function, or http://127.0.0.1:3001/FunctionName")
    names = [clause.name for clause in CLAUSES]
    parser.add_argument(
        "--clause", default="", choices=names, metavar="NAME", help="only this one: " + ", ".join(names)
    )
    arguments = parser.parse_args()
    try:
        call = target_of(arguments.handler)
    except TargetError as error:
        print(f"contract: {arguments.handler}: {error}", file=sys.stderr)
        return 2
    broken: dict[str, int] = {}
    for clause, breach in broken_clauses(call, arguments.clause):
        broken[clause.name] = broken.get(clause.name, 0) + 1
        print(f"{clause.name}: {breach}", file=sys.stderr)
    for clause in CLAUSES:
        if arguments.clause in ("", clause.name):
            print(f"{'broken' if clause.name in broken else 'kept  '}  {clause.name}: {clause.says}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
