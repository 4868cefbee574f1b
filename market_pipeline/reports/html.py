"""A page as HTML: one file with everything in it, or the body of a mail. Whatever comes from a source is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from market_pipeline.reports.page import Page

if TYPE_CHECKING:
    from jinja2 import Template


def as_html(page: Page, plots: Mapping[str, str]) -> str:
    """Return the page as one file with its pictures (name → SVG, which is trusted)."""
    from markupsafe import Markup

    return _template("page").render(page=page, plots={name: Markup(svg) for name, svg in plots.items()})  # noqa: S704


def as_mail_html(page: Page, addresses: Mapping[str, str]) -> str:
    """Return the page for mail programs: every element has its own style, pictures are named by address (cid:…)."""
    return _template("mail").render(page=page, addresses=addresses)


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = FileSystemLoader(Path(__file__).parent)
    rooms = Environment(autoescape=True, loader=folder, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return rooms.get_template(f"{name}.html.jinja")
