"""A page as one HTML file with everything in it: style, pictures, text. Whatever comes from a source is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from market_pipeline.reports.page import Page

if TYPE_CHECKING:
    from jinja2 import Template


def as_html(page: Page, plots: Mapping[str, str]) -> str:
    """Return the page with its pictures (name → SVG, which is trusted)."""
    from markupsafe import Markup

    return _template().render(page=page, plots={name: Markup(svg) for name, svg in plots.items()})  # noqa: S704


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = FileSystemLoader(Path(__file__).parent)
    rooms = Environment(autoescape=True, loader=folder, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return rooms.get_template("page.html.jinja")
