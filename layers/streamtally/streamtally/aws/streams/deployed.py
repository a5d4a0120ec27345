"""The pipeline of a deployed function: read from its layers or its code, as Lambda would unpack them.

The function is not invoked. Source: Lambda API reference, GetLayerVersionByArn and GetFunction (``Location`` is an
address that is valid for ten minutes); developer guide, "Working with layers" (layers are unpacked to /opt, later ones
over earlier ones).
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
from streamtally.text import one_line

MAX_ZIP_BYTES = 64 * 2**20
"""The largest zip that is fetched, which is more than a layer may have. Source: Lambda quotas."""
MAX_PIPELINE_BYTES = 16 * 2**20
_LAYERS, _CODE = "/opt/", "/var/task/"


@dataclass(frozen=True, slots=True)
class Deployed:
    """The pipeline that a function runs.

    Attributes:
        document: its ``pipeline.json``; None: it cannot be read.
        how: where it was read, or why it cannot be read.
    """

    document: Mapping[str, Any] | None
    how: str

    @property
    def framing(self) -> str:
        """``[source] framing`` of its pipeline; "" if unknown."""
        if self.document is None:
            return ""
        source = self.document.get("source")
        return str(source.get("framing") or "lines") if isinstance(source, dict) else ""


def read_deployed(aws: Aws, function: Mapping[str, Any]) -> Deployed:
    """The pipeline of a function. Args: function: Lambda's FunctionConfiguration."""
    variables = (function.get("Environment") or {}).get("Variables") or {}
    path = str(variables.get("PIPELINE") or DEFAULT_PIPELINE)
    if function.get("PackageType") == "Image":
        return Deployed(None, "the function is an image, which is not inspected")
    why = f"no {path} in the function's {'layers' if path.startswith(_LAYERS) else 'code'}"
    try:
        for name, location, member in _candidates(aws, function, path):
            text = _read_member(_fetch(location), member)
            if text is not None:
                return _parse(text, name)
    except (AwsError, OSError, ValueError, zipfile.BadZipFile) as error:
        why = f"the function's pipeline cannot be read: {one_line(error, 200)}"
    return Deployed(None, why)


def _candidates(aws: Aws, function: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    """Where the file may be: (name for messages, address of a zip, name in it); the first that has it wins."""
    if path.startswith(_LAYERS):
        for layer in reversed(function.get("Layers") or []):
            arn = str(layer["Arn"])
            layer_version = aws.call("lambda", "get_layer_version_by_arn", Arn=arn)
            yield (
                f"the layer {arn.split(':', 6)[-1]}",
                str(layer_version["Content"]["Location"]),
                path.removeprefix(_LAYERS),
            )
    elif path.startswith(_CODE):
        arn = str(function["FunctionArn"])
        code = aws.call("lambda", "get_function", FunctionName=arn)
        yield "the function's code", str(code["Code"]["Location"]), path.removeprefix(_CODE)


def _fetch(location: str) -> bytes:
    """A zip by its address. Raises: OSError, ValueError."""
    if not location.startswith(("https://", "http://")):
        raise ValueError(f"its address is not an HTTP address ({location[:60] or 'empty'})")
    try:
        with urllib.request.urlopen(location, timeout=OPERATOR_READ_SECONDS) as response:  # noqa: S310 (checked above)
            data: bytes = response.read(MAX_ZIP_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise OSError(f"its address responds with {error.code}") from None
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
        return Deployed(None, f"{name} has a pipeline.json that is not a pipeline")
    return Deployed(document, name)
