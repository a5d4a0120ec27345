"""The transform with the JSON of Lambda's runtime instead of Python's, and with answers that it embeds as text.

python -m bench.runtime_json FOLDER: FOLDER has the runtime client, as in the runtime's image:

    pip install --target FOLDER --only-binary :all: --require-hashes -r requirements/runtime.txt
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from bench.contestants import Transform, identical, make_function
from bench.events import big_event, many_minutes, small_records
from bench.transform import time_rounds, use_one_core
from streamtally.aws.handlers.raw_answer import RUNTIME_MODULE
from streamtally.transform.kernel.protocol import KERNEL_MODULE


def contestants(folder: str) -> dict[str, Transform]:
    """What is timed, by its name. Args: folder: has the runtime client."""
    sys.path.insert(0, folder)
    os.environ["AWS_EXECUTION_ENV"] = "AWS_Lambda_python3.13"  # the marshaller asks for it
    marshaller: Any = importlib.import_module(RUNTIME_MODULE).LambdaMarshaller()

    def write(answer: Any) -> str:
        text: str = marshaller.marshal_response(answer)[0]
        return text

    def identity(text: str) -> str:
        return write(identical(marshaller.unmarshal_request(text)))

    ways = {"identity": identity}
    for kernel, name in (("off", "function"), ("on", "with kernel")):
        if kernel == "on" and not importlib.util.find_spec(KERNEL_MODULE):
            continue
        for raw, suffix in (("off", ""), ("on", ", raw answer")):
            ways[name + suffix] = make_function(
                kernel=kernel, raw_answer=raw, read=marshaller.unmarshal_request, write=write
            )
    return ways


def main(arguments: Sequence[str] | None = None) -> None:
    """Time all contestants on three events, and print a table of their share of the identity's speed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    use_one_core()
    ways = contestants(options.folder)
    print(f"\n{'event':45}" + "".join(f"{name:>25}" for name in ways))
    for shape in (big_event(), small_records(), many_minutes()):
        seconds = time_rounds(ways, shape, options.rounds)
        cells = []
        for taken in seconds.values():
            ratio = statistics.median(base / own for base, own in zip(seconds["identity"], taken, strict=True))
            cells.append(f"{ratio:.2f} ({statistics.median(taken) * 1000:.0f} ms)")
        print(f"{shape.name:45}" + "".join(f"{cell:>25}" for cell in cells))


if __name__ == "__main__":
    main()
