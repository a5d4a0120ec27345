"""Objects by key: an S3 bucket, a prefix in one, or a folder instead of a bucket."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlsplit

from streamtally.aws import clients
from streamtally.errors import MissingObjectError, SettingsError, SinkError


class ObjectStore(Protocol):
    """A store of objects. Keys are relative to the store's prefix, with ``/`` between their parts.

    Attributes:
        name: its name in messages.
        base: precedes a key in an object's path (without the bucket's name).
        address: precedes a key in an object's unique address.
    """

    name: str
    base: str
    address: str

    def put(self, key: str, data: bytes) -> None:
        """Writes an object as a whole, and replaces an existing one. Raises: SinkError."""

    def get(self, key: str) -> bytes:
        """An object's bytes. Raises: MissingObjectError: it does not exist; SinkError: it cannot be read."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with the prefix, in order. Raises: SinkError."""

    def delete(self, key: str) -> None:
        """Deletes an object, if it exists. Raises: SinkError."""


STREAM_BYTES = 256 * 1024
PART = ".part-"
"""How the name of an incomplete file begins."""


class Folder:
    """A folder as a bucket. Args: root: the folder; it is created at the first write."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.name = str(root)
        self.base = self.address = f"{root.resolve().as_posix()}/"

    def put(self, key: str, data: bytes) -> None:
        path = self._path(key)
        temporary = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # An incomplete file must never appear as an object: S3 shows an object as a whole or not at all.
            import tempfile  # which no function's start needs

            handle, temporary = tempfile.mkstemp(prefix=PART, dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except OSError as error:
            if temporary is not None:  # on a full disk, each attempt would leave another file
                Path(temporary).unlink(missing_ok=True)
            raise SinkError(f"{path}: cannot be written: {error.strerror}") from None

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise MissingObjectError(f"{self._root}/{key}: does not exist") from None
        except OSError as error:
            raise SinkError(f"{self._root}/{key}: cannot be read: {error.strerror}") from None

    def stream(self, key: str) -> BinaryIO:
        """An object's bytes, read as they are needed. Raises: as :meth:`get`."""
        try:
            return self._path(key).open("rb")
        except FileNotFoundError:
            raise MissingObjectError(f"{self._root}/{key}: does not exist") from None
        except OSError as error:
            raise SinkError(f"{self._root}/{key}: cannot be read: {error.strerror}") from None

    def keys(self, prefix: str = "") -> Iterator[str]:
        all_keys = (path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if path.is_file())
        yield from sorted(key for key in all_keys if key.startswith(prefix) and not Path(key).name.startswith(PART))

    def sweep(self) -> None:
        """Deletes incomplete files of processes that died. Only for the sole writer of this folder."""
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
            raise SinkError(f"key {key[:100]!r} is outside of {self._root}")
        return path


class _Body(io.RawIOBase):
    """An object's bytes as S3 sends them."""

    def __init__(self, body: Any, name: str) -> None:
        self._body, self._name = body, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            data: bytes = self._body.read(len(buffer))
        except Exception as error:  # a connection that breaks while the body is read
            raise SinkError(f"{self._name}: cannot be read: {type(error).__name__}: {error}") from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._body.close()
        super().close()


class Bucket:
    """A bucket, or its keys under a prefix. Args: client: boto3's S3 client."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client = client
        self.bucket = bucket
        self._prefix = self.base = prefix
        self.name = self.address = f"s3://{bucket}/{prefix}"

    def put(self, key: str, data: bytes) -> None:
        self._call("put_object", Key=self._prefix + key, Body=data)

    def get(self, key: str) -> bytes:
        response = self._call("get_object", Key=self._prefix + key)
        try:
            data: bytes = response["Body"].read()
        except Exception as error:  # a connection that breaks while the body is read
            raise SinkError(f"{self.name}{key}: cannot be read: {type(error).__name__}: {error}") from error
        return data

    def stream(self, key: str) -> BinaryIO:
        """An object's bytes, read as they are needed. Raises: as :meth:`get`, and SinkError while they are read."""
        response = self._call("get_object", Key=self._prefix + key)
        return io.BufferedReader(_Body(response["Body"], f"{self.name}{key}"), STREAM_BYTES)

    def keys(self, prefix: str = "") -> Iterator[str]:
        token: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=self._prefix + prefix, **token)
            for entry in page.get("Contents", ()):
                yield entry["Key"][len(self._prefix) :]
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        self._call("delete_object", Key=self._prefix + key)

    def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            return getattr(self._client, operation)(Bucket=self.bucket, **parameters)
        except Exception as error:  # anything that the SDK raises
            response = getattr(error, "response", None) or {}
            kind = MissingObjectError if response.get("Error", {}).get("Code") == "NoSuchKey" else SinkError
            raise kind(f"{self.name}: {operation}: {type(error).__name__}: {error}") from error


def open_objects(location: str, s3: Callable[[], Any] = clients.s3_client) -> ObjectStore:
    """The store at a location.

    Args:
        location: ``s3://bucket/prefix``, or an existing folder.
        s3: makes the S3 client.
    Raises: SettingsError: the location is not valid.
    """
    if not location.startswith("s3://"):
        if not Path(location).is_dir():
            raise SettingsError(f"{location}: the folder does not exist (for S3, write s3://bucket/prefix)")
        return Folder(Path(location))
    parts = urlsplit(location)
    if not parts.netloc:
        raise SettingsError(f"{location}: the bucket is missing: write s3://bucket/prefix")
    prefix = parts.path.lstrip("/")
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    return Bucket(s3(), parts.netloc, prefix)
