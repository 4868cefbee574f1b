"""Small pictures for a session's page, embedded in the metadata. Only session assets carry them."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from datetime import date

    from matplotlib.axes import Axes

    from market_pipeline.markets.schema import MarketFile
    from market_pipeline.steps.close_session import SessionReport
    from market_pipeline.steps.runtime import Runtime

CHART_WIDTH = 900


def session_plot(report: SessionReport) -> dg.MarkdownMetadataValue:
    """Return a plot of the session's bars a minute (UTC)."""
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.6), dpi=80, layout="constrained")
    axes: Axes = figure.subplots()
    axes.fill_between(
        np.array([minute.replace(tzinfo=None) for minute in report.minutes], dtype="datetime64[s]"),
        report.bars_per_minute,
        step="post",
        color="#4c78a8",
        alpha=0.85,
        linewidth=0,
    )
    axes.set_title(f"bars a minute, session {report.session_date}, UTC", fontsize=9, loc="left")
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.autofmt_xdate()
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    data = base64.b64encode(picture.getvalue()).decode()
    return dg.MetadataValue.md(f"![bars a minute](data:image/png;base64,{data})")


def chart_preview(opened: Runtime, file: MarketFile, day: date) -> dg.MarkdownMetadataValue:
    """Return the session's chart of the market's first tier-1 symbol, or why there is none."""
    from market_pipeline.errors import UsageError
    from market_pipeline.steps.draw_chart import chart_data_uri, heading
    from market_pipeline.steps.session_chart import read_session_chart

    symbol = _first_symbol(file)
    if symbol is None:
        return dg.MetadataValue.md("no chart: the market's file names no symbol")
    try:
        chart = read_session_chart(opened.warehouse, file, symbol, day=day, is_simulated=opened.is_simulated)
    except UsageError as error:
        return dg.MetadataValue.md(f"no chart: {error}")
    command = f"market-pipeline chart {file.market} {chart.symbol} --date {day}"
    return dg.MetadataValue.md(f"![{heading(chart)}]({chart_data_uri(chart, width=CHART_WIDTH)})\n\n`{command}`")


def _first_symbol(file: MarketFile) -> str | None:
    tier_1 = [*file.tier_1, *(rule.symbol for rule in file.symbols if rule.tier == 1)]
    return next(iter([*tier_1, *(rule.symbol for rule in file.symbols)]), None)
