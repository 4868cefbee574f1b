"""A page as Markdown: for terminals, mail and Dagster. Names from sources cannot become markup."""

from __future__ import annotations

import re

from market_pipeline.reports.page import Page
from market_pipeline.reports.section import Section

_MARKUP = re.compile(r"([\\`*_\[\]<>|#~])")


def as_markdown(page: Page) -> str:
    """Return the page, without its pictures."""
    lines = [f"# {_text(page.title)}", ""]
    if page.simulated:
        lines += [f"**{page.simulated}**", ""]
    lines += [_text(page.subtitle), "", f"{_text(page.times)}; {_text(page.made)}", ""]
    lines += [f"- {card.label}: **{_text(card.value)}** ({_text(card.detail)})" for card in page.cards]
    for section in page.sections:
        lines += ["", f"## {section.title}", "", *_section(section)]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> list[str]:
    lines = [_text(section.lead)]
    if section.rows:
        rule = ["---:" if is_figure else "---" for is_figure in section.figures]
        cells = (section.titles, *section.rows)
        head, *rows = ["| " + " | ".join(map(_text, row)) + " |" for row in cells]
        lines += ["", head, f"| {' | '.join(rule)} |", *rows]
    return [*lines, "", _text(section.note)] if section.note else lines


def _text(text: str) -> str:
    """Return text on one line, with what Markdown or HTML would read as markup escaped."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
