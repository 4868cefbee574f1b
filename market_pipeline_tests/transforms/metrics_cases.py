"""One share at eleven o'clock, and what sources may say of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from market_pipeline.model.instrument import Instrument
from market_pipeline.model.live_ticker import FieldProvenance, LiveTicker
from market_pipeline.model.metrics import METRIC_GROUPS, FieldOrigin, InstrumentMetrics, Metrics
from market_pipeline.model.quote import PriceKind
from market_pipeline.transforms.metrics import MergedMetrics, MetricsInputs, MetricsLimits, merge_metrics

NOW = datetime(2026, 11, 19, 11, 0, tzinfo=UTC)
OPEN = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SHARE = Instrument("saudi", "2222", "Saudi Arabian Oil", currency="SAR")
LIMITS = MetricsLimits(NOW, OPEN, dict.fromkeys(METRIC_GROUPS, 2 * DAY))


def said(source: str = "yahoo", **fields: Any) -> Metrics:
    """A report of a minute ago on a trade of two minutes ago."""
    times = {"received_time": NOW - MINUTE, "event_time": NOW - 2 * MINUTE}
    return Metrics(**{"market": "saudi", "source": source, "symbol": "2222", **times, **fields})


def live(**fields: Any) -> LiveTicker:
    """A live ticker whose every group another source supplied three minutes ago."""
    moment = NOW - 3 * MINUTE
    record = FieldProvenance("argaam", moment, moment, PriceKind.TRADE)
    base: dict[str, Any] = {"price": 25.0, "price_kind": PriceKind.TRADE, "source": "argaam"}
    base["provenance"] = dict.fromkeys(("last", "session", "book", "valuation"), record)
    return LiveTicker(
        **{"market": "saudi", "symbol": "2222", "event_time": moment, "received_time": moment} | base | fields
    )


def known(age: timedelta, source: str = "yahoo", **values: Any) -> InstrumentMetrics:
    """What the last row held."""
    origins = dict.fromkeys(values, FieldOrigin(source, NOW - age))
    return InstrumentMetrics("saudi", "2222", "SAR", values, origins)


def merged(
    *reports: Metrics, instrument: Instrument = SHARE, limits: MetricsLimits = LIMITS, **more: Any
) -> MergedMetrics:
    """Merge the metrics of the one share."""
    by_symbol = {name: {"2222": value} for name, value in more.items() if name in {"tickers", "ranges", "previous"}}
    rest = {name: value for name, value in more.items() if name not in by_symbol}
    return merge_metrics(MetricsInputs([instrument], {"2222": reports}, **by_symbol, **rest), limits)


def values(found: MergedMetrics) -> dict[str, Any]:
    return dict(found.rows[0].values)


def sources(found: MergedMetrics) -> dict[str, str]:
    return {name: origin.source for name, origin in found.rows[0].origins.items()}
