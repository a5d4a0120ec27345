"""``streamtally completion``: the script by which a shell completes commands, options and their values."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from streamtally.errors import SettingsError

VARIABLE = "_STREAMTALLY_COMPLETE"
"""By which the script asks for completions, as click reads it."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for SHELL, to be read when the shell starts.

    \b
    bash   eval "$(streamtally completion bash)"         in ~/.bashrc
    zsh    eval "$(streamtally completion zsh)"          in ~/.zshrc, after compinit
    fish   streamtally completion fish | source          in ~/.config/fish/config.fish

    Example: streamtally completion bash
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise SettingsError(f"{shell}: no completion for this shell; there is one for bash, zsh and fish")
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, "streamtally", VARIABLE).source(), nl=False)
