"""The Sharia screen: verdicts by the thresholds of a published standard, as the market file states them. Pure.

AAOIFI Sharia Standard No. 21 (3/4): debt at interest and deposits at interest each not above 30 % of the market
capitalisation, impermissible income not above 5 % of total income, and no forbidden line of business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from market_pipeline.markets.schema import ExcludedSector, ShariaRule
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.metrics import Fundamentals, InstrumentMetrics
from market_pipeline.model.sharia import ShariaVerdict, Verdict
from market_pipeline.transforms.statements import AMOUNTS, in_order, is_too_old

REVIEWED = "reviewed"
"""The source of a sector that a person wrote into the market file."""
CAP, (DEBT, DEPOSITS, INCOME, REVENUE) = "market_cap", AMOUNTS
SECTOR = "sector"


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What may count, by name, and why the rest does not."""

    counting: Mapping[str, float]
    missing: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Ratio:
    """One test: `value` is None where an input is missing."""

    name: str
    value: float | None
    limit: float

    @property
    def is_above(self) -> bool:
        return self.value is not None and self.value > self.limit


def screen(
    instrument: Instrument,
    metrics: InstrumentMetrics | None,
    *,
    statements: Sequence[Fundamentals],
    rule: ShariaRule,
    now: datetime,
) -> ShariaVerdict:
    """Return the verdict on one instrument; `statements` are all that are known of it, best source first.

    An excluded line of business decides by itself. Else any missing input leaves the verdict unknown, and a ratio
    equal to its limit is within it.
    """
    ordered = in_order(statements, currency=instrument.currency, rule=rule, today=now.date())
    statement = ordered[0] if ordered else None
    sector, sector_source = _sector(instrument.symbol, ordered, rule)
    excluded = _excluding(sector, rule)
    inputs = _inputs(metrics, statement, currency=instrument.currency, rule=rule, now=now)
    missing = inputs.missing if sector else {**inputs.missing, SECTOR: "nobody said it"}
    ratios = _ratios(inputs.counting, rule)
    verdict, reason = _verdict(ratios, missing, sector=sector, excluded=excluded)
    return ShariaVerdict(
        market=instrument.market,
        symbol=instrument.symbol,
        verdict=verdict,
        reason=reason,
        missing=tuple(missing),
        excluded_by=excluded.name if excluded else None,
        currency=instrument.currency,
        sector=sector,
        sector_source=sector_source,
        standard=rule.standard,
        **_shown_ratios(ratios),
        **_shown_cap(metrics),
        **_shown_statement(statement),
    )


def _sector(symbol: str, ordered: Sequence[Fundamentals], rule: ShariaRule) -> tuple[str | None, str | None]:
    """Return the line of business and who says so: it is not of a period, so any statements may tell it."""
    for reviewed in rule.reviewed_sectors:
        if reviewed.symbol == symbol:
            return reviewed.sector, REVIEWED
    return next(((one.sector, one.source) for one in ordered if one.sector), (None, None))


def _excluding(sector: str | None, rule: ShariaRule) -> ExcludedSector | None:
    if sector is None:
        return None
    return next((one for one in rule.excluded_sectors if re.search(one.pattern, sector, re.IGNORECASE)), None)


def _inputs(
    metrics: InstrumentMetrics | None,
    statement: Fundamentals | None,
    *,
    currency: str | None,
    rule: ShariaRule,
    now: datetime,
) -> _Inputs:
    counting: dict[str, float] = {}
    missing: dict[str, str] = {}
    cap, why = _counting_cap(metrics, currency=currency, rule=rule, now=now)
    if cap is None:
        missing[CAP] = why
    else:
        counting[CAP] = cap
    fault = _statement_fault(statement, currency=currency, rule=rule, now=now)
    for name in AMOUNTS:
        value = getattr(statement, name) if statement else None
        if fault or value is None:
            missing[name] = fault or "the statements do not say it"
        elif name == REVENUE and value <= 0:
            missing[name] = "it is zero, and nothing can be a share of it"
        else:
            counting[name] = value
    return _Inputs(counting, missing)


def _counting_cap(
    metrics: InstrumentMetrics | None, *, currency: str | None, rule: ShariaRule, now: datetime
) -> tuple[float | None, str]:
    """Return the capitalisation, or why there is none that counts."""
    cap = _cap(metrics)
    if metrics is None or cap is None or cap <= 0:
        return None, "nobody said it"
    if currency is None or metrics.currency != currency:
        return None, f"it is in {metrics.currency or 'no named currency'}, and the share trades in {currency}"
    as_of = metrics.origins[CAP].as_of
    if now - as_of > timedelta(hours=rule.market_cap_max_age_hours):
        return None, f"that of {as_of:%Y-%m-%d %H:%M} UTC is older than {rule.market_cap_max_age_hours:g} hours"
    return cap, ""


def _cap(metrics: InstrumentMetrics | None) -> float | None:
    value = metrics.values.get(CAP) if metrics else None
    return value if isinstance(value, float | int) else None


def _statement_fault(
    statement: Fundamentals | None, *, currency: str | None, rule: ShariaRule, now: datetime
) -> str | None:
    """Return why no figure of these statements counts; None when they do."""
    if statement is None:
        return "nobody gave statements"
    if statement.period_end is None:
        return "the statements name no period"
    if is_too_old(statement, rule, now.date()):
        return f"statements of {statement.period_end} are older than {rule.statements_max_age_days} days"
    if statement.currency is None or statement.currency != currency:
        return f"statements are in {statement.currency or 'no named currency'}, and the share trades in {currency}"
    return None


def _ratios(counting: Mapping[str, float], rule: ShariaRule) -> tuple[_Ratio, _Ratio, _Ratio]:
    def of(part: str, whole: str) -> float | None:
        return counting[part] / counting[whole] if part in counting and whole in counting else None

    return (
        _Ratio("debt", of(DEBT, CAP), rule.max_debt_ratio),
        _Ratio("deposits", of(DEPOSITS, CAP), rule.max_deposits_ratio),
        _Ratio("impermissible income", of(INCOME, REVENUE), rule.max_income_ratio),
    )


def _verdict(
    ratios: Sequence[_Ratio], missing: Mapping[str, str], *, sector: str | None, excluded: ExcludedSector | None
) -> tuple[Verdict, str]:
    above = ", ".join(f"{one.name} {one.value:.4g} is above {one.limit:g}" for one in ratios if one.is_above)
    if excluded is not None:
        reason = f"{sector!r} is an excluded line of business ({excluded.name}): {excluded.reason}"
        return Verdict.NOT_COMPLIANT, reason
    if missing:
        why: dict[str, list[str]] = {}
        for name, reason in missing.items():
            why.setdefault(reason, []).append(name)
        listed = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in why.items())
        return Verdict.UNKNOWN, f"no verdict without {listed}" + (f"; yet {above}" if above else "")
    if above:
        return Verdict.NOT_COMPLIANT, above
    within = ", ".join(f"{one.name} {one.value:.4g} of {one.limit:g}" for one in ratios)
    return Verdict.COMPLIANT, f"every ratio is within its limit: {within}"


def _shown_ratios(ratios: tuple[_Ratio, _Ratio, _Ratio]) -> dict[str, Any]:
    names = ("debt", "deposits", "income")
    values = {f"{name}_ratio": one.value for name, one in zip(names, ratios, strict=True)}
    return values | {f"{name}_limit": one.limit for name, one in zip(names, ratios, strict=True)}


def _shown_cap(metrics: InstrumentMetrics | None) -> dict[str, Any]:
    origin = metrics.origins.get(CAP) if metrics else None
    return {
        "market_cap": _cap(metrics),
        "market_cap_source": origin.source if origin else None,
        "market_cap_as_of": origin.as_of if origin else None,
    }


def _shown_statement(statement: Fundamentals | None) -> dict[str, Any]:
    """Return the statements as they are, also where they do not count: the verdict's reason says why not."""
    shown: dict[str, Any] = {name: getattr(statement, name, None) for name in ("period_end", *AMOUNTS)}
    shown["fundamentals_source"] = getattr(statement, "source", None)
    shown["fundamentals_received_time"] = getattr(statement, "received_time", None)
    return shown
