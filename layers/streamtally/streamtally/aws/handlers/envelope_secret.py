"""The secret that signs envelopes, from Secrets Manager, read regularly so that it can be rotated.

For a quarter of an hour after a rotation the old key still signs, since until then some environments may not know the
new one; for ten days the old key is trusted, which is as long as an envelope may be on its way.

Source: AWS Secrets Manager API reference, GetSecretValue (``AWSCURRENT``, ``AWSPREVIOUS``, a version's CreatedDate).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from streamtally.aws import clients
from streamtally.errors import SettingsError, SinkError
from streamtally.transform.envelope import UNSEALED, Seal

VARIABLE = "ENVELOPE_SECRET"
RELOAD_SECONDS = 600.0
"""How long a secret that was read is used before it is read again."""
SIGNS_AFTER_SECONDS = 900.0
"""How long after a rotation the new key begins to sign."""
BELIEVED_SECONDS = 10 * 86_400.0
"""How long after a rotation the old key is trusted."""
MIN_CHARS = 32


class SecretsClient(Protocol):
    """The part of boto3's client that is used."""

    def get_secret_value(self, **parameters: str) -> Any:
        """A version of a secret."""


class EnvelopeSecret:
    """A secret that is read at its first use and again after :data:`RELOAD_SECONDS`.

    Args:
        client: makes the client when it is needed.
        name: the secret's name or ARN.
        now: the time in seconds since the epoch.
    """

    def __init__(self, client: Callable[[], SecretsClient], name: str, now: Callable[[], float] = time.time) -> None:
        self._client = client
        self._name = name
        self._now = now
        self._seal: Seal | None = None
        self._read_at = 0.0

    def __call__(self) -> Seal:
        """The current seal. Raises: SinkError: the secret could never be read; SettingsError: it is too short."""
        now = self._now()
        if self._seal is None or now - self._read_at >= RELOAD_SECONDS:
            try:
                self._seal = self._read(now)
            except SinkError:
                if self._seal is None:  # without it, a retry would decide differently from the call before
                    raise
            self._read_at = now
        return self._seal

    def _read(self, now: float) -> Seal:
        current = self._version("AWSCURRENT")
        if current is None:
            raise SettingsError(f"{VARIABLE}: the secret {self._name} has no value")
        key, age = _key(current, self._name), now - _created(current)
        previous = self._version("AWSPREVIOUS") if age < BELIEVED_SECONDS else None
        if previous is None:
            return Seal(key)
        old = _key(previous, self._name)
        return Seal(old, (key,)) if age < SIGNS_AFTER_SECONDS else Seal(key, (old,))

    def _version(self, stage: str) -> Mapping[str, Any] | None:
        try:
            version: Mapping[str, Any] = self._client().get_secret_value(SecretId=self._name, VersionStage=stage)
        except Exception as error:  # whatever the SDK raises
            code = getattr(error, "response", {}).get("Error", {}).get("Code")
            if stage == "AWSPREVIOUS" and code == "ResourceNotFoundException":
                return None
            raise SinkError(f"the secret {self._name} cannot be read: {type(error).__name__}: {error}") from error
        return version


def _key(version: Mapping[str, Any], name: str) -> bytes:
    text = str(version.get("SecretString") or "")
    if len(text) < MIN_CHARS:
        raise SettingsError(f"the secret {name} has {len(text)} characters: a key has at least {MIN_CHARS}")
    return text.encode()


def _created(version: Mapping[str, Any]) -> float:
    created = version.get("CreatedDate")
    return float(created.timestamp()) if created is not None else 0.0


def make_seal(environment: Mapping[str, str]) -> Callable[[], Seal]:
    """How this environment signs envelopes: with the secret named in ``ENVELOPE_SECRET``, or not at all.

    Under ``sam local`` there is no stack, so no secret.
    """
    name = environment.get("ENVELOPE_SECRET", "")
    if not name or environment.get("AWS_SAM_LOCAL"):
        return lambda: UNSEALED
    return EnvelopeSecret(clients.secrets_client, name)
