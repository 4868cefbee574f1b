"""The `meta` of Yahoo's charts: who, in which zone and currency, and how it stands now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from market_pipeline.model.session import Session
from market_pipeline.simulator.wire.format import whole
from market_pipeline.simulator.wire.yahoo_hours import hours_of, period, regular_hours, trading_period
from market_pipeline.simulator.wire.yahoo_quote import FIRST_TRADE, name_of, offset_of, year_range
from market_pipeline.simulator.wire.yahoo_rows import Chart

VALID_RANGES = ("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max")


def chart_meta(chart: Chart, sessions: list[Session]) -> dict[str, Any]:
    """Return what stands above a chart's columns; `sessions` are those of its window."""
    view, window, paper, row = chart.view, chart.window, chart.paper, chart.item.shown
    venue = paper.venue
    hours = hours_of(view.exchange, paper, view.at)
    local = datetime.fromtimestamp(view.at, ZoneInfo(venue.zone))
    low, high = year_range(view.exchange, paper, row.session_date)
    first = sessions[0].session_date if sessions else row.session_date
    before = paper.shown(view.exchange.close_on(paper.listing.symbol, first - timedelta(days=1)))
    meta: dict[str, Any] = {
        "currency": paper.currency, "symbol": paper.code, "exchangeName": venue.exchange,
        "fullExchangeName": venue.name, "instrumentType": venue.kind, "firstTradeDate": FIRST_TRADE,
        "regularMarketTime": None if row.traded_at is None else int(row.traded_at),
        "hasPrePostMarketData": venue.has_extended_hours, "gmtoffset": offset_of(local), "timezone": local.tzname(),
        "exchangeTimezoneName": venue.zone, "regularMarketPrice": paper.shown(row.price),
        "fiftyTwoWeekHigh": paper.shown(max(high, row.high or row.price or high)),
        "fiftyTwoWeekLow": paper.shown(min(low, row.low or row.price or low)),
        "regularMarketDayHigh": paper.shown(row.high), "regularMarketDayLow": paper.shown(row.low),
        "regularMarketVolume": whole(row.volume) if venue.has_volume else 0,
        "longName": name_of(paper), "shortName": name_of(paper), "chartPreviousClose": before,
        "priceHint": paper.decimals,
    }  # fmt: skip
    if not window.is_daily:
        meta |= {"previousClose": paper.shown(row.previous_close), "scale": 3}
    meta["currentTradingPeriod"] = trading_period(paper, hours)
    if not window.is_daily:
        meta["tradingPeriods"] = _periods(chart, sessions)
    return meta | {"dataGranularity": window.interval, "range": window.range, "validRanges": list(VALID_RANGES)}


def _periods(chart: Chart, sessions: list[Session]) -> list[list[dict[str, Any]]]:
    zone = ZoneInfo(chart.paper.venue.zone)
    return [[period(zone, *regular_hours(session, chart.group))] for session in sessions]
