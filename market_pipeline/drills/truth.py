"""What must hold after each cycle of a day of faults: nothing wrong is believed, nobody is left out, nothing vanishes.

The truth is the simulated exchange itself, asked without any source's delay or fault.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.clock import floor_minute
from market_pipeline.model.outcome import ANSWERED, RequestKind
from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.faults import FaultBook, FaultKind, FaultPlan
from market_pipeline.simulator.standing import Standing
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime

RELATIVE = 1e-6
"""Sources write their prices with the exchange's decimals; pence become pounds."""
SECOND = 1_000_000_000
SPOILING = frozenset({FaultKind.X100, FaultKind.NAN})
OHLC = ("open", "high", "low", "close")
Rows = Sequence[Mapping[str, Any]]
Prices = tuple[float, ...]


@dataclass(frozen=True)
class Truth:
    """One market just after a cycle, beside its exchange.

    Two lies cannot be told from the truth, and are forgiven where the plan has them: a true price or minute whose time
    is shifted, but not beyond now (at a source that lags), and a page of an hour ago that bears today's date.
    """

    runtime: Runtime
    market: MarketRuntime
    exchange: Exchange
    plan: FaultPlan = field(default_factory=FaultPlan)

    @property
    def now(self) -> datetime:
        """Return the moment of the cycle."""
        return self.runtime.clock.now()

    def rows(self, table: str, **filters: object) -> Rows:
        """Return the rows that this cycle wrote into a table, those with other values left out."""
        stored = self.runtime.warehouse.read(table, self.market.name, since=floor_minute(self.now))
        for name, value in filters.items():
            stored = stored.filter(pc.equal(stored[name], pa.scalar(value, stored.schema.field(name).type)))
        rows: Rows = stored.to_pylist()
        return rows

    def missing_outcomes(self) -> Iterator[str]:
        """Name each listed instrument that has not exactly one quote outcome of each source."""
        found = Counter((row["source"], row["symbol"]) for row in self._outcomes())
        listed = [one.symbol for one in instruments_of(self.runtime, self.market)]
        for rule in self.market.file.quote_sources:
            for symbol in listed:
                count = found.pop((rule.name, symbol), 0)
                if count != 1:
                    yield f"{rule.name} {symbol}: {count} outcomes"
        yield from (f"{source} {symbol}: an outcome of something not listed" for source, symbol in found)

    def failed_outcomes(self) -> Iterator[str]:
        """Name each instrument that a source did not answer for."""
        for row in self._outcomes():
            if row["status"] not in ANSWERED:
                yield f"{row['source']} {row['symbol']}: {row['status']} ({row['reason']})"

    def outcome_count(self) -> int:
        """Return how many quote outcomes the cycle has."""
        return len(self._outcomes())

    def _outcomes(self) -> Rows:
        return self.rows("fetch_outcomes", as_of=floor_minute(self.now), kind=RequestKind.QUOTE.value)

    def tickers(self) -> Rows:
        """Return the live tickers that this cycle wrote."""
        rows: Rows = self.runtime.warehouse.latest("live_tickers", self.market.name).to_pylist()
        return [row for row in rows if row["known_at"] == self.now]

    def wrong_tickers(self, tickers: Rows) -> Iterator[str]:
        """Name each price, open, high, low or previous close that the exchange did not have."""
        precision = self._precision()
        for row in tickers:
            symbol, source = row["symbol"], row["source"]
            seconds = precision.get((source, symbol, row["event_time"]), 1.0)
            if row["price"] is not None:
                true = self._shifted_prices(row, seconds)
                if not _is_among(row["price"], true):
                    yield _wrong(row, "price", true)
            yield from self._wrong_session(row)

    def _shifted_prices(self, row: Mapping[str, Any], seconds: float) -> set[float]:
        shifts = self._seconds(FaultKind.FUTURE, row["source"])
        moments = (row["event_time"] - timedelta(seconds=shift) for shift in shifts)
        return {price for moment in moments for price in self._prices(row["symbol"], moment, seconds)}

    def _seconds(self, kind: FaultKind, source: str | None) -> list[float]:
        """Return by how much the plan shifts this source's data, or any source's, besides not at all."""
        faults = (one for one in self.plan.faults if one.kind is kind and source in (None, one.source))
        return [0.0, *(one.duration for one in faults)]

    def _precision(self) -> dict[tuple[str, str, datetime], float]:
        columns = ("source", "symbol", "event_time", "event_precision_seconds")
        stored = self.runtime.warehouse.read("raw_quotes", self.market.name, columns=columns)
        return {
            (row["source"], row["symbol"], row["event_time"]): row["event_precision_seconds"]
            for row in stored.to_pylist()
        }

    def _prices(self, symbol: str, event: datetime, seconds: float) -> set[float]:
        """Return every price that was the last one at some moment of the stretch that begins at `event`."""
        start = event.timestamp()
        end = min(start + seconds, self.now.timestamp())
        edges = (self.exchange.standings(at, [symbol]) for at in (start, max(end, start)))
        prices = {row.price for rows in edges for row in rows if row.price is not None}
        trades = self.exchange.trades(symbol, after_ns=int(start * SECOND) - 1, at=end)
        return prices | {trade.price for trade in trades}

    def _wrong_session(self, row: Mapping[str, Any]) -> Iterator[str]:
        """Compare with the session that the ticker speaks of, as far as it had come by now."""
        day = row["event_time"].astimezone(self.exchange.timeline.zone).date()
        session = self.market.calendar.session(day)
        if session is None:
            return
        end = min(self.now, max(session.last_phase_end - timedelta(seconds=1), row["event_time"]))
        found = []
        for age in self._seconds(FaultKind.STALE, row["source"]):
            (true,) = self.exchange.standings(end.timestamp() - age, [row["symbol"]])
            found.append(list(_session_faults(row, true)))
        yield from min(found, key=len)

    def wrong_bars(self) -> Iterator[str]:
        """Name each final bar that says what the exchange did not: charts exactly, sampled ones within its range."""
        minutes: dict[str, dict[int, Prices]] = {}
        for row in self._bars():
            symbol, start = row["symbol"], int(row["interval_start"].timestamp())
            if symbol not in minutes:
                minutes[symbol] = self._minutes(symbol)
            said = tuple(row[name] for name in OHLC)
            starts = [start - int(shift) for shift in self._seconds(FaultKind.FUTURE, None)]
            true = [minutes[symbol].get(one) or self._without_trade(row, at=one) for one in starts]
            is_chart = row["origin"] == "chart"
            if not any(_is_same(said, one) if is_chart else self._is_within(row, one) for one in true):
                yield f"{symbol} {row['interval_start']:%H:%M} {row['origin']}: {said}, the exchange had {true[0]}"

    def _minutes(self, symbol: str) -> dict[int, Prices]:
        """Return start → open, high, low, close of the minutes since yesterday."""
        now = self.now.timestamp()
        bars = self.exchange.minutes(symbol, start=now - 86_400, end=now, at=now)
        columns = (getattr(bars, name).tolist() for name in OHLC)
        return dict(zip(bars.starts.tolist(), zip(*columns, strict=True), strict=True))

    def _without_trade(self, row: Mapping[str, Any], *, at: float) -> Prices | None:
        """Return what a chart may show of a minute without trades: the last price before it, with volume 0."""
        standings = self.exchange.standings(at, [row["symbol"]])
        price = standings[0].price if standings else None
        return (price,) * 4 if price is not None and row["volume"] == 0 else None

    def bar_count(self) -> int:
        """Return how many bars the cycle wrote."""
        return len(self._bars())

    def vanished(self, tickers: Rows) -> Iterator[str]:
        """Name each spoilt price that left no trace: no outcome, no row set aside, no loser beside a ticker."""
        book, told = FaultBook(self.plan), self._told(tickers)
        for row in self.rows("raw_quotes", as_of=floor_minute(self.now)):
            source, symbol = row["source"], row["symbol"]
            faults = book.data_faults(source, "", now=self.now)
            is_struck = any(one.fault.kind in SPOILING and one.hits(symbol) for one in faults)
            if not is_struck or row["price"] is None or (source, symbol) in told:
                continue
            true = self._prices(symbol, row["event_time"], row["event_precision_seconds"])
            if not _is_among(row["price"], true):
                yield f"{source} {symbol}: {row['price']:g} was spoilt, and nothing tells of it"

    def _told(self, tickers: Rows) -> set[tuple[str, str]]:
        losers = {
            (source, row["symbol"])
            for row in tickers
            for source in json.loads(row["provenance"]).get("last", {}).get("losers", {})
        }
        aside = {(row["source"], row["symbol"]) for row in self.rows("set_aside", kind="quote")}
        rejected = {(row["source"], row["symbol"]) for row in self._outcomes() if row["rejected_records"]}
        return losers | aside | rejected

    def refusals(self, reasons: Sequence[str]) -> Iterator[str]:
        """Name each report that this cycle set aside for one of the reasons."""
        for row in self.tickers():
            losers = json.loads(row["provenance"]).get("last", {}).get("losers", {})
            for source, reason in losers.items():
                if reason in reasons:
                    yield f"{source} {row['symbol']} is set aside ({reason})"
        for row in self.rows("set_aside", kind="quote"):
            if row["reason"] in reasons:
                yield f"{row['source']} {row['symbol']} is set aside ({row['reason']})"

    def _bars(self) -> Rows:
        stored = self.runtime.warehouse.read("bars_1m", self.market.name)
        is_new = pc.equal(stored["known_at"], pa.scalar(self.now, stored.schema.field("known_at").type))
        rows: Rows = stored.filter(pc.and_(is_new, stored["is_final"])).to_pylist()
        return rows

    def _is_within(self, row: Mapping[str, Any], true: Prices | None) -> bool:
        """Tell whether the polled prices are of the minute; extremes may be any since the session began."""
        if true is None:
            return False
        _, high, low, _ = true
        standing = self.exchange.standings(row["interval_start"].timestamp() + 60, [row["symbol"]])[0]
        highest, lowest = max(high, standing.high or high), min(low, standing.low or low)
        return (
            all(low * (1 - RELATIVE) <= row[name] <= high * (1 + RELATIVE) for name in ("open", "close"))
            and row["high"] <= highest * (1 + RELATIVE)
            and row["low"] >= lowest * (1 - RELATIVE)
        )


def _session_faults(row: Mapping[str, Any], true: Standing) -> Iterator[str]:
    for name, exact in (("open_price", true.open), ("previous_close", true.previous_close)):
        if row[name] is not None and exact is not None and not _is_among(row[name], {exact}):
            yield _wrong(row, name, {exact})
    low, high = true.low, true.high
    for name in ("high_24h", "low_24h"):
        if row[name] is None or low is None or high is None:
            continue
        if not low * (1 - RELATIVE) <= row[name] <= high * (1 + RELATIVE):
            yield _wrong(row, name, {low, high})


def _is_among(value: float, true: set[float]) -> bool:
    return any(abs(value - one) <= RELATIVE * one for one in true)


def _is_same(said: Prices, true: Prices | None) -> bool:
    return true is not None and all(_is_among(one, {other}) for one, other in zip(said, true, strict=True))


def _wrong(row: Mapping[str, Any], name: str, true: set[float]) -> str:
    shown = ", ".join(f"{value:g}" for value in sorted(true)[:4])
    return (
        f"{row['source']} {row['symbol']} {name} {row[name]:g} at {row['event_time']:%Y-%m-%d %H:%M:%S} "
        f"{row['flags']}: the exchange had {shown or 'none'}"
    )
