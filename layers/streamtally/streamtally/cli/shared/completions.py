"""What a shell completes after an option: names that are looked up when it asks, so that no help waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _completing(names: Callable[[], Iterable[str]]) -> Complete:
    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


def _formats() -> Iterable[str]:
    from streamtally.formats import REGISTRY

    return ("auto", *REGISTRY)


def _languages() -> Iterable[str]:
    from streamtally.report.texts import LANGUAGES

    return LANGUAGES


def _regions() -> Iterable[str]:
    from streamtally.aws.regions import KNOWN

    return KNOWN


def _profiles() -> Iterable[str]:
    try:
        from botocore.session import Session
    except ModuleNotFoundError:
        return ()
    profiles: list[str] = Session().available_profiles
    return profiles


complete_format = _completing(_formats)
complete_language = _completing(_languages)
complete_region = _completing(_regions)
complete_profile = _completing(_profiles)


def complete_among(names: Iterable[str]) -> Complete:
    """Completes one of these names."""
    return _completing(lambda: names)
