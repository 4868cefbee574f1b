"""What speaks against a field of a source's metrics: signs, orders, units, currencies, times. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite

from market_pipeline.model.metrics import METRIC_FIELDS, METRIC_GROUPS, OF_THE_SESSION, Metrics

CLOCK_SLACK = timedelta(minutes=5)
PERCENT_FOR_FRACTION = (80.0, 125.0)
"""Two reports on one yield that are so many times apart differ by their unit: a percentage is 100 fractions."""
HIGH_YIELD, MOST_PAID_OUT = 0.2, 4.0
"""So high a yield that pays out so many times the earnings is a percentage that no other report gives away."""
_ABOVE_ZERO = (
    *("day_high", "day_low", "market_cap", "week_52_low", "week_52_high"),
    *("bid", "ask", "shares_outstanding"),
)
_NOT_NEGATIVE = ("volume", "average_volume_3m", "bid_size", "ask_size", "dividend_yield")
_MONEY = (*_ABOVE_ZERO[:-1], "eps", "book_value")
_ORDERED = (("day_low", "day_high"), ("week_52_low", "week_52_high"), ("bid", "ask"))
_GROUP_OF = {name: group for group, names in METRIC_GROUPS.items() for name in names}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a report is held against. `known_yield` is another's or our last one, a fraction."""

    now: datetime
    currency: str | None = None
    max_dividend_yield: float = 1.0
    known_yield: float | None = None


def metric_faults(report: Metrics, expected: Expected) -> dict[str, str]:
    """Return field → why it is refused; the whole group of a refused field is refused with it."""
    faults: dict[str, str] = {}
    for name, reason in _faults(report, expected):
        for member in METRIC_GROUPS[_GROUP_OF[name]]:
            if getattr(report, member) is not None:
                faults.setdefault(member, reason)
    return faults


def _faults(report: Metrics, expected: Expected) -> Iterator[tuple[str, str]]:
    yield from _numbers(report)
    for low, high in _ORDERED:
        below, above = getattr(report, low), getattr(report, high)
        if below is not None and above is not None and below > above:
            yield low, f"{low} {below:g} is above {high} {above:g}"
    yield from _yield_faults(report.dividend_yield, report.pe_ratio, expected)
    if report.currency is not None and expected.currency is not None and report.currency != expected.currency:
        reason = f"in {report.currency}, and the instrument trades in {expected.currency}"
        yield from ((name, reason) for name in _MONEY)
    if report.event_time is not None and report.event_time > expected.now + CLOCK_SLACK:
        reason = f"event_time {report.event_time:%Y-%m-%d %H:%M} UTC is in the future"
        yield from ((METRIC_GROUPS[group][0], reason) for group in sorted(OF_THE_SESSION))


def _numbers(report: Metrics) -> Iterator[tuple[str, str]]:
    for name in METRIC_FIELDS:
        value = getattr(report, name)
        if value is None or name == "earnings_date":
            continue
        if not isfinite(value):
            yield name, f"{name} {value} is no number"
        elif name in _ABOVE_ZERO and value <= 0:
            yield name, f"{name} {value:g} is not above zero"
        elif name in _NOT_NEGATIVE and value < 0:
            yield name, f"{name} {value:g} is negative"


def _yield_faults(value: float | None, pe_ratio: float | None, expected: Expected) -> Iterator[tuple[str, str]]:
    if value is None or not isfinite(value):
        return
    said, limit, known = f"dividend_yield {value:g}", expected.max_dividend_yield, expected.known_yield
    least, most = PERCENT_FOR_FRACTION
    if value > limit:
        yield "dividend_yield", f"{said} is above {limit:g}: a percentage where a fraction is due"
    elif known and least <= value / known <= most:
        yield "dividend_yield", f"{said} is {value / known:.0f} times the known {known:g}: a percentage"
    elif pe_ratio is not None and value > HIGH_YIELD and value * pe_ratio > MOST_PAID_OUT:
        paid = f"{value * pe_ratio:.0f} times the earnings at a P/E of {pe_ratio:g}"
        yield "dividend_yield", f"{said} would pay out {paid}: a percentage"
