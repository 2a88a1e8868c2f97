"""Rendering of a page: one HTML file with its style, its script and its data inside."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

import jinja2
import markupsafe

REPORT = "seqlab.analysis.report"


def render(package: str, **values: Any) -> str:
    """Return the page of a package with its `page.html`, `page.css` and `page.js`, as HTML.

    All pages begin with `head.html` of the report, and the style of the report comes before that of another
    package, so that all pages look alike.

    Args:
        package: the package.
        values: what the templates show, the `title` among them.
    """
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    styles = [_asset(one, "page.css") for one in dict.fromkeys((REPORT, package))]
    return environment.from_string(_asset(REPORT, "head.html") + _asset(package, "page.html")).render(
        css=markupsafe.Markup("\n".join(styles)), js=markupsafe.Markup(_asset(package, "page.js")), **values
    )


def as_json(value: Any) -> markupsafe.Markup:
    """Return JSON that may stand in a script element: no character of it can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return markupsafe.Markup(text)


def _asset(package: str, name: str) -> str:
    return (importlib.resources.files(package) / name).read_text(encoding="utf-8")
