"""Whether there is a kernel, and whether it fits this library."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import cast

from streamtally import __version__
from streamtally.errors import SettingsError
from streamtally.transform.kernel.protocol import INTERFACE, KERNEL_MODULE, Kernel

VARIABLE = "STREAMTALLY_KERNEL"
KERNEL_FAILED = "the kernel failed, and Python read the event"
"""What a warning says of an event, before the error."""


def load_kernel(environment: Mapping[str, str], warn: Callable[[str], object]) -> Kernel | None:
    """The kernel; None: Python reads all events, since there is none, it is turned off, or it does not fit.

    Args:
        environment: where ``STREAMTALLY_KERNEL=off`` turns it off.
        warn: takes one line about a kernel that is there and is not used.
    Raises: SettingsError: the variable is neither ``on`` nor ``off``.
    """
    wanted = environment.get(VARIABLE, "").strip().lower()
    if wanted not in ("", "on", "off"):
        raise SettingsError(f"{VARIABLE} is {wanted!r}: it is on or off")
    if wanted == "off":
        return None
    try:
        module = importlib.import_module(KERNEL_MODULE)
    except ModuleNotFoundError as error:
        if wanted == "on" or error.name != KERNEL_MODULE:
            warn(_not_used("it is not installed" if error.name == KERNEL_MODULE else str(error)))
        return None
    except Exception as error:  # one for another processor raises ImportError
        warn(_not_used(f"it cannot be loaded: {error}"))
        return None
    version, interface = getattr(module, "__version__", None), getattr(module, "INTERFACE", None)
    if version != __version__ or interface != INTERFACE:
        warn(_not_used(f"it is {version} ({interface}), and this library {__version__} ({INTERFACE}): build it again"))
        return None
    return cast(Kernel, module)


def _not_used(why: str) -> str:
    return f"the kernel is not used, and Python reads all events: {why}"
