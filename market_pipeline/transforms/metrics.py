"""Merges metrics field by field: who said it now, else what follows from our own tables, else what was known. Pure.

A group of fields (model/metrics.py) comes from one source. Every field keeps its source and the time it holds for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from market_pipeline.model.instrument import Instrument
from market_pipeline.model.live_ticker import LiveTicker
from market_pipeline.model.metrics import (
    METRIC_GROUPS,
    OF_THE_SESSION,
    FieldOrigin,
    InstrumentMetrics,
    Metrics,
    MetricValue,
)
from market_pipeline.transforms.metrics_faults import Expected, metric_faults
from market_pipeline.transforms.verdicts import Flag
from market_pipeline.transforms.year_range import YearRange

DERIVED, BARS, INSTRUMENTS = "derived", "bars_1d", "instruments"
_TICKER_GROUPS = {
    "volume": ("session", ("volume",)),
    "day_range": ("session", ("high", "low")),
    "book": ("book", ("bid", "bid_size", "ask", "ask_size")),
    "market_cap": ("valuation", ("market_cap",)),
}
"""Metrics group → the live ticker's group and its fields, in our order."""
_UNTRUSTED = {Flag.STALE.value, Flag.QUARANTINED.value, Flag.NO_PRICE.value}


@dataclass(frozen=True, slots=True)
class MetricsLimits:
    """What may count. `max_ages` is per group; a group of the session also ends with the next session's start."""

    now: datetime
    session_start: datetime
    max_ages: Mapping[str, timedelta]
    max_dividend_yield: float = 1.0


@dataclass(frozen=True)
class MetricsInputs:
    """Everything that is known, by symbol. Reports stand in the order of their sources' priority."""

    instruments: Sequence[Instrument]
    reports: Mapping[str, Sequence[Metrics]] = field(default_factory=dict)
    tickers: Mapping[str, LiveTicker] = field(default_factory=dict)
    ranges: Mapping[str, YearRange] = field(default_factory=dict)
    previous: Mapping[str, InstrumentMetrics] = field(default_factory=dict)
    close_of: Callable[[date], datetime] | None = None
    """Session date → its close (UTC), for what daily bars say."""
    listed_at: datetime | None = None
    """When the instruments became known."""


@dataclass(frozen=True)
class RefusedMetrics:
    """A report's fields that took no part, with the reason."""

    report: Metrics
    reason: str


@dataclass(frozen=True)
class MergedMetrics:
    """One row for every instrument, and what was refused."""

    rows: tuple[InstrumentMetrics, ...]
    refused: tuple[RefusedMetrics, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    """One group's values, in its fields' order, by one source."""

    values: tuple[MetricValue | None, ...]
    origin: FieldOrigin


def merge_metrics(inputs: MetricsInputs, limits: MetricsLimits) -> MergedMetrics:
    """Return the metrics of every instrument; one that nobody spoke of gets a row without values."""
    refused: list[RefusedMetrics] = []
    rows = tuple(_merge_one(instrument, inputs, limits, refused=refused) for instrument in inputs.instruments)
    return MergedMetrics(rows, tuple(refused))


def _merge_one(
    instrument: Instrument, inputs: MetricsInputs, limits: MetricsLimits, *, refused: list[RefusedMetrics]
) -> InstrumentMetrics:
    ticker, previous = inputs.tickers.get(instrument.symbol), inputs.previous.get(instrument.symbol)
    chosen = _from_reports(instrument, inputs, limits, refused=refused)
    chosen = _over(chosen, _counting(_from_ticker(ticker), limits), limits)
    carried = _counting(_from_previous(previous), limits)
    chosen = _counting(_from_tables(instrument, inputs), limits) | chosen
    shares = chosen.get("shares_outstanding", carried.get("shares_outstanding"))
    chosen = carried | _counting(_derived_cap(ticker, shares), limits) | chosen
    values: dict[str, MetricValue] = {}
    origins: dict[str, FieldOrigin] = {}
    for group, names in METRIC_GROUPS.items():
        if group in chosen:
            known = [(n, v) for n, v in zip(names, chosen[group].values, strict=True) if v is not None]
            values.update(known)
            origins.update((name, chosen[group].origin) for name, _ in known)
    return InstrumentMetrics(instrument.market, instrument.symbol, instrument.currency, values, origins)


def _from_reports(
    instrument: Instrument, inputs: MetricsInputs, limits: MetricsLimits, *, refused: list[RefusedMetrics]
) -> dict[str, _Said]:
    """Return group → the best source's values that nothing speaks against."""
    reports = inputs.reports.get(instrument.symbol, ())
    known_yield = _least_yield(reports, inputs.previous.get(instrument.symbol))
    expected = Expected(limits.now, instrument.currency, limits.max_dividend_yield, known_yield)
    chosen: dict[str, _Said] = {}
    for report in reports:
        faults = metric_faults(report, expected)
        refused.extend(RefusedMetrics(report, reason) for reason in dict.fromkeys(faults.values()))
        for group, names in METRIC_GROUPS.items():
            if group in chosen:
                continue
            values = tuple(None if name in faults else getattr(report, name) for name in names)
            said = _Said(values, FieldOrigin(report.source, _holds_at(report, group)))
            if _is_known(values) and _counts(said.origin.as_of, group, limits):
                chosen[group] = said
    return chosen


def _least_yield(reports: Sequence[Metrics], previous: InstrumentMetrics | None) -> float | None:
    """Return the least yield that anybody says or said: of two that differ by their unit, it is the fraction."""
    said: list[object] = [report.dividend_yield for report in reports]
    said.append(previous.values.get("dividend_yield") if previous else None)
    return min((value for value in said if isinstance(value, float) and value > 0), default=None)


def _holds_at(report: Metrics, group: str) -> datetime:
    """Return the exchange's time for what the session made; a valuation holds when the source said it."""
    if group in OF_THE_SESSION and report.event_time is not None:
        return report.event_time
    return report.received_time


def _counts(as_of: datetime, group: str, limits: MetricsLimits) -> bool:
    if group in OF_THE_SESSION and as_of < limits.session_start:
        return False
    return limits.now - as_of <= limits.max_ages[group]


def _over(reported: dict[str, _Said], held: dict[str, _Said], limits: MetricsLimits) -> dict[str, _Said]:
    """Return the reports with what the live ticker holds over them; what it carried from an earlier session, under."""
    present = {group: one for group, one in held.items() if one.origin.as_of >= limits.session_start}
    return held | reported | present


def _counting(said: dict[str, _Said], limits: MetricsLimits) -> dict[str, _Said]:
    return {group: held for group, held in said.items() if _counts(held.origin.as_of, group, limits)}


def _from_ticker(ticker: LiveTicker | None) -> dict[str, _Said]:
    """Return what the merged live ticker holds: the merge of quotes has judged signs, orders and outliers already.

    Not its age: the newest ticker may be of an earlier session, when no cycle has run since.
    """
    said: dict[str, _Said] = {}
    if ticker is None:
        return said
    for group, (name, fields) in _TICKER_GROUPS.items():
        values = tuple(getattr(ticker, attribute) for attribute in fields)
        record = ticker.provenance.get(name)
        if record is not None and _is_known(values):
            said[group] = _Said(values, FieldOrigin(record.source, record.event_time))
    return said


def _from_tables(instrument: Instrument, inputs: MetricsInputs) -> dict[str, _Said]:
    """Return what our own tables say where no source does."""
    said = {}
    if instrument.shares_outstanding is not None and inputs.listed_at is not None:
        origin = FieldOrigin(INSTRUMENTS, inputs.listed_at)
        said["shares_outstanding"] = _Said((instrument.shares_outstanding,), origin)
    found = inputs.ranges.get(instrument.symbol)
    if found is None or inputs.close_of is None:
        return said
    origin = FieldOrigin(BARS, inputs.close_of(found.last_session))
    if found.week_52_low is not None and found.week_52_high is not None:
        said["week_52_range"] = _Said(_with_today(found, inputs.tickers.get(instrument.symbol)), origin)
    if found.average_volume_3m is not None:
        said["average_volume_3m"] = _Said((found.average_volume_3m,), origin)
    return said


def _with_today(found: YearRange, ticker: LiveTicker | None) -> tuple[float | None, float | None]:
    """Return the year's range with the present session, which has no daily bar yet."""
    low = [value for value in (found.week_52_low, ticker.low if ticker else None) if value is not None]
    high = [value for value in (found.week_52_high, ticker.high if ticker else None) if value is not None]
    return min(low), max(high)


def _from_previous(previous: InstrumentMetrics | None) -> dict[str, _Said]:
    """Return what was known before."""
    said: dict[str, _Said] = {}
    if previous is None:
        return said
    for group, names in METRIC_GROUPS.items():
        origin = next((previous.origins[name] for name in names if name in previous.origins), None)
        if origin is not None:
            said[group] = _Said(tuple(previous.values.get(name) for name in names), origin)
    return said


def _derived_cap(ticker: LiveTicker | None, shares: _Said | None) -> dict[str, _Said]:
    """Return the capitalisation that follows from shares in issue and a price that counts."""
    if ticker is None or ticker.price is None or shares is None or not _UNTRUSTED.isdisjoint(ticker.flags):
        return {}
    [count] = shares.values
    if not isinstance(count, float | int):
        return {}
    return {"market_cap": _Said((count * ticker.price,), FieldOrigin(DERIVED, ticker.event_time))}


def accept_reports(
    reports: Sequence[Metrics], instruments: Sequence[Instrument]
) -> tuple[dict[str, list[Metrics]], tuple[RefusedMetrics, ...]]:
    """Return symbol → one report a source, in the order given, and what nobody asked for or stood there twice.

    Of two reports of one source on one symbol the last one counts.
    """
    listed = {instrument.symbol for instrument in instruments}
    last = {(report.source, report.symbol): report for report in reports}
    accepted: dict[str, list[Metrics]] = {}
    refused = []
    for report in reports:
        if report.symbol not in listed:
            refused.append(RefusedMetrics(report, "nobody asked for this symbol"))
        elif last[report.source, report.symbol] is not report:
            refused.append(RefusedMetrics(report, "duplicate: the source said this symbol again"))
        else:
            accepted.setdefault(report.symbol, []).append(report)
    return accepted, tuple(refused)


def _is_known(values: tuple[MetricValue | None, ...]) -> bool:
    return any(value is not None for value in values)
