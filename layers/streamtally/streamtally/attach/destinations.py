"""The kinds of destinations of a delivery stream, and which of their records may hold many lines.

Source: Firehose API reference, DestinationDescription and UpdateDestination.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamtally.errors import SettingsError


@dataclass(frozen=True, slots=True)
class DestinationKind:
    """A kind of destination.

    Attributes:
        name: its name in messages.
        described: its key in a described destination.
        update: its parameter of UpdateDestination.
        takes_lines: whether a record may hold many lines, as in S3, and in Redshift, which loads lines from S3; every
            other kind takes one document per record.
    """

    name: str
    described: str
    update: str
    takes_lines: bool = False


KINDS = (
    DestinationKind("Redshift", "RedshiftDestinationDescription", "RedshiftDestinationUpdate", True),
    DestinationKind(
        "OpenSearch",
        "AmazonopensearchserviceDestinationDescription",
        "AmazonopensearchserviceDestinationUpdate",
    ),
    DestinationKind("Elasticsearch", "ElasticsearchDestinationDescription", "ElasticsearchDestinationUpdate"),
    DestinationKind(
        "OpenSearch Serverless",
        "AmazonOpenSearchServerlessDestinationDescription",
        "AmazonOpenSearchServerlessDestinationUpdate",
    ),
    DestinationKind("Splunk", "SplunkDestinationDescription", "SplunkDestinationUpdate"),
    DestinationKind("HTTP endpoint", "HttpEndpointDestinationDescription", "HttpEndpointDestinationUpdate"),
    DestinationKind("Snowflake", "SnowflakeDestinationDescription", "SnowflakeDestinationUpdate"),
    DestinationKind("Iceberg", "IcebergDestinationDescription", "IcebergDestinationUpdate"),
    # S3 is last, because other kinds have the description of their backup bucket next to their own.
    DestinationKind("Extended S3", "ExtendedS3DestinationDescription", "ExtendedS3DestinationUpdate", True),
    DestinationKind("S3", "S3DestinationDescription", "ExtendedS3DestinationUpdate", True),
)


@dataclass(frozen=True, slots=True)
class Destination:
    """A stream's destination.

    Attributes:
        id: its DestinationId.
        kind: which kind it is.
        config: its description, unmodified.
    """

    id: str
    kind: DestinationKind
    config: Mapping[str, Any]

    @property
    def role_arn(self) -> str:
        """The role that Firehose assumes for this destination; a few kinds name it in their S3 part."""
        own = self.config.get("RoleARN") or (self.config.get("S3DestinationDescription") or {}).get("RoleARN")
        return str(own or "")


def find_destination(description: Mapping[str, Any]) -> Destination:
    """The destination of a ``DeliveryStreamDescription``; a stream has one.

    Raises: SettingsError: it has no destination, or one of an unknown kind.
    """
    name = description.get("DeliveryStreamName", "")
    destinations = description.get("Destinations") or []
    if not destinations:
        raise SettingsError(f"{name}: the stream has no destination (is it still being created?)")
    described = destinations[0]
    for kind in KINDS:
        config = described.get(kind.described)
        if config:
            return Destination(described["DestinationId"], kind, config)
    kinds = ", ".join(sorted(set(described) - {"DestinationId"})) or "nothing"
    raise SettingsError(f"{name}: a destination of an unknown kind ({kinds})")
