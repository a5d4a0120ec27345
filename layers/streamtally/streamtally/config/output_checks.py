"""What the settings of outputs must not contradict: each other, the names of indices, and how long things are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import permutations

from streamtally.config.outputs import OutputSettings, Rollover
from streamtally.errors import SettingsError

PARTIALS_MARGIN_DAYS = 2
"""How much longer than ``max_past`` + ``grace`` partials are kept at least."""

_INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,199}", re.ASCII)
_OWN_PREFIXES = ("inbox-", "partials-", "late-", "streamtally-")


def check_output(settings: OutputSettings) -> None:
    """Refuse settings of one output that contradict each other. Raises: SettingsError: which, and what to write."""
    rollover = settings.options.rollover
    if rollover == Rollover():
        raise SettingsError("options.rollover has no condition: write max_age_days, max_docs or max_size_bytes")
    if rollover is not None and settings.rotation != "rollover":
        raise SettingsError(f'options.rollover needs rotation = "rollover", not "{settings.rotation}"')
    limits = settings.retention
    _check_replicas(settings)
    if settings.options.managed_by == "ism":
        others = {
            "max_count": limits.max_count,
            "max_size": limits.max_size_bytes,
            "min_free_disk": limits.min_free_disk_share,
        }
        if ignored := [name for name, limit in others.items() if limit is not None]:
            raise SettingsError(
                f'retention.{ignored[0]} has no effect with options.managed_by = "ism", which deletes by age only: '
                "remove one of them"
            )


def _check_replicas(settings: OutputSettings) -> None:
    expand = settings.auto_expand_replicas
    if expand is None:
        return
    if settings.replicas is not None:
        raise SettingsError("replicas and auto_expand_replicas contradict each other: remove one of them")
    least, _, most = expand.partition("-")
    if most != "all" and int(most) < int(least):
        raise SettingsError(
            f'auto_expand_replicas = "{expand}": write the smaller number first, as in "{most}-{least}"'
        )


def check_horizons(settings: OutputSettings, where: str) -> None:
    """Partials must outlive every window that can still change, and an output its partials.

    Raises: SettingsError: which setting is too short, and what it must be at least.
    """
    needed = (settings.max_past_seconds + settings.grace_seconds) / 86_400 + PARTIALS_MARGIN_DAYS
    if settings.partials_days < needed:
        raise SettingsError(
            f"{where} partials = {settings.partials_days}d: partials must be kept at least max_past + grace + "
            f"{PARTIALS_MARGIN_DAYS} days, which is {needed:.2f} days here"
        )
    kept = settings.retention.max_age_days
    if kept is not None and kept < settings.partials_days:
        raise SettingsError(
            f"{where} retention.max_age = {kept}d: an output must be kept at least as long as its partials, "
            f"which is {settings.partials_days} days here"
        )


def check_index_name(index: str, where: str) -> None:
    """Raises: SettingsError: OpenSearch refuses the name, or it begins with a prefix of Streamtally's own indices."""
    if not _INDEX_NAME.fullmatch(index):
        raise SettingsError(
            f"{where} index {index[:80]!r}: write at most 200 lower case letters, digits, '_', '-' and '.', "
            "beginning with a letter or digit"
        )
    if index.startswith(_OWN_PREFIXES):
        raise SettingsError(
            f"{where} index {index!r}: {', '.join(_OWN_PREFIXES)} are reserved for Streamtally's own indices"
        )


def check_overlaps(indices: Mapping[str, str]) -> None:
    """Refuse two outputs if the index pattern of one matches the indices of the other.

    Args: indices: output → its index. Raises: SettingsError: names both outputs.
    """
    pairs: Iterable[tuple[tuple[str, str], tuple[str, str]]] = permutations(indices.items(), 2)
    for (name, index), (other_name, other) in pairs:
        if other == index or re.match(rf"{re.escape(index)}-[02]", other):
            raise SettingsError(
                f"outputs {name!r} and {other_name!r}: the pattern of {index!r} also takes {other!r}: "
                "give one of them another index"
            )
