"""Reads Yahoo's v8 charts: minutes, and days with their splits and dividends. Pure.

{"chart":{"result":[{"meta":{"currency":"USD","instrumentType":"EQUITY",…},"timestamp":[1795533900,…],
"events":{"dividends":{"1795186200":{"amount":0.25,"date":1795186200}},"splits":{…"numerator":4.0,"denominator":1.0…}},
"indicators":{"quote":[{"open":[286.9,null],"high":[…],"low":[…],"close":[…],"volume":[…]}],"adjclose":[…]}}]}}
A row of nulls is a minute without a trade; the last row may be of now, off the grid: neither is a bar nor an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from market_pipeline.errors import ConfigurationError, PayloadError, UnknownSymbol
from market_pipeline.markets.zones import zone
from market_pipeline.model.bar import DailyBar
from market_pipeline.sources.parsing.charts import (
    MINUTE_SECONDS,
    Chart,
    Circumstances,
    Row,
    Window,
    checked_chart,
    checked_days,
    daily_bar,
)
from market_pipeline.sources.parsing.readings import amount, payload_error
from market_pipeline.sources.yahoo_payloads import SOURCE, WITHOUT_VOLUME, Unit, as_printed, results_of, unit_of

NOWHERE = "YHD"
"""The exchange of codes that Yahoo once knew or that somebody mistyped."""


@dataclass(frozen=True)
class DailyHistory:
    """The good days in order, and how many rows or events were set aside for which reason."""

    bars: tuple[DailyBar, ...]
    set_aside: Mapping[str, int] = field(default_factory=dict)


def parse_chart(body: bytes, symbol: str, window: Window) -> Chart:
    """Return the finished minutes of a chart. Raises PayloadError for another shape, UnknownSymbol for no symbol."""
    result = _result(body)
    rows = list(_rows(result, unit_of(result["meta"].get("currency"))))
    if rows and _is_of_now(rows[-1], window.received_time):
        rows.pop()
    return checked_chart(symbol, rows, window)


def parse_daily(body: bytes, symbol: str, *, first: date, last: date, around: Circumstances) -> DailyHistory:
    """Return one bar a date of the exchange, first <= date <= last, with its split, dividend and adjusted close.

    Prices and dividends come divided by every later split. Raises PayloadError for another shape, UnknownSymbol for no
    symbol.
    """
    result = _result(body)
    unit, home = unit_of(result["meta"].get("currency")), _home(result, around.zone)
    days = checked_days(_rows(result, unit), first=first, last=last, zone=home)
    adjusted, events = _adjusted(result, unit, home), _Events.of(result, unit, home)
    bars = tuple(
        replace(
            daily_bar(day, row, symbol=symbol, around=around),
            adjusted_close=adjusted.get(day),
            dividend=events.dividends.get(day),
            split_ratio=events.splits.get(day),
            is_split_adjusted=True,
        )
        for day, row in days.rows
    )
    lonely = {day for day in events.days if first <= day <= last} - {day for day, _ in days.rows}
    aside = dict(days.set_aside) | ({"event on a day without a bar": len(lonely)} if lonely else {})
    return DailyHistory(bars, aside | ({"unreadable event": events.unreadable} if events.unreadable else {}))


def _result(body: bytes) -> dict[str, Any]:
    results = results_of(body, "chart")
    try:
        (result,) = results
        meta, quotes = result["meta"], result["indicators"]["quote"]
    except (KeyError, TypeError, ValueError):
        raise payload_error(SOURCE, "a chart", results) from None
    if not isinstance(meta, dict) or not isinstance(quotes, list):
        raise payload_error(SOURCE, "a chart", result)
    if meta.get("exchangeName") == NOWHERE and not result.get("timestamp"):
        raise UnknownSymbol(f"Yahoo knows no exchange for {meta.get('symbol')}: correct its alias in the market file")
    return dict(result)


def _home(result: Mapping[str, Any], otherwise: ZoneInfo) -> ZoneInfo:
    """Return the zone in which a day of this symbol begins: a market of many exchanges has many."""
    name = result["meta"].get("exchangeTimezoneName")
    try:
        return zone(name) if isinstance(name, str) and name else otherwise
    except ConfigurationError:
        return otherwise


def _rows(result: Mapping[str, Any], unit: Unit) -> Iterator[Row]:
    times = result.get("timestamp") or []
    quotes = result["indicators"]["quote"]
    columns = quotes[0] if quotes else {}
    try:
        series = [columns[name] for name in ("open", "high", "low", "close", "volume")] if times else []
        table = list(zip(times, *series, strict=True))
    except (KeyError, TypeError, ValueError):
        raise payload_error(SOURCE, "a chart whose columns are as long as its times", columns) from None
    has_volume = result["meta"].get("instrumentType") not in WITHOUT_VOLUME
    for seconds, *prices, volume in table:
        if any(price is not None for price in prices):
            first, high, low, last = (_scaled(unit, price) for price in prices)
            yield Row(seconds, first, high, low, last, volume if has_volume else None)


def _scaled(unit: Unit, price: Any) -> Any:
    return unit.scaled(as_printed(price)) if isinstance(price, int | float) else price


def _is_of_now(row: Row, received_time: datetime) -> bool:
    """Tell whether the last row is the price of this moment instead of a minute."""
    seconds = row.seconds
    if not isinstance(seconds, int | float) or seconds % MINUTE_SECONDS == 0:
        return False
    return bool(seconds > received_time.timestamp() - MINUTE_SECONDS) or row.volume in (0, None)


def _adjusted(result: Mapping[str, Any], unit: Unit, home: ZoneInfo) -> dict[date, float]:
    times = result.get("timestamp") or []
    closes = (result["indicators"].get("adjclose") or [{}])[0].get("adjclose") or []
    return {
        _day(seconds, home): scaled
        for seconds, value in zip(times, closes, strict=False)
        if isinstance(value, int | float) and value > 0 and (scaled := unit.scaled(as_printed(value))) is not None
    }


def _day(seconds: float, home: ZoneInfo) -> date:
    return datetime.fromtimestamp(seconds, UTC).astimezone(home).date()


@dataclass
class _Events:
    """What happened to the share, by the first date without it."""

    dividends: dict[date, float] = field(default_factory=dict)
    splits: dict[date, float] = field(default_factory=dict)
    unreadable: int = 0

    @property
    def days(self) -> set[date]:
        return {*self.dividends, *self.splits}

    @classmethod
    def of(cls, result: Mapping[str, Any], unit: Unit, home: ZoneInfo) -> _Events:
        """Read the events. Two dividends of one day are added, two splits multiplied."""
        events, found = result.get("events") or {}, cls()
        for event in (events.get("dividends") or {}).values():
            with found.counting():
                cash, day = unit.scaled(amount(event, "amount")), _day(event["date"], home)
                if cash:
                    found.dividends[day] = found.dividends.get(day, 0.0) + cash
        for event in (events.get("splits") or {}).values():
            with found.counting():
                ratio, day = event["numerator"] / event["denominator"], _day(event["date"], home)
                if not 0 < ratio < float("inf"):
                    raise PayloadError(f"a split of {ratio}")
                found.splits[day] = found.splits.get(day, 1.0) * ratio
        return found

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Set an event aside that cannot be read."""
        try:
            yield
        except (PayloadError, KeyError, TypeError, ValueError, ArithmeticError):
            self.unreadable += 1
