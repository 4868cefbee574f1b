"""Statements behind the Sharia screen: which can be true, which counts, and whose turn it is to be asked anew. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import isfinite

from market_pipeline.markets.schema import ShariaRule
from market_pipeline.model.metrics import Fundamentals
from market_pipeline.model.outcome import OutcomeStatus

OPERATOR = "operator"
"""The source of what stands in the operator's own file: a person looked, so it goes before every other."""
AMOUNTS = ("total_debt", "cash_and_interest_bearing_deposits", "impermissible_income", "total_revenue")
RETRY = timedelta(hours=1)
"""A failed request is made again after so long; what was never sent, at once."""
_SAID = frozenset({OutcomeStatus.OK, OutcomeStatus.EMPTY, OutcomeStatus.UNKNOWN, OutcomeStatus.DELISTED})
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class RefusedStatement:
    """Statements, or a line of the operator's file, that took no part."""

    source: str
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The last time that a source was asked for one symbol's statements, and what became of it."""

    at: datetime
    status: OutcomeStatus


def statement_fault(statement: Fundamentals, today: date) -> str | None:
    """Return why these statements cannot be true; None when nothing speaks against them."""
    for name in AMOUNTS:
        value = getattr(statement, name)
        if value is not None and not isfinite(value):
            return f"{name} {value} is no number"
        if value is not None and value < 0:
            return f"{name} {value:g} is negative"
    if statement.currency is not None and not _CURRENCY.fullmatch(statement.currency):
        return f"currency {statement.currency!r} is no ISO 4217 code"
    if statement.period_end is not None and statement.period_end > today:
        return f"period_end {statement.period_end} is in the future"
    return None


def accept_statements(
    statements: Sequence[Fundamentals], *, asked: Collection[str], today: date
) -> tuple[list[Fundamentals], list[RefusedStatement]]:
    """Return what a source's statements may count, and the rest with its reason; of two on one symbol the last."""
    last = {statement.symbol: statement for statement in statements}
    accepted, refused = [], []
    for statement in statements:
        reason = statement_fault(statement, today)
        if statement.symbol not in asked:
            reason = "nobody asked for this symbol"
        elif last[statement.symbol] is not statement:
            reason = "duplicate: the source said this symbol again"
        if reason is None:
            accepted.append(statement)
        else:
            refused.append(RefusedStatement(statement.source, statement.symbol, reason))
    return accepted, refused


def in_order(
    statements: Sequence[Fundamentals], *, currency: str | None, rule: ShariaRule, today: date
) -> list[Fundamentals]:
    """Return one instrument's statements, the one that counts first; they come in the sources' order of priority.

    Usable ones go before those that are too old or in another currency, then the operator's, then newer periods.
    """

    def rank(statement: Fundamentals) -> tuple[bool, bool, int]:
        is_usable = not is_too_old(statement, rule, today) and statement.currency == currency
        period = statement.period_end.toordinal() if statement.period_end else 0
        return not is_usable, statement.source != OPERATOR, -period

    return sorted(statements, key=rank)


def is_too_old(statement: Fundamentals, rule: ShariaRule, today: date) -> bool:
    """Tell whether the statements' period ended too long ago, or at a date that nobody gave."""
    limit = timedelta(days=rule.statements_max_age_days)
    return statement.period_end is None or today - statement.period_end > limit


def due_symbols(symbols: Sequence[str], asked: Mapping[str, Asked], *, rule: ShariaRule, now: datetime) -> list[str]:
    """Return the symbols to ask a source for in this run: those never asked, then the longest ago."""

    def is_due(symbol: str) -> bool:
        last = asked.get(symbol)
        if last is None or last.status is OutcomeStatus.DEFERRED:
            return True
        return now - last.at >= (timedelta(days=rule.refresh_days) if last.status in _SAID else RETRY)

    def rank(symbol: str) -> float:
        return asked[symbol].at.timestamp() if symbol in asked else 0.0

    return sorted((symbol for symbol in symbols if is_due(symbol)), key=rank)[: rule.statements_a_run]
