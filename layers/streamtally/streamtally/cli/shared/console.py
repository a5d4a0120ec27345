"""Rich's console, for which a closed reader (``| head``) is not a failure."""

from __future__ import annotations

import rich.console


class Console(rich.console.Console):
    """Rich's own would exit with 1 when its reader closes; here ``main`` decides, as for every command."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError
