"""The customer-managed key of a stream's records, and who must be permitted to use it.

Source: Firehose developer guide, "Data protection in Amazon Data Firehose" (a stream of type DirectPut: who puts
records needs kms:GenerateDataKey and kms:Decrypt); Kinesis Data Streams developer guide, "Permissions to use
user-generated KMS keys" (producers kms:GenerateDataKey, consumers kms:Decrypt).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PUT_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
READ_ACTIONS = ("kms:Decrypt",)
CUSTOMER_MANAGED = "CUSTOMER_MANAGED_CMK"


@dataclass(frozen=True, slots=True)
class KeyUser:
    """Somebody who uses the key.

    Attributes:
        who: for messages, such as "the function's own role".
        permitted: action → whether policies allow it; None: unknown.
        how: the source of ``permitted``.
    """

    who: str
    permitted: Mapping[str, bool | None]
    how: str = ""

    @property
    def missing(self) -> list[str]:
        """The actions that are not allowed."""
        return [action for action, allowed in self.permitted.items() if allowed is False]

    @property
    def unknown(self) -> list[str]:
        """The actions of which it is unknown."""
        return [action for action, allowed in self.permitted.items() if allowed is None]


@dataclass(frozen=True, slots=True)
class SourceKey:
    """The key of the records' source and its users.

    Attributes:
        arn: "": the source has no customer-managed key, or it is unknown.
        why_unknown: why it is unknown which key the source has; "" if it is known.
        function: the function's own role, which re-ingests records; None if it was not checked.
        others: the role that reads the source, and who runs the command (redrive puts records too).
    """

    arn: str = ""
    why_unknown: str = ""
    function: KeyUser | None = None
    others: tuple[KeyUser, ...] = field(default=())


def stream_key(description: Mapping[str, Any]) -> str:
    """The ARN of a DirectPut stream's customer-managed key; "": it has none, or its encryption is off or failed."""
    encryption = description.get("DeliveryStreamEncryptionConfiguration") or {}
    status = str(encryption.get("Status") or "ENABLED")  # an emulator leaves it out
    if encryption.get("KeyType") != CUSTOMER_MANAGED or status == "DISABLED" or status.endswith("_FAILED"):
        return ""
    return str(encryption.get("KeyARN") or "")


def data_stream_key(summary: Mapping[str, Any], stream_arn: str) -> str:
    """The ARN of a data stream's customer-managed key; "": it has none.

    Args:
        summary: Kinesis's ``StreamDescriptionSummary``; its KeyId may be an ARN, an id, or an alias.
        stream_arn: the data stream's, whose account and region a bare id takes.
    """
    key = str(summary.get("KeyId") or "")
    if summary.get("EncryptionType") != "KMS" or not key or key.endswith("alias/aws/kinesis"):
        return ""
    if key.startswith("arn:"):
        return key
    _, partition, _, region, account, *_ = stream_arn.split(":")
    return f"arn:{partition}:kms:{region}:{account}:{key if '/' in key else f'key/{key}'}"
