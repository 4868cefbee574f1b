"""Small pictures for a session's page, embedded in the metadata. Only session assets carry them."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from market_pipeline.steps.close_session import SessionReport


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
