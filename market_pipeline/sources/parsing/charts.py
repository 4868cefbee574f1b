"""What makes a chart's rows trustworthy bars, whatever the source: finite positive prices, order, no unfinished minute.

Pure. A row that fails is set aside and counted with its reason; it never stops its neighbours.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from market_pipeline.model.bar import ChartBar, DailyBar
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.sources.source import Answer

MINUTE_SECONDS = 60


class Row(NamedTuple):
    """One row of a chart as a source sends it; `seconds` is the start of its interval, epoch, UTC."""

    seconds: Any
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any
    turnover: float | None = None
    n_ticks: int | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a payload does not say itself: whose it is, when it was received (UTC), its zone, where it is kept."""

    market: str
    source: str
    received_time: datetime
    zone: ZoneInfo
    payload_sha: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The minutes that were asked for, start <= interval_start < end, and the moment of receipt (all UTC)."""

    start: datetime
    end: datetime
    received_time: datetime
    delay: timedelta = timedelta(0)
    """By how much the source lags: the newest minute that it shows may be one that is still running there."""


@dataclass(frozen=True)
class Chart:
    """The good bars in time order, and how many rows were set aside for which reason."""

    bars: tuple[ChartBar, ...]
    set_aside: Mapping[str, int] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        """Return the number of rows that were set aside."""
        return sum(self.set_aside.values())

    @property
    def status(self) -> OutcomeStatus:
        """Return what the chart makes of its symbol: ok, empty, or nothing but bad rows."""
        if self.bars:
            return OutcomeStatus.OK
        return OutcomeStatus.PARSE_ERROR if self.rejected else OutcomeStatus.EMPTY

    @property
    def reason(self) -> str | None:
        """Return in words what was set aside; None when nothing was."""
        return in_words(self.set_aside)


def in_words(set_aside: Mapping[str, int]) -> str | None:
    """Return counted reasons for people; None when there are none."""
    return "set aside: " + ", ".join(f"{n} {reason}" for reason, n in set_aside.items()) if set_aside else None


def joined_charts(charts: Sequence[Chart]) -> Chart:
    """Return charts of consecutive windows as one."""
    counts: Counter[str] = Counter()
    for chart in charts:
        counts.update(chart.set_aside)
    return Chart(tuple(bar for chart in charts for bar in chart.bars), dict(counts))


def joined_answers(answers: Sequence[Answer]) -> Answer:
    """Return the last answer with the attempts and the latency of all."""
    return replace(
        answers[-1],
        attempts=sum(answer.attempts for answer in answers),
        latency_ms=sum(answer.latency_ms for answer in answers),
    )


def checked_chart(symbol: str, rows: Iterable[Row], window: Window) -> Chart:
    """Turn rows into finished minute bars.

    Of two rows for one minute the later one in the payload wins (a source corrects by sending again) and the earlier is
    counted as a duplicate. The minute that is not over yet is left out and not counted: it is expected. Of a lagging
    source it is the newest one, until the lag has passed as well; a later minute proves that those before it are over.
    """
    first, end = window.start.timestamp(), window.end.timestamp()
    last = window.received_time.timestamp() - MINUTE_SECONDS
    newest = -math.inf
    bars: dict[float, ChartBar] = {}
    set_aside: Counter[str] = Counter()
    for row in rows:
        objection = None if _is_plausible(row) else time_objection(row.seconds) or price_objection(row)
        if objection is None:
            newest = max(newest, row.seconds)
        if objection is None and row.seconds > last:
            continue
        if objection is None and not first <= row.seconds < end:
            objection = "outside the window"
        if objection is not None:
            set_aside[objection] += 1
            continue
        if row.seconds in bars:
            set_aside["duplicate"] += 1
        bars[row.seconds] = _bar(symbol, row)
    if newest > last - window.delay.total_seconds():
        bars.pop(newest, None)
    return Chart(tuple(bars[seconds] for seconds in sorted(bars)), dict(set_aside))


@dataclass(frozen=True)
class Days:
    """The good rows of a daily chart by session date, in order, and how many were set aside for which reason."""

    rows: tuple[tuple[date, Row], ...]
    set_aside: Mapping[str, int] = field(default_factory=dict)


def checked_days(rows: Iterable[Row], *, first: date, last: date, zone: tzinfo) -> Days:
    """Keep the rows that start, in `zone`, on a date from `first` to `last`; of two for one date the later wins."""
    days: dict[date, Row] = {}
    set_aside: Counter[str] = Counter()
    for row in rows:
        objection = price_objection(row) if _is_finite(row.seconds) else "without a time"
        if objection is not None:
            set_aside[objection] += 1
            continue
        day = datetime.fromtimestamp(row.seconds, zone).date()
        set_aside.update(["duplicate"] if day in days else [])
        days[day] = row
    return Days(tuple((day, days[day]) for day in sorted(days) if first <= day <= last), dict(set_aside))


def daily_bar(day: date, row: Row, *, symbol: str, around: Circumstances) -> DailyBar:
    """Turn a good row of a daily chart into a bar."""
    return DailyBar(
        market=around.market,
        source=around.source,
        symbol=symbol,
        session_date=day,
        close=float(row.close),
        open=float(row.open),
        high=float(row.high),
        low=float(row.low),
        volume=None if row.volume is None else float(row.volume),
        turnover=row.turnover,
    )


def _is_plausible(row: Row) -> bool:
    """Tell at once, for the many good rows, that there is no objection; False asks for a closer look."""
    seconds, first, high, low, last, volume, _, _ = row
    try:
        is_ordered = 0 < low <= first <= high < math.inf and low <= last <= high
        return is_ordered and seconds % MINUTE_SECONDS == 0 and (volume is None or 0 <= volume < math.inf)
    except TypeError:
        return False


def time_objection(seconds: Any) -> str | None:
    """Return why `seconds` cannot be the start of a minute, None when it can."""
    if not _is_finite(seconds):
        return "without a time"
    return None if seconds % MINUTE_SECONDS == 0 else "off the minute"


def price_objection(row: Row) -> str | None:
    """Return why a row's prices and volume cannot be true, None when they can."""
    prices = (row.open, row.high, row.low, row.close)
    if not all(map(_is_finite, prices)):
        return "without a price"
    if min(prices) <= 0:
        return "with a price of zero or less"
    if row.high != max(prices) or row.low != min(prices):
        return "with high below or low above another price"
    if row.volume is not None and not (_is_finite(row.volume) and row.volume >= 0):
        return "with an impossible volume"
    return None


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _bar(symbol: str, row: Row) -> ChartBar:
    seconds, first, high, low, last, volume, turnover, n_ticks = row
    return ChartBar(
        symbol,
        datetime.fromtimestamp(seconds, UTC),
        float(first),
        float(high),
        float(low),
        float(last),
        None if volume is None else float(volume),
        turnover,
        n_ticks,
    )


def split_window(start: datetime, end: datetime, longest: timedelta) -> Iterable[tuple[datetime, datetime]]:
    """Cut start <= t < end into pieces of at most `longest`, in time order."""
    while start < end:
        until = min(start + longest, end)
        yield start, until
        start = until
