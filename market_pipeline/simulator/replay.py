"""A recording instead of the price model: sources give back exactly the recorded numbers.

Minutes are read by replay_minutes, whole days by replay_days: of a day only its numbers are known, not its course.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from market_pipeline.model.session import Session
from market_pipeline.simulator.listing import Listing, Trading
from market_pipeline.simulator.recording import NOTHING, FindSession, Recording, Stated, wrong
from market_pipeline.simulator.replay_days import days_of_file
from market_pipeline.simulator.replay_minutes import minutes_of
from market_pipeline.simulator.tape import Columns, Floats, SessionTape, tape_of
from market_pipeline.simulator.timeline import Timeline

TICK_STEPS = ((2, 5), (2, 1), (4, 25), (4, 1), (8, 1))
"""(decimals, tick): the coarsest one that all prices of an instrument lie on is its tick."""


class RecordedTapes:
    """A recording behind one market's exchange. It knows nothing of what happened inside a row."""

    has_trades = False

    def __init__(self, recording: Recording, listings: tuple[Listing, ...], zone: ZoneInfo) -> None:
        self._recording = recording
        self.has_minutes = recording.has_minutes
        self.listings = listings
        self.timeline = Timeline(recording.sessions.get, zone, last=max(recording.sessions))

    def tape(self, listing: Listing, session: Session) -> SessionTape:
        """Return the recorded bars of one session, none if the instrument is not in it."""
        rows = self._recording.rows.get(listing.symbol, {}).get(session.session_date, slice(0, 0))
        starts = self._recording.starts[rows]
        first, high, low, last = (column[rows] for column in self._recording.prices)
        columns = Columns(starts, first, high, low, last, self._recording.volume[rows], np.ones_like(starts))
        tape = tape_of(session.session_date, columns)
        if self.has_minutes or not len(tape):
            return tape
        turnover = self.stated(listing, session.session_date).turnover
        money = np.array([np.nan if turnover is None else turnover])
        return replace(tape, turnover=money, turnover_to=money)

    def stated(self, listing: Listing, day: date) -> Stated:
        """Return what the recording says of a day beside its bar."""
        return self._recording.stated.get((listing.symbol, day), NOTHING)


def recorded_tapes(
    market: str, path: Path, *, zone: ZoneInfo, known: tuple[Listing, ...], find: FindSession
) -> RecordedTapes:
    """Read a recording of minutes or days. Raise UsageError naming the file and what is wrong with it."""
    if not path.is_file():
        raise wrong(path, "there is no such file", "correct the path")
    read = minutes_of if _has_minutes(path) else days_of_file
    recording = read(market, path, zone=zone, find=find)
    facts = {listing.symbol: listing for listing in known}
    listings = tuple(_listing(symbol, recording, facts.get(symbol.replace("/", "-"))) for symbol in _symbols(recording))
    return RecordedTapes(recording, listings, zone)


def _has_minutes(path: Path) -> bool:
    """Tell whether a file is to be read as minutes: Parquet, unless it dates its rows by the session."""
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    if path.suffix.lower() in (".csv", ".gz", ".txt"):
        return False
    try:
        return "session_date" not in pq.read_schema(path).names
    except (ArrowException, OSError):
        return True  # the reader of minutes says what is wrong


def _symbols(recording: Recording) -> list[str]:
    return list(recording.facts) if recording.facts else list(recording.rows)


def _listing(symbol: str, recording: Recording, known: Listing | None) -> Listing:
    spans = list(recording.rows.get(symbol, {}).values())
    prices = _finite([column[span] for column in recording.prices for span in spans])
    volume = _finite([recording.volume[span] for span in spans])
    decimals, tick = next((step for step in TICK_STEPS if _lies_on(prices, *step)), TICK_STEPS[-1])
    volume_decimals = 0 if (volume == np.rint(volume)).all() else 8
    base = known or Listing(symbol, symbol, 1.0, 1, 2, 1.0)
    said: Mapping[str, str] = recording.facts.get(symbol, {})
    return replace(
        base, symbol=symbol, name=said.get("name") or base.name, price=_first_price(symbol, recording, prices),
        decimals=decimals, tick=tick, volume_decimals=volume_decimals,
        daily_volume=max(1.0, float(volume.sum()) / max(1, len(spans))), group=None, halts_at=None,
        facts={**base.facts, **said}, trading=base.trading if recording.has_minutes else Trading.CONTINUOUS,
    )  # fmt: skip


def _first_price(symbol: str, recording: Recording, prices: Floats) -> float:
    said = [stated.close_before for (one, _), stated in recording.stated.items() if one == symbol]
    before = next((price for price in said if price is not None), None)
    if before is not None:
        return before
    return float(prices[0]) if len(prices) else 1.0


def _finite(parts: list[Floats]) -> Floats:
    values: Floats = np.concatenate(parts) if parts else np.zeros(0)
    finite: Floats = values[np.isfinite(values)]
    return finite


def _lies_on(prices: Floats, decimals: int, tick: int) -> bool:
    units = prices * 10**decimals
    return bool((np.abs(units - np.rint(units)) < 1e-6).all() and (np.rint(units) % tick == 0).all())
