"""Prints the size of every layer and function that `sam build` made, and checks them:

    check_build.py FOLDER arm64|x86_64

- every shared library is for the requested processor (according to its ELF header, not to a wheel's name);
- what the transform loads (its code, the library, the pipeline) is less than 12 MB unzipped;
- no package of the developer's environment is included (boto3 belongs to the runtime).

Exit status 1: a check failed. 2: invalid folder or processor.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

# e_machine, bytes 18 and 19 of an ELF header (System V ABI; EM_X86_64 = 62, EM_AARCH64 = 183).
MACHINES = {"x86_64": 62, "arm64": 183}
TRANSFORM_MAX_BYTES = 12_000_000
LAMBDA_MAX_BYTES = 262_144_000  # AWS Lambda quotas: 250 MB unzipped, a function with all its layers
TRANSFORM_PARTS = ("TransformFunction", "StreamtallyLayer", "PipelineLayer")
MANAGER_PARTS = ("SettleFunction", "StreamtallyLayer", "OpenSearchLayer", "PipelineLayer")
UNWANTED = ("boto3", "botocore", "sqlglot", "duckdb", "pytest", "tests")


def iter_files(folder: Path) -> Iterator[Path]:
    """The files in a folder, without links."""
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def size_bytes(folder: Path) -> int:
    """The total size of the files in a folder."""
    return sum(path.stat().st_size for path in iter_files(folder))


def wrong_machine(folder: Path, machine: int) -> list[str]:
    """The shared libraries for another processor, one line each."""
    wrong = []
    for path in iter_files(folder):
        with path.open("rb") as file:
            header = file.read(20)
        if header[:4] == b"\x7fELF" and int.from_bytes(header[18:20], "little") != machine:
            wrong.append(f"{path}: e_machine {int.from_bytes(header[18:20], 'little')}, not {machine}")
    return wrong


def unwanted(folder: Path) -> list[str]:
    """The packages that must not be deployed, one line each."""
    return [
        f"{path}: must not be deployed"
        for path in folder.glob("python/*")
        if path.name in UNWANTED or path.suffix == ".egg-info"
    ]


def check(folder: Path, arch: str) -> list[str]:
    """Print the sizes. Returns: the failed checks, one line each."""
    parts = {path.name: path for path in sorted(folder.iterdir()) if path.is_dir()}
    parts["PipelineLayer"] = Path("layers/pipeline")  # copied, not built
    sizes = {name: size_bytes(path) for name, path in parts.items()}
    for name, size in sizes.items():
        print(f"{name:22} {size / 1e6:8.3f} MB")
    problems = [line for path in parts.values() for line in wrong_machine(path, MACHINES[arch]) + unwanted(path)]
    for name, members, limit in (
        ("transform", TRANSFORM_PARTS, TRANSFORM_MAX_BYTES),
        ("index manager", MANAGER_PARTS, LAMBDA_MAX_BYTES),
    ):
        absent = [member for member in members if member not in sizes]
        problems += [f"{folder}: {member} was not built" for member in absent]
        total = sum(sizes.get(member, 0) for member in members)
        print(f"{name + ', total':22} {total / 1e6:8.3f} MB of {limit / 1e6:.0f} MB")
        if total > limit:
            problems.append(f"the {name} has {total} bytes unzipped, more than {limit}")
    return problems


def main(arguments: list[str]) -> int:
    """Check a build. Returns: the exit status."""
    if len(arguments) != 2 or arguments[1] not in MACHINES or not Path(arguments[0]).is_dir():
        print("check_build.py: give the folder of a build, and arm64 or x86_64", file=sys.stderr)
        return 2
    problems = check(Path(arguments[0]), arguments[1])
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
