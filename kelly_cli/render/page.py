"""Pages: one HTML file that carries everything it needs and asks nothing of any network.

One environment of templates for every page. What a template prints is text from outside until
proven otherwise: ``safe`` first, then escaped; only ``own_markup`` passes as it is. A name that
a template asks for and nobody gave is an error, never a blank. The same values, the same bytes.

This module knows no file to write, no clock and no books.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from kelly_cli.core.money import kes_for_people
from kelly_cli.render.columns import cell
from kelly_cli.render.harmless import safe

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def page(template: str, **values: object) -> str:
    """Return a whole page; ``template`` is a name in ``templates/``, such as "document.html".

    Raises:
        jinja2.UndefinedError: the template asks for a value that was not given (a bug).
    """
    return _environment().get_template(template).render(values)


def own_markup(drawn: str) -> Markup:
    """Let markup through that kelly drew itself (an SVG): never a text from outside."""
    from markupsafe import Markup

    return Markup(drawn)  # noqa: S704 - the callers draw it, and escape what they draw


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=PackageLoader("kelly_cli.render"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printed,
    )
    environment.filters["money"] = kes_for_people
    environment.globals["cell"] = cell
    return environment


def _printed(value: object) -> object:
    """Make a text harmless before it is escaped. None is a blank."""
    if value is None:
        return ""
    return safe(value) if type(value) is str else value
