"""Reference tables in S3: their objects, read as a whole and only if they changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streamtally.aws.clients import AwsError, aws_errors
from streamtally.config.reference import MAX_OBJECT_BYTES, ReferenceSettings, split_uri
from streamtally.errors import SettingsError
from streamtally.text import visible

ReadObject = Callable[[str, str], "tuple[bytes, str] | None"]
"""(URI, the ETag of the known version or "") → (content, ETag); None: unchanged. Raises: AwsError, SettingsError."""


def read_from(client_of: Callable[[], Any]) -> ReadObject:
    """Reads objects with boto3's S3 client.

    Source: Amazon S3 API reference, GetObject (If-None-Match, answered with 304 Not Modified).
    Args: client_of: makes the client, at the first object.
    """

    def read(uri: str, etag: str) -> tuple[bytes, str] | None:
        bucket, key = split_uri(uri)
        known = {"IfNoneMatch": etag} if etag else {}
        try:
            with aws_errors():
                answer = client_of().get_object(Bucket=bucket, Key=key, **known)
        except AwsError as error:
            if error.code in ("304", "NotModified"):
                return None
            raise
        if int(answer["ContentLength"]) > MAX_OBJECT_BYTES:
            raise SettingsError(f"it has more than {MAX_OBJECT_BYTES:,} bytes: remove rows or columns")
        with aws_errors():
            return answer["Body"].read(), str(answer["ETag"])

    return read


def read_object(name: str, uri: str, etag: str, read: ReadObject) -> tuple[bytes, str] | None:
    """A table's object. Raises: SettingsError: why it cannot be read, and what to do."""
    where = f"reference table {visible(name, 60)} ({visible(uri, 200)})"
    try:
        return read(uri, etag)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None
    except AwsError as error:
        advice = "allow s3:GetObject on it (the template's parameter ReferenceObjectArns)" if error.is_denied else ""
        missing = "check bucket and key" if error.code in ("NoSuchKey", "NoSuchBucket", "404") else ""
        hint = "; ".join(filter(None, (advice, missing)))
        raise SettingsError(f"{where}: {error}{': ' if hint else ''}{hint}") from None


def read_objects(references: Mapping[str, ReferenceSettings], read: ReadObject) -> dict[str, bytes]:
    """The content of all tables in S3, by name. Raises: SettingsError."""
    objects: dict[str, bytes] = {}
    for name, settings in references.items():
        if settings.in_s3 and (answer := read_object(name, settings.place, "", read)) is not None:
            objects[name] = answer[0]
    check_total(objects)
    return objects


def check_total(objects: Mapping[str, bytes]) -> None:
    """Check the size of all tables in S3 together. Raises: SettingsError."""
    if sum(map(len, objects.values())) > MAX_OBJECT_BYTES:
        raise SettingsError(
            f"the reference tables in S3 have more than {MAX_OBJECT_BYTES:,} bytes together: remove rows or columns"
        )
