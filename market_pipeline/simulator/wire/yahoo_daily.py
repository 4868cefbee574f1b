"""Yahoo's daily and longer charts: rows dated by their session's open, adjusted closes, splits and dividends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from market_pipeline.simulator.corporate_actions import Split, adjustments, dividends, splits_of
from market_pipeline.simulator.viewpoint import Bar, Viewpoint
from market_pipeline.simulator.wire.yahoo_chart_meta import chart_meta
from market_pipeline.simulator.wire.yahoo_hours import regular_hours
from market_pipeline.simulator.wire.yahoo_rows import Chart, Window, joined, quote_columns
from market_pipeline.simulator.wire.yahoo_venues import Paper

EARLIEST = date(2013, 1, 1)
"""The model's history begins here; a recording's with itself."""
PERIODS: dict[str, Callable[[date], object]] = {
    "5d": lambda day: (day.toordinal() - 1) // 7,
    "1wk": lambda day: (day.toordinal() - 1) // 7,
    "1mo": lambda day: (day.year, day.month),
    "3mo": lambda day: (day.year, (day.month - 1) // 3),
}
"""Interval → what the days of one row have in common."""


def daily_document(chart: Chart) -> dict[str, Any]:
    """Return a chart's result."""
    view, window, paper = chart.view, chart.window, chart.paper
    first, last = _days(view, window)
    dated = [row for row in _finished(chart, first, last) if window.holds(row[1].start)]
    dated += _running(chart, dated)
    sessions = list(view.exchange.timeline.between(first, last)) if dated else []
    result: dict[str, Any] = {"meta": chart_meta(chart, sessions[:1])}
    if not dated:
        return result | {"indicators": {"quote": [{}], "adjclose": [{}]}}
    adjusted = _adjusted(view, paper, dated)
    events = _events(chart, dated[0][0], dated[-1][0])
    if window.interval in PERIODS:
        dated, adjusted = _joined_periods(dated, adjusted, PERIODS[window.interval])
    rows = [bar for _, bar in dated]
    result["timestamp"] = [row.start for row in rows]
    if events:
        result["events"] = events
    return result | {"indicators": {"quote": [quote_columns(rows, paper)], "adjclose": [{"adjclose": adjusted}]}}


def _days(view: Viewpoint, window: Window) -> tuple[date, date]:
    zone = view.exchange.timeline.zone
    first = datetime.fromtimestamp(window.start, zone).date()
    last = datetime.fromtimestamp(min(window.end, view.at), zone).date()
    return max(first, EARLIEST) if view.exchange.is_model else first, last


def _finished(chart: Chart, first: date, last: date) -> list[tuple[date, Bar]]:
    """Return the finished sessions; Yahoo dates a row by the open of its session."""
    found = []
    for day in chart.view.days(chart.paper.listing.symbol, first=first, last=last):
        session = chart.view.exchange.timeline.session(day.session_date)
        if session is not None and day.trades is not None:
            start = int(regular_hours(session, chart.group)[0])
            found.append((day.session_date, Bar(start, day.open, day.high, day.low, day.close, day.volume, day.trades)))
    return found


def _running(chart: Chart, dated: list[tuple[date, Bar]]) -> list[tuple[date, Bar]]:
    """Return today's row, which is dated by its last trade."""
    row = chart.item.now
    is_over = bool(dated) and dated[-1][0] >= row.session_date
    if is_over or not row.has_traded or row.traded_at is None or not chart.window.holds(row.traded_at):
        return []
    bar = Bar(int(row.traded_at), row.open, row.high, row.low, row.price, row.volume, row.trades or 0)
    return [(row.session_date, bar)]


def _adjusted(view: Viewpoint, paper: Paper, dated: list[tuple[date, Bar]]) -> list[float | None]:
    """Return closes as they would have been without the dividends that came after them; a recording's own are kept."""
    first, last = dated[0][0], dated[-1][0]
    days = [] if view.exchange.is_model else view.days(paper.listing.symbol, first=first, last=last)
    recorded = {day.session_date: day.adjusted_close for day in days if day.adjusted_close is not None}
    today = datetime.fromtimestamp(view.at, view.exchange.timeline.zone).date()
    later = adjustments(view.exchange, paper.listing, first=first, last=today) if paper.is_share else []
    closes: list[float | None] = []
    factor = 1.0
    for day, bar in reversed(dated):
        while later and later[-1][0] > day:
            factor *= later.pop()[1]
        close = paper.shown(recorded.get(day, bar.close))
        closes.append(None if close is None else close if factor == 1 else round(close * factor, 6))
    return closes[::-1]


def _joined_periods(
    dated: list[tuple[date, Bar]], adjusted: list[float | None], key: Callable[[date], object]
) -> tuple[list[tuple[date, Bar]], list[float | None]]:
    rows, closes = [], []
    numbered = [(day, bar, close) for (day, bar), close in zip(dated, adjusted, strict=True)]
    for _, group in groupby(numbered, key=lambda row: key(row[0])):
        members = list(group)
        rows.append((members[0][0], joined(members[0][1].start, [bar for _, bar, _ in members])))
        closes.append(members[-1][2])
    return rows, closes


def _events(chart: Chart, first: date, last: date) -> dict[str, Any]:
    events: dict[str, dict[str, Any]] = {}
    listing = chart.paper.listing
    if "div" in chart.events and chart.paper.is_share:
        paid = dividends(chart.view.exchange, listing, first=first, last=last)
        rows = [(_open_of(chart, item.session_date), item.amount) for item in paid]
        events["dividends"] = {str(start): {"amount": amount, "date": start} for start, amount in rows}
    if chart.events & {"split", "splits"} and chart.view.exchange.is_model:
        found = [split for split in splits_of(listing) if first <= split.session_date <= last]
        shown = [_split(_open_of(chart, split.session_date), split) for split in found]
        events["splits"] = {str(row["date"]): row for row in shown}
    return {name: rows for name, rows in events.items() if rows}


def _split(start: int, split: Split) -> dict[str, Any]:
    new, old = split.numerator, split.denominator
    return {"date": start, "numerator": float(new), "denominator": float(old), "splitRatio": f"{new}:{old}"}


def _open_of(chart: Chart, day: date) -> int:
    session = next(chart.view.exchange.timeline.between(day, day + timedelta(days=10)), None)
    return int(regular_hours(session, chart.group)[0]) if session else 0
