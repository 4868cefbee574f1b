"""Reads metrics from Yahoo's v7 quote answer. Pure.

A row of metrics: {"symbol":"AAPL","marketCap":4243043303424,"trailingPE":38.44,"epsTrailingTwelveMonths":7.47,
"trailingAnnualDividendRate":1.05,"trailingAnnualDividendYield":0.00369,"dividendYield":0.38,"bookValue":4.99,…}
Traps: dividendYield is percent and the others are fractions; in a market that is quoted in hundredths the yields are a
hundred times too small, and per-share figures are in the statements' currency. What cannot be checked stays unknown.
"""

from __future__ import annotations

from datetime import date

from market_pipeline.errors import PayloadError
from market_pipeline.model.metrics import Metrics
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.sources.parsing.readings import Page, amount, price, signed
from market_pipeline.sources.yahoo_payloads import Report, Unit, moment, unit_of
from market_pipeline.sources.yahoo_quotes import Row, book_of, event_time_of, read_rows, volume_of

AGREES = 0.05
"""How far two ways to the same ratio may differ: prices move between Yahoo's own refreshes."""
YIELD_AGREES = 0.5
"""A price may have moved far since the yield was computed; a wrong unit is a factor of 100."""


def parse_metrics(body: bytes, page: Page) -> dict[str, Report[Metrics]]:
    """Return what the answer says of each code. Raises PayloadError when the body is no quote answer."""
    return read_rows(body, lambda row: Report(OutcomeStatus.OK, read_metrics(row, page)))


def read_metrics(row: Row, page: Page) -> Metrics:
    """Turn a row into metrics in the currency's main unit. Raises PayloadError for a figure that cannot be."""
    unit = unit_of(row.get("currency"))
    bid, bid_size, ask, ask_size = book_of(row, unit)
    low, high = _range(row, unit, low_key="fiftyTwoWeekLow", high_key="fiftyTwoWeekHigh")
    day_low, day_high = _range(row, unit, low_key="regularMarketDayLow", high_key="regularMarketDayHigh")
    return Metrics(
        market=page.market,
        source=page.source,
        symbol=row["symbol"],
        received_time=page.received_time,
        event_time=event_time_of(row, page),
        volume=volume_of(row, "regularMarketVolume"),
        day_high=day_high,
        day_low=day_low,
        market_cap=amount(row, "marketCap") or None,
        pe_ratio=signed(row, "trailingPE"),
        dividend_yield=_dividend_yield(row, unit),
        week_52_low=low,
        week_52_high=high,
        average_volume_3m=volume_of(row, "averageDailyVolume3Month") or None,
        bid=bid,
        bid_size=bid_size,
        ask=ask,
        ask_size=ask_size,
        eps=_eps(row, unit),
        book_value=_book_value(row, unit),
        earnings_date=_earnings_date(row, page),
        shares_outstanding=amount(row, "sharesOutstanding") or None,
        currency=unit.currency,
        payload_sha=page.payload_sha,
    )


def _range(row: Row, unit: Unit, *, low_key: str, high_key: str) -> tuple[float | None, float | None]:
    low, high = unit.scaled(price(row, low_key)), unit.scaled(price(row, high_key))
    if low is None or high is None:
        return None, None
    if low > high:
        raise PayloadError(f"{low_key} {low:g} is above {high_key} {high:g}")
    return low, high


def _dividend_yield(row: Row, unit: Unit) -> float | None:
    """Return the last twelve months' dividends by the price; where Yahoo's own yield is in another unit, computed."""
    stated, rate = amount(row, "trailingAnnualDividendYield"), amount(row, "trailingAnnualDividendRate")
    last = unit.scaled(price(row, "regularMarketPreviousClose") or price(row, "regularMarketPrice"))
    if stated is None or not rate or last is None:
        return stated if stated is not None and not rate and stated < 1 else None
    computed = rate / last
    if _is_near(stated, computed, YIELD_AGREES):
        return stated
    is_other_unit = _is_near(100 * stated, computed, YIELD_AGREES) or _is_near(stated / 100, computed, YIELD_AGREES)
    return computed if is_other_unit else None


def _eps(row: Row, unit: Unit) -> float | None:
    """Return earnings per share, in the unit in which price / EPS is Yahoo's own P/E."""
    eps, ratio = signed(row, "epsTrailingTwelveMonths"), signed(row, "trailingPE")
    last = unit.scaled(price(row, "regularMarketPrice"))
    if not eps or not ratio or last is None:
        return eps if _has_one_currency(row, unit) and not unit.is_hundredths else None
    candidates = (eps, eps / 100) if unit.is_hundredths else (eps,)
    return next((one for one in candidates if _is_near(last / one, ratio, AGREES)), None)


def _book_value(row: Row, unit: Unit) -> float | None:
    """Return the book value per share, which is in the currency of the statements (yfinance#2593)."""
    return signed(row, "bookValue") if _has_one_currency(row, unit) else None


def _has_one_currency(row: Row, unit: Unit) -> bool:
    """Tell whether the statements are in the currency of our prices; in hundredths silence is no yes."""
    stated = row.get("financialCurrency")
    return stated == unit.currency if stated else not unit.is_hundredths


def _earnings_date(row: Row, page: Page) -> date | None:
    """Return the date of the next report, else of the last one, in the exchange's zone."""
    keys = ("earningsTimestamp", "earningsTimestampStart", "earningsTimestampEnd")
    days = [at.astimezone(page.zone).date() for key in keys if (at := moment(row, key)) is not None]
    return min((day for day in days if day >= page.today), default=max(days, default=None))


def _is_near(one: float, other: float, share: float) -> bool:
    return abs(one - other) <= share * abs(other)
