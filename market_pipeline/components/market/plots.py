"""Small pictures for a session's page, embedded in the metadata. No minute run carries them."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg
import pyarrow as pa

if TYPE_CHECKING:
    from datetime import date

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from market_pipeline.markets.schema import MarketFile
    from market_pipeline.steps.close_session import SessionReport
    from market_pipeline.steps.runtime import Runtime

CHART_WIDTH = 900


PART_COLOURS = ("#d62728", "#9467bd", "#ff7f0e", "#1f77b4", "#8c8c8c")


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
    return _picture(figure, "bars a minute")


def health_plot(rows: pa.Table, weights: Mapping[str, float]) -> dg.MarkdownMetadataValue:
    """Return a plot of a day's health score (UTC): what each part lost hangs from 100; closed hours grey."""
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), dpi=80, layout="constrained")
    axes: Axes = figure.subplots()
    minutes = rows["as_of"].cast(pa.timestamp("s")).to_numpy()
    top = np.full(len(minutes), 100.0)
    for (part, weight), colour in zip(weights.items(), PART_COLOURS, strict=True):
        left = rows[part].to_numpy(zero_copy_only=False).astype(float)
        bottom = top - np.nan_to_num(weight - left, nan=0.0)
        if (bottom < top).any():
            axes.fill_between(minutes, bottom, top, step="post", color=colour, linewidth=0, label=part)
        top = bottom
    axes.step(minutes, rows["score"].to_numpy(), where="post", color="#222222", linewidth=1)
    is_closed = ~rows["is_open"].to_numpy(zero_copy_only=False).astype(bool)
    axes.fill_between(minutes, 0, 100, where=is_closed, step="post", color="#eeeeee", linewidth=0, zorder=0)
    axes.set_title("health score, and what each part lost, UTC; grey: closed", fontsize=9, loc="left")
    axes.set_ylim(0, 101)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, loc="lower left", frameon=False)
    return _picture(figure, "health score")


def service_level_plot(rows: pa.Table) -> dg.MarkdownMetadataValue:
    """Return a plot of a session's expected minutes of tier 1 (UTC): in time, late, missing."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.6), dpi=80, layout="constrained")
    axes: Axes = figure.subplots()
    minutes = rows["minute"].cast(pa.timestamp("s")).to_numpy()
    layers = {"good": "#59a14f", "late": "#f28e2b", "missing": "#e15759"}
    axes.stackplot(
        minutes, *(rows[name].to_numpy() for name in layers), colors=layers.values(), labels=layers, linewidth=0
    )
    axes.set_title("expected symbol-minutes of tier 1, UTC", fontsize=9, loc="left")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, loc="lower left", framealpha=0.9)
    return _picture(figure, "service level")


def _picture(figure: Figure, what: str) -> dg.MarkdownMetadataValue:
    """Return a figure as an image in Markdown."""
    for axes in figure.axes:
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.autofmt_xdate()
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    data = base64.b64encode(picture.getvalue()).decode()
    return dg.MetadataValue.md(f"![{what}](data:image/png;base64,{data})")


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
