"""Yahoo's v8 chart: columns on one list of timestamps, null where a minute saw no trade.

The last row is the running interval: its time is the last trade's, off the grid. After the close the closing price
stands in one more row at the closing time. Prices have every split divided out already.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from market_pipeline.model.session import Session
from market_pipeline.simulator.viewpoint import Bar, Viewpoint
from market_pipeline.simulator.wire.format import Call, Reply, json_reply
from market_pipeline.simulator.wire.yahoo_chart_meta import chart_meta
from market_pipeline.simulator.wire.yahoo_daily import daily_document
from market_pipeline.simulator.wire.yahoo_hours import (
    POST_SECONDS,
    PRE_SECONDS,
    Hours,
    hours_of,
    price_outside,
    regular_hours,
)
from market_pipeline.simulator.wire.yahoo_quote import seen
from market_pipeline.simulator.wire.yahoo_rows import DAILY_INTERVALS, Chart, Window, flat, joined, quote_columns
from market_pipeline.simulator.wire.yahoo_venues import Paper

DAY_SECONDS = 86_400
INTERVALS_MINUTES = {"1m": 1, "2m": 2, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "90m": 90, "1h": 60}
LONGEST_DAYS = {"1m": 8}
REACH_DAYS = {"1m": 30, "60m": 730, "1h": 730}
"""How far back an interval is served; 60 days where it is not named."""
RANGES_DAYS = {
    "1d": 1, "5d": 5, "7d": 7, "8d": 8, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731, "5y": 1827,
    "10y": 3653, "max": 36_500,
}  # fmt: skip


class Refused(Exception):  # noqa: N818 - it carries an answer, not a failure of ours
    """A chart that Yahoo does not give, and its reason."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status, self.code, self.description = status, code, description

    def reply(self) -> Reply:
        """Return the answer."""
        error = {"code": self.code, "description": self.description}
        return json_reply({"chart": {"result": None, "error": error}}, status=self.status)


def chart(call: Call, view: Viewpoint, paper: Paper) -> Reply:
    """Return the chart of one known instrument."""
    try:
        window = _window(call, view, paper)
        rows = seen(view, [paper])
        if not rows:
            raise Refused(404, "Not Found", "No data found, symbol may be delisted")
        events = frozenset((call.param("events") or "").replace("|", ",").split(","))
        extended = (call.param("includePrePost") or "").lower() in ("true", "1") and paper.venue.has_extended_hours
        wanted = Chart(view, rows[0], window, events, with_extended_hours=extended)
        return _reply(daily_document(wanted) if window.is_daily else _intraday(wanted))
    except Refused as refused:
        return refused.reply()


def _reply(result: dict[str, Any]) -> Reply:
    return json_reply({"chart": {"result": [result], "error": None}})


def _window(call: Call, view: Viewpoint, paper: Paper) -> Window:
    interval = call.param("interval") or "1d"
    if interval not in INTERVALS_MINUTES and interval not in DAILY_INTERVALS:
        known = ", ".join((*INTERVALS_MINUTES, *DAILY_INTERVALS))
        raise _unprocessable(f"Invalid input - interval={interval} is not supported. Valid intervals: [{known}]")
    first, last = call.param("period1"), call.param("period2")
    if first is None and last is None:
        return _named_window(view, paper, interval=interval, name=call.param("range") or "1d")
    try:
        start, end = float(first or 0), float(last if last is not None else call.now)
    except ValueError:
        raise _unprocessable("Invalid input - period1 and period2 are epoch seconds") from None
    if end < start:
        raise Refused(400, "Bad Request", "Invalid input - start date cannot be after end date.")
    window = Window(interval, start, end, "")
    if interval in INTERVALS_MINUTES:
        _check_reach(window, call.now)
    return window


def _check_reach(window: Window, now: float) -> None:
    interval, longest = window.interval, LONGEST_DAYS.get(window.interval)
    text = f"{interval} data not available for startTime={window.start:.0f} and endTime={window.end:.0f}."
    if longest is not None and window.end - window.start > longest * DAY_SECONDS:
        rule = f"Only {longest} days worth of {interval} granularity data are allowed to be fetched per request."
        raise _unprocessable(f"{text} {rule}")
    reach = REACH_DAYS.get(interval, 60)
    if window.start < now - reach * DAY_SECONDS:
        raise _unprocessable(f"{text} The requested range must be within the last {reach} days.")


def _unprocessable(description: str) -> Refused:
    return Refused(422, "Unprocessable Entity", description)


def _named_window(view: Viewpoint, paper: Paper, *, interval: str, name: str) -> Window:
    hours = hours_of(view.exchange, paper, view.at)
    day = hours.session_date
    if name == "ytd":
        first = date(day.year, 1, 1)
    elif name in ("1d", "5d"):
        first = _sessions_back(view, day, RANGES_DAYS[name] - 1)
    elif name in RANGES_DAYS:
        first = date.fromordinal(max(1, day.toordinal() - RANGES_DAYS[name]))
    else:
        raise _unprocessable(f"Invalid input - range={name} is not supported. Valid ranges: {list(RANGES_DAYS)}")
    zone = view.exchange.timeline.zone
    start = datetime(max(first.year, 1970), first.month, first.day, tzinfo=zone).timestamp()
    window = Window(interval, start, view.at + 1, name)
    if interval in INTERVALS_MINUTES and name not in ("1d", "5d"):
        _check_reach(window, view.at)
    return window


def _sessions_back(view: Viewpoint, day: date, count: int) -> date:
    for _ in range(count):
        session = view.exchange.timeline.before(day)
        day = session.session_date if session else day
    return day


def _intraday(chart: Chart) -> dict[str, Any]:
    view, window, minutes = chart.view, chart.window, INTERVALS_MINUTES[chart.window.interval]
    sessions = _sessions(view, window)
    bars = view.bars(chart.paper.listing.symbol, start=window.start, end=min(window.end, view.at + 1))
    rows = _with_holes(bars, list(_grid(chart, sessions)))
    if minutes > 1:
        rows = _grouped(chart, rows, [regular_hours(session, chart.group)[0] for session in sessions])
    if chart.with_extended_hours:
        rows = sorted(rows + list(_outside(chart, sessions)), key=lambda row: row.start)
    if view.exchange.is_model:
        rows = _with_last_trade(chart, rows)
    result: dict[str, Any] = {"meta": chart_meta(chart, sessions)}
    if not rows:
        return result | {"indicators": {"quote": [{}]}}
    timestamps = [row.start for row in rows]
    return result | {"timestamp": timestamps, "indicators": {"quote": [quote_columns(rows, chart.paper)]}}


def _sessions(view: Viewpoint, window: Window) -> list[Session]:
    zone = view.exchange.timeline.zone
    first = datetime.fromtimestamp(window.start, zone).date()
    last = datetime.fromtimestamp(max(window.start, min(window.end, view.at + DAY_SECONDS)), zone).date()
    return list(view.exchange.timeline.between(first, last))


def _grid(chart: Chart, sessions: list[Session]) -> Iterator[int]:
    window, running = chart.window, int(chart.view.at) // 60 * 60
    for session in sessions:
        start, end = regular_hours(session, chart.group)
        first = max(int(start), -(-int(window.start) // 60) * 60)
        yield from range(first, int(min(end, window.end, running)), 60)


def _with_holes(bars: list[Bar], grid: list[int]) -> list[Bar]:
    there = {bar.start for bar in bars}
    holes = [Bar(start, None, None, None, None, None, 0) for start in grid if start not in there]
    return sorted(bars + holes, key=lambda bar: bar.start) if holes else bars


def _grouped(chart: Chart, rows: list[Bar], opens: list[float]) -> list[Bar]:
    """Join minutes into intervals counted from each session's open."""
    step = 60 * INTERVALS_MINUTES[chart.window.interval]

    def begin(row: Bar) -> int:
        place = bisect_right(opens, row.start)
        return row.start - (row.start - int(opens[place - 1])) % step if place else row.start

    return [joined(start, list(group)) for start, group in groupby(rows, key=begin)]


def _outside(chart: Chart, sessions: list[Session]) -> Iterator[Bar]:
    """Give the minutes before the open and after the close; their volume is 0."""
    view, window, symbol = chart.view, chart.window, chart.paper.listing.symbol
    for session in sessions:
        start, end = regular_hours(session, chart.group)
        hours = Hours(session.session_date, "", start, end, view.at)
        before = view.exchange.close_on(symbol, session.session_date - timedelta(days=1))
        after = view.exchange.close_on(symbol, session.session_date) if end <= view.at else before
        for first, last, around in ((start - PRE_SECONDS, start, before), (end, end + POST_SECONDS, after)):
            for minute in range(int(max(first, window.start)), int(min(last, window.end, view.at - 60)), 60):
                price = price_outside(view.exchange, chart.paper, hours, minute=minute, around=around)
                if price is not None:
                    yield flat(minute, price)


def _with_last_trade(chart: Chart, rows: list[Bar]) -> list[Bar]:
    """Put the last trade after the bars: at its own second while trading goes on, at the close afterwards."""
    row, hours = chart.item.shown, hours_of(chart.view.exchange, chart.paper, chart.view.at)
    if not rows or row.price is None or row.traded_at is None or not chart.item.now.has_traded:
        return rows
    second = int(row.traded_at) if hours.state == "REGULAR" else int(hours.end)
    if not rows[-1].start < second < chart.window.end:
        return rows
    return [*rows, flat(second, row.price)]
