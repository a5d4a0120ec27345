"""Objects by key: an S3 bucket (or a prefix of one), or a folder that stands for it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from streamtally.aws import clients
from streamtally.errors import MissingObjectError, SettingsError, SinkError


class ObjectStore(Protocol):
    """Keys are relative to the store's own prefix and have ``/`` between their parts.

    Attributes:
        name: for people; base: with a key, an object's whole path (without the bucket's name).
        address: with a key, what no other object has.
    """

    name: str
    base: str
    address: str

    def put(self, key: str, data: bytes) -> None:
        """Write an object whole, over what is there. Raises: SinkError."""

    def get(self, key: str) -> bytes:
        """An object's bytes. Raises: MissingObjectError: it is not there; SinkError: it cannot be read."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin so, in order."""

    def delete(self, key: str) -> None:
        """Delete an object, if it is there. Raises: SinkError."""


PART = ".part-"
"""How the file of an object begins that is not whole yet."""


class Folder:
    """A folder as a bucket. Args: root: made when something is first written."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.name = str(root)
        self.base = self.address = f"{root.resolve().as_posix()}/"

    def put(self, key: str, data: bytes) -> None:
        path = self._path(key)
        temporary = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A file half written must never be taken for an object, which S3 shows whole or not at all.
            handle, temporary = tempfile.mkstemp(prefix=PART, dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except OSError as error:
            if temporary is not None:  # on a full disk each try would leave one more
                Path(temporary).unlink(missing_ok=True)
            raise SinkError(f"{path}: cannot be written: {error.strerror}") from None

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise MissingObjectError(f"{self._root}/{key}: not there") from None
        except OSError as error:
            raise SinkError(f"{self._root}/{key}: cannot be read: {error.strerror}") from None

    def keys(self, prefix: str = "") -> Iterator[str]:
        found = (path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if path.is_file())
        yield from sorted(key for key in found if key.startswith(prefix) and not Path(key).name.startswith(PART))

    def sweep(self) -> None:
        """Delete what puts left half written whose process died; for who alone writes here."""
        for path in self._root.rglob(f"{PART}*"):
            path.unlink(missing_ok=True)

    def delete(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise SinkError(f"{self._root}/{key}: cannot be deleted: {error.strerror}") from None

    def _path(self, key: str) -> Path:
        path = (self._root / key).resolve()
        if not path.is_relative_to(self._root.resolve()) or not key:
            raise SinkError(f"key {key[:100]!r} lies outside of {self._root}")
        return path


class Bucket:
    """A bucket, or the keys of it below a prefix. Args: client: boto3's S3 client."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client = client
        self.bucket = bucket
        self._prefix = self.base = prefix
        self.name = self.address = f"s3://{bucket}/{prefix}"

    def put(self, key: str, data: bytes) -> None:
        self._call("put_object", Key=self._prefix + key, Body=data)

    def get(self, key: str) -> bytes:
        answer = self._call("get_object", Key=self._prefix + key)
        try:
            data: bytes = answer["Body"].read()
        except Exception as error:  # a connection that breaks while the body comes
            raise SinkError(f"{self.name}{key}: cannot be read: {type(error).__name__}: {error}") from error
        return data

    def keys(self, prefix: str = "") -> Iterator[str]:
        token: dict[str, str] = {}
        while True:
            answer = self._call("list_objects_v2", Prefix=self._prefix + prefix, **token)
            for entry in answer.get("Contents", ()):
                yield entry["Key"][len(self._prefix) :]
            if not answer.get("IsTruncated"):
                return
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        self._call("delete_object", Key=self._prefix + key)

    def _call(self, operation: str, **given: Any) -> Any:
        try:
            return getattr(self._client, operation)(Bucket=self.bucket, **given)
        except Exception as error:  # whatever the SDK raises
            told = getattr(error, "response", None) or {}
            kind = MissingObjectError if told.get("Error", {}).get("Code") == "NoSuchKey" else SinkError
            raise kind(f"{self.name}: {operation}: {type(error).__name__}: {error}") from error


def open_objects(place: str, s3: Callable[[], Any] = clients.s3_client) -> ObjectStore:
    """``s3://bucket/prefix`` or a folder that is there. Args: s3: makes the client. Raises: SettingsError."""
    if not place.startswith("s3://"):
        if not Path(place).is_dir():
            raise SettingsError(f"{place}: no such folder (or give s3://bucket/prefix)")
        return Folder(Path(place))
    parts = urlsplit(place)
    if not parts.netloc:
        raise SettingsError(f"{place}: which bucket? Write s3://bucket/prefix")
    prefix = parts.path.lstrip("/")
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    return Bucket(s3(), parts.netloc, prefix)
