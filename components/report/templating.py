"""The Jinja environment of all HTML pages; importing this module is cheap."""

import functools
import os
from collections.abc import Mapping

import jinja2
from markupsafe import Markup

from components.report.figures import FILTERS, class_name

# A change of these files changes every page without changing code: they belong in the cache key.
TEMPLATES = os.path.join(os.path.dirname(__file__), "templates")


def environment(
    display: Mapping[str, str] | None = None, *, further: str | None = None
) -> jinja2.Environment:
    """Returns the Jinja environment of the HTML pages; everything is escaped.

    Args:
      display: Class name → what people call it.
      further: A folder of templates of another page, which come before the report's.
    """
    folders = [further, TEMPLATES] if further else [TEMPLATES]
    jinja_environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    jinja_environment.filters.update(FILTERS)
    jinja_environment.filters["class_name"] = functools.partial(class_name, display=display or {})
    jinja_environment.globals["inlined"] = functools.partial(_inlined, folders)
    return jinja_environment


def _inlined(folders: list[str], name: str) -> Markup:
    path = next(p for p in (os.path.join(f, name) for f in folders) if os.path.exists(p))
    with open(path, encoding="utf-8") as f:
        return Markup(f.read())
