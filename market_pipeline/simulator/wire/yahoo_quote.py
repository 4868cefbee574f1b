"""Yahoo's v7 quote: one flat object an instrument. `dividendYield` is in percent, sizes of US orders in lots of 100.

A share that has not traded today is shown with its last session's figures, as Yahoo does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.price_model import levels_of
from market_pipeline.simulator.randomness import digest
from market_pipeline.simulator.standing import Standing, is_nan
from market_pipeline.simulator.timeline import begin_of
from market_pipeline.simulator.viewpoint import Viewpoint
from market_pipeline.simulator.wire.format import whole
from market_pipeline.simulator.wire.yahoo_hours import LONGEST_PAUSE_SESSIONS, Hours, extended_price, hours_of
from market_pipeline.simulator.wire.yahoo_venues import Paper

KINDS = {"EQUITY": "Equity", "ETF": "ETF", "INDEX": "Index", "CURRENCY": "Currency", "FUTURE": "Futures"}
FIRST_TRADE = 345_479_400
REPORT_EVERY_DAYS = 91
YEAR_STEP_DAYS = 32
SLOW_OCTAVES = (512, 128, 32)
SWING_DAYS = 3.0
"""A quote's 52-week range is read off the slow waves of the price's level, and so many days' swing around them."""
LOT = 100
SUPPLIES = {
    "BTC-USD": 19_950_000, "ETH-USD": 120_700_000, "SOL-USD": 553_000_000, "XRP-USD": 60_100_000_000,
    "ADA-USD": 36_600_000_000, "DOGE-USD": 151_000_000_000, "LTC-USD": 76_500_000, "DOT-USD": 1_630_000_000,
}  # fmt: skip
"""Coins in circulation."""
DAY_SECONDS = 86_400


_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True)
class Seen:
    """An instrument at one moment: as it stands now, and as the last session with a trade left it."""

    paper: Paper
    now: Standing
    shown: Standing


def seen(view: Viewpoint, papers: Sequence[Paper]) -> list[Seen]:
    """Return what a viewpoint sees of some instruments of one market; a duplicated one stands twice."""
    by_symbol = {paper.listing.symbol: paper for paper in papers}
    rows = view.standings(by_symbol)
    before = _last_traded(view, rows)
    return [Seen(by_symbol[row.listing.symbol], row, before.get(row.listing.symbol, row)) for row in rows]


def _last_traded(view: Viewpoint, rows: Sequence[Standing]) -> dict[str, Standing]:
    """Return symbol → the end of its last session with a trade, for those that have seen none in this one."""
    idle = {row.listing.symbol: row for row in rows if not row.has_traded}
    found: dict[str, Standing] = {}
    for _ in range(LONGEST_PAUSE_SESSIONS):
        session = view.exchange.timeline.session(next(iter(idle.values())).session_date) if idle else None
        if session is None:
            break
        older = replace(view, at=begin_of(session) - 0.001).standings(idle)
        found |= {row.listing.symbol: row for row in older if row.has_traded}
        idle = {row.listing.symbol: row for row in older if not row.has_traded}
    return found


def quote_text(view: Viewpoint, item: Seen, *, delay_seconds: float) -> str:
    """Return one instrument's object as JSON text."""
    day = item.now.session_date
    fixed, first = _unchanging(view.exchange, item.paper, day)
    hours = hours_of(view.exchange, item.paper, view.at)
    moving = {
        "marketState": hours.state,
        "exchangeDataDelayedBy": round(delay_seconds / 60),
        **_prices(view, item, first),
        **_book(view, item),
        **_ratios(item),
        **_extended(view, item, hours),
    }
    return f"{fixed}{_compact(moving)[1:]}"


@lru_cache(maxsize=20_000)
def _unchanging(exchange: Exchange, paper: Paper, day: date) -> tuple[str, tuple[float, float]]:
    """Return what stays the same all day as the beginning of a JSON object, and the 52-week range before today."""
    venue = paper.venue
    local = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(venue.zone))
    is_crypto = venue.kind == "CRYPTOCURRENCY"
    facts: dict[str, Any] = {
        "language": "en-US", "region": "US", "quoteType": venue.kind,
        "typeDisp": "Cryptocurrency" if is_crypto else KINDS[venue.kind],
        "quoteSourceName": venue.quote_source, "triggerable": True, "customPriceAlertConfidence": "HIGH",
        "currency": paper.currency, "exchange": venue.exchange, "fullExchangeName": venue.name,
        "market": venue.market, "exchangeTimezoneName": venue.zone, "exchangeTimezoneShortName": local.tzname(),
        "gmtOffSetMilliseconds": offset_of(local) * 1000, "esgPopulated": False, "tradeable": False,
        "cryptoTradeable": is_crypto, "hasPrePostMarketData": venue.has_extended_hours, "sourceInterval": 15,
        "priceHint": paper.decimals, "shortName": name_of(paper), "longName": name_of(paper),
        "symbol": paper.code,
    }  # fmt: skip
    if paper.is_share:
        facts |= {"displayName": name_of(paper).partition(" ")[0], "financialCurrency": paper.main_currency}
        facts |= {"firstTradeDateMilliseconds": FIRST_TRADE * 1000, **_reports(paper, day)}
    if is_crypto:
        facts |= {"fromCurrency": paper.code.partition("-")[0], "toCurrency": "USD=X", "lastMarket": "CoinMarketCap"}
        facts |= {"coinImageUrl": "https://s.yimg.com/uc/fin/img/reports-thumbnails/1.png"}
        facts |= {"circulatingSupply": SUPPLIES[paper.code]} if paper.code in SUPPLIES else {}
    facts |= {"averageDailyVolume3Month": _average(paper, 1.0), "averageDailyVolume10Day": _average(paper, 0.94)}
    return f"{_compact(facts)[:-1]},", year_range(exchange, paper, day)


def _average(paper: Paper, share: float) -> int:
    if not paper.venue.has_volume:
        return 0
    value = paper.listing.daily_volume * share
    return round(value * paper.listing.price if paper.venue.kind == "CRYPTOCURRENCY" else value)


def name_of(paper: Paper) -> str:
    """Return a name without the words for the kind of security."""
    return paper.listing.name.partition(" - ")[0].removesuffix(" Common Stock")


def offset_of(local: datetime) -> int:
    """Return the offset from UTC in seconds."""
    return int((local.utcoffset() or timedelta()).total_seconds())


def _reports(paper: Paper, day: date) -> dict[str, Any]:
    company = paper.company
    offset = digest("report", paper.listing.symbol) % REPORT_EVERY_DAYS
    following = day.toordinal() + (offset - day.toordinal()) % REPORT_EVERY_DAYS
    last, start = (_evening(following - REPORT_EVERY_DAYS), _evening(following))
    facts: dict[str, Any] = {
        "sharesOutstanding": company.shares, "bookValue": company.book_value,
        "epsTrailingTwelveMonths": company.eps, "epsForward": company.eps_forward,
        "earningsTimestamp": last, "earningsTimestampStart": start,
        "earningsTimestampEnd": start + 4 * DAY_SECONDS * (offset % 2), "isEarningsDateEstimate": offset % 3 > 0,
    }  # fmt: skip
    if company.dividend_rate:
        facts["dividendRate"] = company.dividend_rate
        facts["trailingAnnualDividendRate"] = round(company.dividend_rate * 0.97, 4)
    return facts


def _evening(ordinal: int) -> int:
    day = date.fromordinal(ordinal)
    return int(datetime(day.year, day.month, day.day, 21, tzinfo=UTC).timestamp())


def year_range(exchange: Exchange, paper: Paper, day: date) -> tuple[float, float]:
    """Return lowest and highest price of the 52 weeks before a session."""
    listing = paper.listing
    if not exchange.is_model:
        year = exchange.days(listing.symbol, first=day - timedelta(days=365), last=day, at=_noon(day))
        known = [(row.low, row.high) for row in year if row.low is not None and row.high is not None]
        return min((low for low, _ in known), default=math.inf), max((high for _, high in known), default=0.0)
    step = day.toordinal() // YEAR_STEP_DAYS
    days = [date.fromordinal(YEAR_STEP_DAYS * number) for number in range(step - 365 // YEAR_STEP_DAYS, step + 1)]
    levels = levels_of(listing, days, seed=exchange.seed, octaves=SLOW_OCTAVES)
    swing, scale = SWING_DAYS * listing.daily_volatility, 10**listing.decimals
    low, high = (math.exp(edge) for edge in (min(levels) - swing, max(levels) + swing))
    return max(1, int(low * scale)) / scale, int(high * scale) / scale


def _noon(day: date) -> float:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()


def _prices(view: Viewpoint, item: Seen, year: tuple[float, float]) -> dict[str, Any]:
    paper, row = item.paper, item.shown
    if row.price is None:  # a source that lost its values sends the names alone
        return {"regularMarketTime": _second(row.traded_at)}
    show = paper.shown
    low, high = show(row.low), show(row.high)
    year_low = show(min(year[0], row.low or row.price, row.price))
    year_high = show(max(year[1], row.high or row.price, row.price))
    volume = _volume(view, item)
    return {
        "regularMarketPrice": show(row.price), "regularMarketTime": _second(row.traded_at),
        "regularMarketChange": show(row.change), "regularMarketChangePercent": _percent(row.price, row.previous_close),
        "regularMarketPreviousClose": show(row.previous_close),
        **({} if row.open is None else {
            "regularMarketOpen": show(row.open), "regularMarketDayHigh": high, "regularMarketDayLow": low,
            "regularMarketDayRange": f"{low} - {high}",
        }),
        "regularMarketVolume": volume,
        **({"volume24Hr": volume, "volumeAllCurrencies": volume} if paper.venue.kind == "CRYPTOCURRENCY" else {}),
        "fiftyTwoWeekLow": year_low, "fiftyTwoWeekHigh": year_high, "fiftyTwoWeekRange": f"{year_low} - {year_high}",
    }  # fmt: skip


def _second(moment: float | None) -> int | None:
    return None if moment is None else int(moment)


def _percent(price: float, before: float | None) -> float | None:
    return round(100 * (price - before) / before, 6) if before else None


def _volume(view: Viewpoint, item: Seen) -> float | int | None:
    if not item.paper.venue.has_volume:
        return 0
    if item.paper.venue.kind == "CRYPTOCURRENCY":
        day = view.exchange.minutes(
            item.paper.listing.symbol, start=view.at - DAY_SECONDS, end=view.at + 60, at=view.at
        )
        return round(float((day.volume * day.close).sum()))
    return whole(item.shown.volume) or 0


def _book(view: Viewpoint, item: Seen) -> dict[str, Any]:
    """Return the best orders; zeros while there are none."""
    if item.paper.venue.kind in ("CRYPTOCURRENCY", "INDEX"):
        return {}
    book = view.book(item.now, levels=1)
    facts: dict[str, Any] = {}
    lot = LOT if item.paper.venue.market == "us_market" else 1
    for name, side in (("bid", book.bids), ("ask", book.asks)):
        facts[name] = item.paper.shown(side[0].price) if side else 0.0
        known = side and item.paper.venue.quote_source != "Delayed Quote"
        facts[f"{name}Size"] = max(1, int(side[0].size) // lot) if known else 0
    return facts


def _ratios(item: Seen) -> dict[str, Any]:
    """Return what follows from the price. Money is in the main currency even where prices are in pence."""
    price, paper = item.shown.price, item.paper
    if price is None or is_nan(price):
        return {}
    if paper.code in SUPPLIES:
        return {"marketCap": round(price * SUPPLIES[paper.code])}
    if not paper.is_share:
        return {}
    company = paper.company
    facts: dict[str, float | int] = {}
    facts["marketCap"] = round(price * company.shares)
    facts["priceToBook"] = round(price * paper.factor / company.book_value, 6)
    if company.eps > 0:
        facts["trailingPE"] = round(price / company.eps, 6)
    if company.eps_forward:
        facts["forwardPE"] = round(price / company.eps_forward, 6)
    if company.dividend_rate:
        facts["dividendYield"] = round(100 * company.dividend_rate / price, 2)
        facts["trailingAnnualDividendYield"] = round(company.dividend_rate * 0.97 / (price * paper.factor), 10)
    return facts


def _extended(view: Viewpoint, item: Seen, hours: Hours) -> dict[str, Any]:
    """Return the price before the open or after the close, where the instrument trades then."""
    name = {"PRE": "pre", "PREPRE": "", "POST": "post", "POSTPOST": "post", "CLOSED": "post"}.get(hours.state)
    traded = extended_price(view.exchange, item.paper, hours, around=item.shown.price) if name else None
    if traded is None or item.shown.price is None:
        return {}
    price, moment = traded
    return {
        f"{name}MarketPrice": price, f"{name}MarketTime": moment,
        f"{name}MarketChange": round(price - item.shown.price, item.paper.decimals),
        f"{name}MarketChangePercent": _percent(price, item.shown.price),
    }  # fmt: skip
