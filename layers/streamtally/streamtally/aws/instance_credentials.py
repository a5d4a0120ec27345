"""An EC2 instance's own credentials, looked for only where something answers at their address.

botocore waits a second or more for an address that no other machine has. A command that lacks credentials must say so
at once.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from botocore.credentials import CredentialProvider

ADDRESS = ("169.254.169.254", 80)
"""The instance metadata service. Source: EC2's user guide, "Instance metadata and user data"."""
PROBE_SECONDS = 0.3
_OTHER_ADDRESSES = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")


def look_quickly(resolver: Any) -> None:
    """Make botocore's credential resolver ask the metadata service only after a probe of its address."""
    provider = resolver.get_provider(_QuickProvider.METHOD)
    resolver.insert_before(provider.METHOD, _QuickProvider(provider))
    resolver.providers.remove(provider)


class _QuickProvider(CredentialProvider):
    METHOD = "iam-role"
    CANONICAL_NAME = "Ec2InstanceMetadata"

    def __init__(self, provider: Any) -> None:
        super().__init__()
        self._provider = provider

    def load(self) -> Any:
        return self._provider.load() if _answers() else None


def _answers() -> bool:
    if any(os.environ.get(name) for name in _OTHER_ADDRESSES):
        return True  # the user has said where it is
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return False
    try:
        socket.create_connection(ADDRESS, PROBE_SECONDS).close()
    except OSError:
        return False
    return True
