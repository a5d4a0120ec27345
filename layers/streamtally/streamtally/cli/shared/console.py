"""Rich's console, on which a reader that has seen enough (``| head``) is no failure."""

from __future__ import annotations

import rich.console


class Console(rich.console.Console):
    """As rich's, which would exit with 1 when its reader goes; here ``main`` decides, as for every command."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError
