"""What one request sees of an exchange: the moment, the source's delay, and the faults of the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from market_pipeline.simulator.book import book_of
from market_pipeline.simulator.exchange import Exchange, Slice
from market_pipeline.simulator.faults import DataFault, FaultKind
from market_pipeline.simulator.standing import Book, Day, Standing
from market_pipeline.simulator.tape import Columns, Trade

PRICES = ("open", "high", "low", "price", "previous_close")
OHLC = ("open", "high", "low", "close")
MONEY = (*PRICES, "turnover")
VALUES = (*PRICES, "volume", "turnover", "last_size")
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Bar:
    """One minute of a chart as a source shows it; None where a fault took the value away."""

    start: int
    """Epoch second."""
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: float | None
    trades: int


@dataclass(frozen=True)
class Viewpoint:
    """An exchange seen at epoch second `at`, which is the present less the source's delay."""

    exchange: Exchange
    at: float
    faults: tuple[DataFault, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Tell whether no fault of the data is in force, so that a fast way may be taken."""
        return not self.faults

    def standings(self, symbols: Iterable[str] | None = None) -> list[Standing]:
        """Return the standing of each known symbol, with its faults; a duplicated one stands twice."""
        rows = self.exchange.standings(self.at, symbols)
        if self.is_plain:
            return rows
        return [shown for row in rows for shown in self._spoilt(row)]

    def _spoilt(self, row: Standing) -> Iterator[Standing]:
        copies = 1
        for item in self.faults:
            if item.hits(row.listing.symbol):
                row = self._spoil(row, item)
                copies += item.fault.kind is FaultKind.DUPLICATE
        yield from [row] * copies

    def _spoil(self, row: Standing, item: DataFault) -> Standing:
        fault = item.fault
        match fault.kind:
            case FaultKind.STALE:
                old = self.exchange.standings(self.at - fault.duration, [row.listing.symbol])
                return old[0] if old else row
            case FaultKind.FUTURE:
                return replace(row, traded_at=(row.traded_at or self.at) + fault.duration)
            case FaultKind.NULLS:
                return _changed(row, dict.fromkeys(VALUES))
            case FaultKind.NAN:
                return _changed(row, dict.fromkeys(VALUES, NAN))
            case FaultKind.X100:
                return _scaled(row, MONEY, fault.factor)
            case _:
                return row

    def bars(self, symbol: str, *, start: float, end: float) -> list[Bar]:
        """Return the minutes with start <= minute < end that have begun, with the faults of this symbol."""
        faults = [item.fault for item in self.faults if item.hits(symbol)]
        age = sum(fault.duration for fault in faults if fault.kind is FaultKind.STALE)
        rows = _bars(self.exchange.minutes(symbol, start=start, end=end, at=self.at - age))
        for fault in faults:
            match fault.kind:
                case FaultKind.FUTURE:
                    rows = [replace(row, start=row.start + round(fault.duration)) for row in rows]
                case FaultKind.NULLS:
                    rows = _every_second(rows, None)
                case FaultKind.NAN:
                    rows = _every_second(rows, NAN)
                case FaultKind.X100:
                    rows = [_scaled(row, OHLC, fault.factor) for row in rows]
                case FaultKind.DUPLICATE:
                    rows = [row for row in rows for _ in range(2)]
                case _:
                    pass
        return rows

    def slices(self, symbol: str, *, start: float, end: float) -> Iterator[Slice]:
        """Give the same minutes without faults, as slices of tapes."""
        return self.exchange.slices(symbol, start=start, end=end, at=self.at)

    def session_dates(self, *, first: date, last: date) -> list[date]:
        """Return the dates of the finished sessions from `first` to `last`, both included, in order."""
        return self.exchange.session_dates(first=first, last=last, at=self.at)

    def days(self, symbol: str, *, first: date, last: date) -> list[Day]:
        """Return the finished sessions from `first` to `last`, both included, with the faults of this symbol."""
        faults = [item.fault for item in self.faults if item.hits(symbol)]
        age = sum(fault.duration for fault in faults if fault.kind is FaultKind.STALE)
        rows = list(self.exchange.days(symbol, first=first, last=last, at=self.at - age))
        for fault in faults:
            match fault.kind:
                case FaultKind.X100:
                    rows = [_scaled(row, (*OHLC, "turnover"), fault.factor) for row in rows]
                case FaultKind.NULLS:
                    rows = [_changed(row, dict.fromkeys((*OHLC, "volume"))) for row in rows]
                case FaultKind.NAN:
                    rows = [_changed(row, dict.fromkeys(OHLC, NAN)) for row in rows]
                case FaultKind.DUPLICATE:
                    rows = [row for row in rows for _ in range(2)]
                case _:
                    pass
        return rows

    def trades(self, symbol: str, *, after_ns: int) -> Iterator[Trade]:
        """Give the trades after an epoch nanosecond, in time order."""
        return self.exchange.trades(symbol, after_ns=after_ns, at=self.at)

    def book(self, standing: Standing, *, levels: int) -> Book:
        """Return the resting orders around a standing's price, at the time that a stale answer is of."""
        hits = (item for item in self.faults if item.hits(standing.listing.symbol))
        age = sum(item.fault.duration for item in hits if item.fault.kind is FaultKind.STALE)
        return book_of(standing, self.at - age, levels=levels, seed=self.exchange.seed)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else round(value * factor, 8)


def _changed[Row: (Standing, Bar, Day)](row: Row, values: Mapping[str, Any]) -> Row:
    return replace(row, **values)


def _scaled[Row: (Standing, Bar, Day)](row: Row, names: Iterable[str], factor: float) -> Row:
    return _changed(row, {name: _times(getattr(row, name), factor) for name in names})


def _every_second(rows: list[Bar], value: float | None) -> list[Bar]:
    """Take the values of every second minute away."""
    lost = dict.fromkeys((*OHLC, "volume"), value)
    return [_changed(row, lost) if number % 2 else row for number, row in enumerate(rows)]


def _bars(columns: Columns) -> list[Bar]:
    fields = (columns.starts, columns.open, columns.high, columns.low, columns.close, columns.volume, columns.trades)
    return [Bar(*row) for row in zip(*(field.tolist() for field in fields), strict=True)]
