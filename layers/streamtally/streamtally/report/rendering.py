"""Makes HTML of what a page shows, by the templates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from streamtally.report.texts import language
from streamtally.report.view import Component

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render_page(name: str, *packages: str, **values: Any) -> str:
    """A whole page, in the language that is spoken (:func:`streamtally.report.texts.speaking`).

    Args:
        name: its template.
        packages: other packages that have templates for it.
        values: what the template shows.
    """
    return _environment(*packages).get_template(name).render(language=language(), **values) + "\n"


def render_parts(parts: Iterable[Component]) -> Markup:
    """Parts of a page, one after the other. They may be inserted into a page, which does not escape them again."""
    components: Any = _environment().get_template("components.html").module
    made: Markup = components.render(parts)
    return made


def _environment(*packages: str) -> Environment:
    # Jinja takes 80 ms to be imported: commands that make no page do not wait for it.
    from streamtally.report.environment import environment

    return environment(*packages)
