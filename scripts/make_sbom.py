"""Writes a CycloneDX 1.6 SBOM next to each built layer, and rejects licences that are not on the list.

    make_sbom.py FOLDER arm64|x86_64 REPORTS

FOLDER is a build. REPORTS contains pip's report of the wheels of each layer (LAYER_REPORTS of the layer's Makefile). An
SBOM contains no time, and its serial number derives from its content, so two builds of a commit write the same bytes.
Exit status 1: a licence is rejected, or report and layer differ. 2: invalid arguments. Runs in .tools/supply.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.shipped import LAYERS, ROOT, Package, digest, packages, refused

VERSION_FILE = "layers/streamtally/streamtally/__init__.py"

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}


def wheels(report: Path) -> dict[str, tuple[str, str]]:
    """Package → version and SHA-256 of the wheel, from pip's installation report."""
    installed = json.loads(report.read_text())["install"]
    return {
        canonicalize_name(item["metadata"]["name"]): (
            item["metadata"]["version"],
            item["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for item in installed
    }


def component(package: Package, sha256: str) -> Component:
    """The component of a package, with the libraries compiled into it."""
    purl = PackageURL("pypi", name=package.name, version=package.version)
    parts = [
        Component(
            name=part.name,
            version=part.version or None,
            bom_ref=f"{purl}#{part.purl or part.name}",
            purl=PackageURL.from_string(part.purl) if part.purl else None,
            licenses=[LicenseExpression(part.licence)] if part.licence else [],
        )
        for part in package.parts
    ]
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=BomRef(str(purl)),
        licenses=[LicenseExpression(package.licence)] if package.licence else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
        components=parts,
    )


def dependencies(package: Package, among: dict[str, Component], arch: str) -> list[Component]:
    """The components that a package requires in Lambda's runtime, among those of its layer."""
    target = {
        "python_version": "3.13",
        "python_full_version": "3.13.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": MACHINES[arch],
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "extra": "",
    }
    needed = [Requirement(text) for text in package.requires]
    wanted = {canonicalize_name(item.name) for item in needed if not item.marker or item.marker.evaluate(target)}
    return [among[name] for name in sorted(wanted & set(among))]


def _version() -> str:
    """The package's version, without importing it: this environment has none of its requirements."""
    match = re.search(r'^__version__ = "(.+)"$', (ROOT / VERSION_FILE).read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise ValueError(f"{VERSION_FILE}: names no __version__")
    return match[1]


def make_bom(name: str, layer: Path, arch: str, taken: dict[str, tuple[str, str]]) -> str:
    """The SBOM as JSON text. Raises: ValueError: it does not conform to CycloneDX's schema."""
    top = Component(name=name, version=_version(), type=ComponentType.APPLICATION, bom_ref=BomRef(f"layer:{name}"))
    top.properties.add(Property(name="streamtally:architecture", value=arch))
    top.properties.add(Property(name="streamtally:content-sha256", value=digest(layer)))
    shipped = packages(layer)
    components = {package.name: component(package, taken[package.name][1]) for package in shipped}
    bom = Bom(components=components.values())
    bom.metadata.component = top
    bom.register_dependency(top, components.values())
    for package in shipped:
        bom.register_dependency(components[package.name], dependencies(package, components, arch))
    document: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["serialNumber"], document["metadata"]["timestamp"]
    canonical = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, canonical)}"
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(f"{name}: the SBOM does not conform to CycloneDX's schema: {error}")
    return text


def differences(name: str, layer: Path, taken: dict[str, tuple[str, str]]) -> list[str]:
    """The packages whose versions in pip's report and in the layer differ, one line each."""
    held = {package.name: package.version for package in packages(layer)}
    reported = {package: version for package, (version, _) in taken.items()}
    return [
        f"{name}: {package} is {held.get(package, 'absent')} in the layer, "
        f"{reported.get(package, 'absent')} in pip's report"
        for package in sorted(held.keys() | reported.keys())
        if held.get(package) != reported.get(package)
    ]


def main(arguments: list[str]) -> int:
    """Write the SBOMs. Returns: the exit status."""
    if len(arguments) != 3 or arguments[1] not in MACHINES or not all(Path(arguments[i]).is_dir() for i in (0, 2)):
        print(
            "make_sbom.py: give the folder of a build, arm64 or x86_64, and the folder of pip's reports",
            file=sys.stderr,
        )
        return 2
    folder, arch, reports = Path(arguments[0]), arguments[1], Path(arguments[2])
    problems: list[str] = []
    for name in LAYERS:
        report = reports / f"{name}.json"
        if not report.is_file() or not (folder / name / "python").is_dir():
            print(f"make_sbom.py: {name} was not built, or {report} does not exist", file=sys.stderr)
            return 2
        taken = wheels(report)
        problems += (wrong := differences(name, folder / name, taken)) + refused(folder / name)
        if not wrong:
            path = folder / f"{name}.cdx.json"
            path.write_text(make_bom(name, folder / name, arch, taken))
            print(f"{name:22} {len(taken)} packages, sha256 {digest(folder / name)[:16]}…, {path}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
