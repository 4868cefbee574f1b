"""A page as plain text for mail programs that show no HTML: aligned columns, nothing escaped."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from market_pipeline.reports.page import Page
from market_pipeline.reports.section import Section

WIDTH = 78
"""Of sentences; tables are as wide as they are."""


def as_plain_text(page: Page) -> str:
    """Return the page, without its pictures."""
    lines = [page.simulated, ""] if page.simulated else []
    title = _text(page.title)
    lines += [title, "=" * len(title), *_wrapped(page.subtitle), *_wrapped(page.times), *_wrapped(page.made)]
    if page.cards:
        lines += ["", *_aligned([(card.label, card.value, card.detail) for card in page.cards], (False, True, False))]
    for section in page.sections:
        lines += ["", "", section.title, "-" * len(section.title), *_section(section)]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> list[str]:
    lines = _wrapped(section.lead)
    if section.rows:
        lines += ["", *_aligned([section.titles, *section.rows], section.figures)]
    return [*lines, "", *_wrapped(section.note)] if section.note else lines


def _aligned(rows: Sequence[Sequence[str]], figures: Sequence[bool]) -> list[str]:
    """Return rows whose figures end, and whose words begin, below one another."""
    cells = [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = [">" if is_figure else "<" for is_figure in figures]
    padded = ([f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)] for row in cells)
    return [f"  {'  '.join(row)}".rstrip() for row in padded]


def _wrapped(text: str) -> list[str]:
    return wrap(_text(text), WIDTH, break_long_words=False, break_on_hyphens=False)


def _text(text: str) -> str:
    """Return text on one line."""
    return " ".join(text.split())
