"""Pictures of a report: as SVG, whose text takes the page's colour, light or dark, and as PNG on white for mail.

The time axis has open hours only: sessions follow one another.
"""

from __future__ import annotations

import io
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from market_pipeline.markets.zones import zone
from market_pipeline.reports.report import Period, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#0a0b0c"
"""Stands for the colour of the page's text."""
MAIL_INK = "#1f2328"
COLOURS = ("#3b82c4", "#e08a1e", "#4a9d6f", "#b25fa8")
MOST_TICKS = 9
PAUSE = timedelta(minutes=5)
"""A line stops where nothing was seen for longer: what was not seen is not drawn."""


def plots(report: Report) -> Mapping[str, str]:
    """Return name → SVG of what the report has figures for."""
    return {name: _svg(name, draw) for name, draw in _drawings(report).items()}


def pictures(report: Report) -> Mapping[str, bytes]:
    """Return name → PNG of the same, since few mail programs draw SVG."""
    return {name: _png(draw) for name, draw in _drawings(report).items()}


def _drawings(report: Report) -> Mapping[str, Callable[[Axes], None]]:
    found: dict[str, Callable[[Axes], None]] = {}
    axis = _Axis(report)
    if report.cycles:
        found["coverage"] = lambda axes: _coverage(axes, report, axis)
    if report.ages is not None and report.ages.points:
        found["freshness"] = lambda axes: _freshness(axes, report, axis)
    if report.uptime is not None and report.heading.period is Period.WEEKLY:
        found["uptime"] = lambda axes: _uptime(axes, report)
    return found


class _Axis:
    """Places moments on a line of open minutes."""

    def __init__(self, report: Report) -> None:
        self._hours = report.hours
        self._zone: tzinfo = zone(report.heading.zone)
        self._is_week = report.heading.period is Period.WEEKLY

    @property
    def length(self) -> float:
        """Return all open minutes."""
        return sum((end - start) / timedelta(minutes=1) for start, end in self._hours)

    def place(self, at: datetime) -> float:
        """Return the open minutes before `at`."""
        return sum(max((min(at, end) - start) / timedelta(minutes=1), 0.0) for start, end in self._hours)

    def dress(self, axes: Axes) -> None:
        """Label the axis: sessions of a week, times of a day."""
        starts = [start for start, _ in self._hours]
        marks = self._days(starts) if self._is_week else self._times()
        axes.set_xlim(0, max(self.length, 1))
        axes.set_xticks([self.place(mark) for mark in marks], [f"{self._local(mark)}" for mark in marks])
        if self._is_week:
            for mark in marks[1:]:
                axes.axvline(self.place(mark), color=axes.spines["left"].get_edgecolor(), alpha=0.25, linewidth=0.8)

    def _local(self, mark: datetime) -> str:
        local = mark.astimezone(self._zone)
        return f"{local:%a} {local.day}" if self._is_week else f"{local:%H:%M}"

    def _days(self, starts: Sequence[datetime]) -> list[datetime]:
        first: dict[object, datetime] = {}
        for start in starts:
            first.setdefault(start.astimezone(self._zone).date(), start)
        return list(first.values())

    def _times(self) -> list[datetime]:
        step = next(n for n in (15, 30, 60, 120, 180, 240, 1440) if self.length / n <= MOST_TICKS)
        marks = []
        for start, end in self._hours:
            local = start.astimezone(self._zone)
            midnight = local.replace(hour=0, minute=0)
            first = -(-(local.hour * 60 + local.minute) // step) * step
            moments = (midnight + timedelta(minutes=n) for n in range(first, 1441, step))
            marks += [moment for moment in moments if moment <= end]
        return marks


def _svg(name: str, draw: Callable[[Axes], None]) -> str:
    picture = io.StringIO()
    with _inked(INK, {"svg.fonttype": "none", "svg.hashsalt": name}):
        _figure(draw).savefig(picture, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = picture.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")


def _png(draw: Callable[[Axes], None]) -> bytes:
    picture = io.BytesIO()
    with _inked(MAIL_INK, {}):
        _figure(draw).savefig(picture, format="png", dpi=150, facecolor="white", metadata={"Software": None})
    return picture.getvalue()


def _inked(ink: str, more: Mapping[str, str]) -> AbstractContextManager[None]:
    from matplotlib import rc_context

    names = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color")
    wanted: dict[Any, Any] = {**dict.fromkeys(names, ink), **more, "font.size": 9}
    return rc_context(wanted)


def _figure(draw: Callable[[Axes], None]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 2.3), layout="constrained")
    axes: Axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_alpha(0.4)
    axes.grid(axis="y", alpha=0.12, linewidth=0.8)
    draw(axes)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1)
    return figure


def _line(axes: Axes, axis: _Axis, points: Sequence[tuple[datetime, float]], *, colour: str, label: str) -> None:
    at: list[float] = []
    values: list[float] = []
    for number, (moment, value) in enumerate(points):
        if number and moment - points[number - 1][0] > PAUSE:
            at.append(axis.place(moment))
            values.append(math.nan)
        at.append(axis.place(moment))
        values.append(value)
    axes.plot(at, values, ".-", color=colour, linewidth=1.3, markersize=2.5, label=label)


def _coverage(axes: Axes, report: Report, axis: _Axis) -> None:
    tiers: dict[int, list[tuple[datetime, float]]] = defaultdict(list)
    for cycle in report.cycles:
        if cycle.listed:
            tiers[cycle.tier].append((cycle.minute, 100 * cycle.fresh / cycle.listed))
    for colour, tier in zip(COLOURS, sorted(tiers), strict=False):
        _line(axes, axis, tiers[tier], colour=colour, label=f"tier {tier}")
    axes.set_ylim(0, 104)
    axes.set_ylabel("fresh, %")
    axis.dress(axes)


def _freshness(axes: Axes, report: Report, axis: _Axis) -> None:
    points = report.ages.points if report.ages else ()
    _line(axes, axis, [(point.minute, point.p50) for point in points], colour=COLOURS[0], label="p50")
    _line(axes, axis, [(point.minute, point.p90) for point in points], colour=COLOURS[1], label="p90")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("age, open min")
    axis.dress(axes)


def _uptime(axes: Axes, report: Report) -> None:
    days = [day for day in report.uptime or () if day.open_minutes]
    places = range(len(days))
    shares = [100 * day.up_minutes / day.open_minutes for day in days]
    bars = axes.bar(places, shares, width=0.6, color=COLOURS[0])
    axes.bar_label(bars, [f"{value:.0f}" for value in shares], padding=2)
    axes.set_xticks(list(places), [f"{day.session_date:%a} {day.session_date.day}" for day in days])
    axes.set_xlim(-0.6, max(len(days), 5) - 0.4)
    axes.set_ylim(0, 114)
    axes.set_ylabel("up, %")
