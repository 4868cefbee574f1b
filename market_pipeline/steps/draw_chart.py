"""Draws a session: price with bands, levels and zones, the volume profile beside it, RSI and MACD below.

matplotlib is loaded when a chart is drawn, never before.
"""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from market_pipeline.errors import StorageError, UsageError
from market_pipeline.steps import chart_panes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from market_pipeline.steps.session_chart import SessionChart

WIDTH, HEIGHT, DPI = 1600, 1000, 100
"""Pixels of the picture, and pixels an inch."""
SUFFIXES = (".png", ".html")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{margin:2rem auto;max-width:100rem;font-family:sans-serif}}svg{{width:100%;height:auto}}</style>
</head><body>
{figure}
</body></html>
"""


def write_chart(chart: SessionChart, path: Path) -> Path:
    """Draw the chart into a .png or .html file. Raise UsageError for another ending or a missing folder."""
    check_chart_path(path)
    text = path.suffix.lower()
    content = chart_png(chart) if text == ".png" else chart_html(chart).encode()
    try:
        path.write_bytes(content)
    except OSError as error:
        raise StorageError(
            f"wanted to write the chart to {path}: {error.strerror}; a retry does not help before that is mended"
        ) from error
    return path


def check_chart_path(path: Path) -> None:
    """Raise UsageError for a file that a chart cannot be written to."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"wanted a chart as {path.name}: its ending says neither picture nor page; a retry does not help; "
            f"end the name in {' or '.join(SUFFIXES)}"
        )
    if not path.absolute().parent.is_dir():
        raise UsageError(
            f"wanted to write the chart to {path}: there is no folder {path.absolute().parent}; a retry does not "
            "help; make it, or correct the path"
        )


def chart_png(chart: SessionChart, *, width: int = WIDTH) -> bytes:
    """Return the chart as a PNG of this width in pixels; the height follows."""
    return _saved(chart, format="png", dpi=DPI * width / WIDTH)


def chart_html(chart: SessionChart) -> str:
    """Return the chart as a page of its own, with the figure as vectors in it."""
    svg = _saved(chart, format="svg", metadata={"Date": None}).decode()
    figure = svg[svg.index("<svg") :]
    return _PAGE.format(title=html.escape(heading(chart)), figure=figure)


def chart_data_uri(chart: SessionChart, *, width: int) -> str:
    """Return the chart as a data URI, for pages that must need no other file."""
    return f"data:image/png;base64,{base64.b64encode(chart_png(chart, width=width)).decode()}"


def heading(chart: SessionChart) -> str:
    """Return which symbol, market and session the chart is of."""
    return f"{chart.symbol} · {chart.title} · {chart.session_date:%a %-d %b %Y}"


def _saved(chart: SessionChart, **options: Any) -> bytes:
    import matplotlib as mpl

    content = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": chart.symbol, "font.size": 10}):
        _figure(chart).savefig(content, **options)
    return content.getvalue()


def _figure(chart: SessionChart) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, layout="constrained", facecolor="white")
    grid = figure.add_gridspec(3, 2, height_ratios=(5, 1.25, 1.25), width_ratios=(7.5, 1), hspace=0.02, wspace=0.01)
    price = figure.add_subplot(grid[0, 0])
    profile = figure.add_subplot(grid[0, 1], sharey=price)
    rsi = figure.add_subplot(grid[1, 0], sharex=price)
    macd = figure.add_subplot(grid[2, 0], sharex=price)
    chart_panes.draw_price(price, chart)
    chart_panes.draw_profile(profile, chart)
    chart_panes.draw_rsi(rsi, chart)
    chart_panes.draw_macd(macd, chart)
    _finish(figure, [price, rsi, macd], chart)
    return figure


def _finish(figure: Figure, panes: list[Any], chart: SessionChart) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    *upper, lowest = panes
    for pane in upper:
        pane.tick_params(labelbottom=False)
    locator = AutoDateLocator(minticks=6, maxticks=14)  # type: ignore[no-untyped-call]  # no types there
    lowest.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
    lowest.xaxis.set_major_formatter(formatter)
    minute = np.timedelta64(60, "s")
    # room at the right for the names of the lines, so that they hide no bar
    room = (chart.times[-1] - chart.times[0]) // 14 + minute
    lowest.set_xlim(chart.times[0] - minute, chart.times[-1] + room)
    lowest.set_xlabel(f"time at the exchange ({chart.zone_name}); bars of one minute, by their start")
    figure.suptitle(heading(chart), x=0.01, ha="left", fontsize=15, fontweight="bold")
    if chart.is_simulated:
        figure.text(
            0.99, 0.995, "SIMULATED · made-up prices", ha="right", va="top", color="#b3261e", fontsize=13, weight="bold"
        )
