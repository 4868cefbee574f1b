"""What all measurements print alike: the machine, a spread of values, a table in Markdown."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence


def machine() -> str:
    """Return cores, load of the last 1, 5 and 15 minutes, and Python's version: figures mean nothing without them."""
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores, load {load}, Python {platform.python_version()}"


def spread(values: Sequence[float], digits: int = 2) -> list[str]:
    """Return least, median and greatest as cells."""
    return [f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values))]


def verdict(value: float, limit: float) -> str:
    """Return how near a value is to its limit."""
    return f"{'met' if value <= limit else 'MISSED'}, {value / limit:.0%} of it"


def verdict_at_least(value: float, limit: float) -> str:
    """Return how far a value is beyond the least that it has to reach."""
    return f"{'met' if value >= limit else 'MISSED'}, {value / limit:.1f} times it"


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table whose columns line up."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
