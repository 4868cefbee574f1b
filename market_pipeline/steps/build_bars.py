"""Make the one-minute bars of the session in progress: from a source's charts, and sampled from the live tickers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from market_pipeline.clock import floor_minute
from market_pipeline.model.bar import BarOrigin
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.session import Session
from market_pipeline.quality.rule import RuleResult
from market_pipeline.steps.charted_bars import charted_bars
from market_pipeline.steps.due import in_reach
from market_pipeline.steps.fetch_charts import ChartRequest, Charts, chart_source, fetch_charts, urgent
from market_pipeline.steps.judge import judge
from market_pipeline.steps.note_set_aside import note_bars
from market_pipeline.steps.refresh_instruments import instruments_of, symbols_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import records
from market_pipeline.storage.rows import of_symbols
from market_pipeline.storage.tables import BARS_1M, BARS_1M_REPLACED, FETCH_OUTCOMES, LIVE_TICKERS, RAW_QUOTES
from market_pipeline.transforms.bar_rows import Bars
from market_pipeline.transforms.merge_bars import merge_bars
from market_pipeline.transforms.sampled_bars import sampled_bars

log = structlog.get_logger("market_pipeline.bars")

MINUTE = timedelta(minutes=1)
POLL_HISTORY = timedelta(minutes=12)
"""Polls before the newest minutes serve as the base of their volumes."""


@dataclass(frozen=True)
class BarsReport:
    """What was made of this cycle."""

    rows: int = 0
    revised: int = 0
    set_aside: int = 0
    origins: Mapping[str, int] = field(default_factory=dict)
    chart_counts: Mapping[str, int] = field(default_factory=dict)
    rules: tuple[RuleResult, ...] = ()
    first_event: datetime | None = None
    last_event: datetime | None = None


def build_bars(runtime: Runtime, market: MarketRuntime) -> BarsReport:
    """Build and write the bars that can be known now. A closed market makes none."""
    now = runtime.clock.now()
    session = market.calendar.session(market.calendar.session_date_at(now))
    if session is None or not in_reach(market, now):
        return BarsReport()
    charts = _charts(runtime, market, session, now=now)
    made = [charted_bars(runtime, market, session, bars=charts.bars), _sampled(runtime, market, session, now=now)]
    _write_outcomes(runtime, market, session, charts=charts, now=now)
    note_bars(runtime, market, made)
    return _merge_and_write(runtime, market, session, made=made, chart_counts=charts.counts)


def _charts(runtime: Runtime, market: MarketRuntime, session: Session, *, now: datetime) -> Charts:
    source = chart_source(market)
    if source is None:
        return Charts()
    end = min(floor_minute(now), session.close)
    starts = _next_minutes(runtime, market, session)
    wanted = [
        ChartRequest(instrument, start, end)
        for instrument in _charted(runtime, market)
        if (start := starts.get(instrument.symbol, session.open)) < end
        and _could_trade(market, instrument, start=start, end=end)
    ]
    wanted.sort(key=lambda request: request.start)  # who waits longest comes first, where not all fit into a cycle
    return fetch_charts(runtime, source, wanted, deadline_seconds=market.cycle.left()) if wanted else Charts()


def _could_trade(market: MarketRuntime, instrument: Instrument, *, start: datetime, end: datetime) -> bool:
    """Tell whether the instrument's own hours (an index abroad, an early auction) reach into these minutes."""
    if instrument.group is None:
        return True
    return market.calendar.open_minutes_between(start, end, group=instrument.group) > 0


def _charted(runtime: Runtime, market: MarketRuntime) -> Sequence[Instrument]:
    """Return whose charts are asked for in a cycle: tier 1, or all that are urgent where no budget limits requests."""
    instruments = instruments_of(runtime, market)
    if not runtime.settings.budgets:
        return urgent(instruments)
    return [instrument for instrument in instruments if instrument.tier == 1]


def _next_minutes(runtime: Runtime, market: MarketRuntime, session: Session) -> dict[str, datetime]:
    """Return symbol → the first minute of this session after its newest bar of origin chart."""
    symbols = symbols_of(runtime, market)
    latest = of_symbols(runtime.warehouse.latest(BARS_1M, market.name), symbols)
    latest = latest.filter(pc.equal(latest["session_date"], session.session_date))
    is_chart = pc.equal(latest["origin"], BarOrigin.CHART.value)
    charted = latest.filter(is_chart)
    if charted.num_rows < latest.num_rows:  # some symbol's newest bar is sampled: look where its charts ended
        columns = ("symbol", "interval_start", "origin")
        day = [session.session_date]
        stored = runtime.warehouse.read(BARS_1M, market.name, sessions=day, symbols=symbols, columns=columns)
        stored = stored.filter(pc.equal(stored["origin"], BarOrigin.CHART.value))
        charted = stored.group_by("symbol").aggregate([("interval_start", "max")])
        charted = charted.rename_columns(["symbol", "interval_start"])
    moments = charted["interval_start"].to_pylist()
    return {symbol: moment + MINUTE for symbol, moment in zip(charted["symbol"].to_pylist(), moments, strict=True)}


def _sampled(runtime: Runtime, market: MarketRuntime, session: Session, *, now: datetime) -> Bars:
    delay = max(rule.declared_delay_seconds for rule in market.file.quote_sources)
    since = floor_minute(now) - timedelta(seconds=delay) - POLL_HISTORY
    polls = runtime.warehouse.read(
        LIVE_TICKERS,
        market.name,
        sessions=[session.session_date],
        since=since - POLL_HISTORY,
        symbols=symbols_of(runtime, market),
    )
    polls = polls.filter(pc.invert(pc.is_in(polls["source"], value_set=_undated_sources(runtime, market))))
    bars = sampled_bars(polls, session=session, as_of=now, declared_delay_seconds=delay, since=since)
    is_over = pc.less(bars.rows["interval_start"], floor_minute(now))  # the minute in progress is no bar yet
    return Bars(bars.rows.filter(is_over), bars.set_aside)


def _undated_sources(runtime: Runtime, market: MarketRuntime) -> pa.Array:
    """Return the sources whose quotes say no time: a price seen at 10:44:03 may well be a trade of 10:43."""
    rows = runtime.warehouse.latest(RAW_QUOTES, market.name, ("source", "is_undated"))
    return pc.unique(rows.filter(pc.equal(rows["is_undated"], True))["source"])


def _write_outcomes(
    runtime: Runtime, market: MarketRuntime, session: Session, *, charts: Charts, now: datetime
) -> None:
    if charts.outcomes:
        table = records.outcomes_table(charts.outcomes, session_date=session.session_date, as_of=floor_minute(now))
        runtime.warehouse.write(FETCH_OUTCOMES, market.name, table)


def _merge_and_write(
    runtime: Runtime, market: MarketRuntime, session: Session, *, made: Sequence[Bars], chart_counts: Mapping[str, int]
) -> BarsReport:
    new = pa.concat_tables([bars.rows for bars in made])
    set_aside = sum(len(bars.set_aside) for bars in made)
    if new.num_rows == 0:
        return BarsReport(set_aside=set_aside, chart_counts=chart_counts)
    first = pc.min(new["interval_start"]).as_py()
    symbols = symbols_of(runtime, market)
    stored = runtime.warehouse.read(BARS_1M, market.name, sessions=[session.session_date], since=first, symbols=symbols)
    merged = merge_bars(stored, new)
    if merged.replaced.num_rows:
        runtime.warehouse.write(BARS_1M_REPLACED, market.name, merged.replaced)
    unlisted = _unlisted(stored, runtime.warehouse.latest(BARS_1M, market.name))
    if merged.changed.num_rows or unlisted.num_rows:
        runtime.warehouse.write(BARS_1M, market.name, pa.concat_tables([unlisted, merged.changed]))
    log.info("bars_built", market=market.name, rows=merged.changed.num_rows, set_aside=set_aside)
    return BarsReport(
        rows=merged.changed.num_rows,
        revised=merged.replaced.num_rows,
        set_aside=set_aside,
        origins=Counter(merged.changed["origin"].to_pylist()),
        chart_counts=chart_counts,
        rules=judge(runtime, market, BARS_1M, rows=merged.changed),
        first_event=pc.min(merged.changed["interval_start"]).as_py(),
        last_event=pc.max(merged.changed["interval_start"]).as_py(),
    )


def _unlisted(stored: pa.Table, latest: pa.Table) -> pa.Table:
    """Return stored bars that are newer than the newest one listed of their symbol.

    There are none, unless a cycle was killed between its slices and its list of the newest rows.
    """
    listed = latest["interval_start"].take(pc.index_in(stored["symbol"], value_set=latest["symbol"]))
    return stored.filter(pc.fill_null(pc.greater(stored["interval_start"], listed), True))
