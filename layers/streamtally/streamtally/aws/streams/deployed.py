"""The pipeline that a deployed function reads: from its layers or its own code, as Lambda would unpack them.

Nothing is invoked. Source: Lambda API reference, GetLayerVersionByArn and GetFunction (``Location`` is an address that
is good for ten minutes); developer guide, "Working with layers" (layers are unpacked below /opt, later ones over
earlier ones).
"""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streamtally.aws.clients import OPERATOR_READ_SECONDS, Aws, AwsError
from streamtally.aws.handlers.settings import DEFAULT_PIPELINE

MAX_ZIP_BYTES = 64 * 2**20
"""Of a zip that is fetched: more than a layer may have. Source: Lambda quotas."""
MAX_PIPELINE_BYTES = 16 * 2**20
_LAYERS, _CODE = "/opt/", "/var/task/"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a function runs. ``document``: its pipeline.json, None if it cannot be read; ``how``: from where, or why."""

    document: Mapping[str, Any] | None
    how: str

    @property
    def framing(self) -> str:
        """``[source] framing`` of its pipeline, "" where that cannot be told."""
        if self.document is None:
            return ""
        source = self.document.get("source")
        return str(source.get("framing") or "lines") if isinstance(source, dict) else ""


def read_deployed(aws: Aws, function: Mapping[str, Any]) -> Deployed:
    """The pipeline of a function. Args: function: Lambda's FunctionConfiguration."""
    variables = (function.get("Environment") or {}).get("Variables") or {}
    path = str(variables.get("PIPELINE") or DEFAULT_PIPELINE)
    if function.get("PackageType") == "Image":
        return Deployed(None, "the function is an image, which is not looked into")
    why = f"no {path} in the function's {'layers' if path.startswith(_LAYERS) else 'code'}"
    try:
        for name, location, member in _places(aws, function, path):
            text = _read_member(_fetch(location), member)
            if text is not None:
                return _parse(text, name)
    except (AwsError, OSError, ValueError, zipfile.BadZipFile) as error:
        why = f"the function's pipeline cannot be read: {' '.join(str(error).split())[:200]}"
    return Deployed(None, why)


def _places(aws: Aws, function: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    """Where the file may be: (what it is called, address of a zip, name therein), the one that wins first."""
    if path.startswith(_LAYERS):
        for layer in reversed(function.get("Layers") or []):
            arn = str(layer["Arn"])
            found = aws.call("lambda", "get_layer_version_by_arn", Arn=arn)
            yield f"the layer {arn.split(':', 6)[-1]}", str(found["Content"]["Location"]), path.removeprefix(_LAYERS)
    elif path.startswith(_CODE):
        arn = str(function["FunctionArn"])
        found = aws.call("lambda", "get_function", FunctionName=arn)
        yield "the function's code", str(found["Code"]["Location"]), path.removeprefix(_CODE)


def _fetch(location: str) -> bytes:
    """A zip by its address. Raises: OSError, ValueError."""
    if not location.startswith(("https://", "http://")):
        raise ValueError(f"its address is none that can be fetched ({location[:60] or 'empty'})")
    try:
        with urllib.request.urlopen(location, timeout=OPERATOR_READ_SECONDS) as answer:  # noqa: S310 (checked above)
            data: bytes = answer.read(MAX_ZIP_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise OSError(f"its address answers {error.code}") from None
    if len(data) > MAX_ZIP_BYTES:
        raise ValueError(f"its zip has more than {MAX_ZIP_BYTES} bytes")
    return data


def _read_member(data: bytes, name: str) -> bytes | None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        try:
            with archive.open(name) as file:
                return file.read(MAX_PIPELINE_BYTES)
        except KeyError:
            return None


def _parse(text: bytes, name: str) -> Deployed:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return Deployed(None, f"{name} holds a pipeline.json that is no pipeline")
    return Deployed(document, name)
