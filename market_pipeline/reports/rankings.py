"""The parts of a report that rank or add up: movers, unreliable symbols, budgets, the service level."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from market_pipeline.model.gap import EVERY_SYMBOL, QUIET
from market_pipeline.reports.figures import BudgetFigures, LevelFigures, Move, SessionFigures
from market_pipeline.reports.report import Movers, SymbolTrouble

SHOWN = 10
WORST = 12


def movers(sessions: Sequence[SessionFigures]) -> Movers | None:
    """Return who rose and fell most over the sessions that have tickers; None where none has.

    Changes of a week are compounded from those of its sessions, so that a split between them does no harm. An
    instrument that traded in no session, or whose change is unknown in one in which it traded, is counted as unknown.
    """
    stored = [one.moves for one in sessions if one.moves is not None]
    if not stored:
        return None
    of_symbol: dict[str, list[Move]] = defaultdict(list)
    for move in (move for moves in stored for move in moves):
        of_symbol[move.symbol].append(move)
    found = [_compounded(moves) for moves in of_symbol.values()]
    known = sorted(
        ((move.change_percent, move) for move in found if move.change_percent is not None),
        key=lambda pair: (pair[0], pair[1].symbol),
    )
    rose = [move for change, move in reversed(known) if change > 0][:SHOWN]
    fell = [move for change, move in known if change < 0][:SHOWN]
    return Movers(tuple(rose), tuple(fell), len(known), len(found) - len(known))


def unreliable(sessions: Sequence[SessionFigures]) -> tuple[SymbolTrouble, ...] | None:
    """Return the symbols with most failed requests, records set aside and missing minutes; None where none is stored.

    Gaps that every symbol has are the market's and are left out; so are minutes in which nothing was traded.
    """
    failed: Counter[str] = Counter()
    aside: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for one in sessions:
        failed.update(one.failed_by_symbol)
        aside.update(one.set_aside or {})
        missing.update(_missing_minutes(one))
    has_asked = any(one.asked is not None for one in sessions)
    has_aside = any(one.set_aside is not None for one in sessions)
    has_gaps = any(one.gaps is not None for one in sessions)
    if not (has_asked or has_aside or has_gaps):
        return None
    total = failed + aside + missing
    worst = sorted(total, key=lambda symbol: (-total[symbol], symbol))[:WORST]
    return tuple(
        SymbolTrouble(
            symbol,
            failed[symbol] if has_asked else None,
            aside[symbol] if has_aside else None,
            missing[symbol] if has_gaps else None,
        )
        for symbol in worst
    )


def budgets(stored: Sequence[Sequence[BudgetFigures]]) -> tuple[BudgetFigures, ...] | None:
    """Return each budget's use over the sessions; None where none is stored."""
    of_budget: dict[tuple[str, str, str], list[BudgetFigures]] = defaultdict(list)
    for one in (one for session in stored for one in session):
        of_budget[one.source, one.kind, one.host or ""].append(one)
    return tuple(_of_budget(of_budget[key]) for key in sorted(of_budget)) or None


def level(stored: Sequence[LevelFigures]) -> LevelFigures | None:
    """Return the service level of the sessions together; None where nothing was expected."""
    if not sum(one.expected for one in stored):
        return None
    return LevelFigures(
        expected=sum(one.expected for one in stored),
        good=sum(one.good for one in stored),
        late=sum(one.late for one in stored),
        missing=sum(one.missing for one in stored),
        objective=stored[-1].objective,
    )


def _compounded(moves: Sequence[Move]) -> Move:
    last = moves[-1]
    if len(moves) == 1:
        return last
    changes = [move.change_percent for move in moves if move.change_percent is not None]
    if len(changes) < len(moves):
        return Move(last.symbol, last.name, last.price, None)
    return Move(last.symbol, last.name, last.price, 100 * (math.prod(1 + change / 100 for change in changes) - 1))


def _missing_minutes(session: SessionFigures) -> Counter[str]:
    missing: Counter[str] = Counter()
    for gap in session.gaps or ():
        if gap.symbol != EVERY_SYMBOL and gap.cause not in QUIET:
            missing[gap.symbol] += gap.minutes
    return missing


def _of_budget(found: Sequence[BudgetFigures]) -> BudgetFigures:
    last = found[-1]
    return BudgetFigures(
        source=last.source,
        kind=last.kind,
        host=last.host,
        used=sum(one.used for one in found),
        peak_a_minute=max(one.peak_a_minute for one in found),
        cycles=sum(one.cycles for one in found),
        limit_a_minute=last.limit_a_minute,
        breaker_minutes=sum(one.breaker_minutes for one in found),
        slowed_minutes=sum(one.slowed_minutes for one in found),
    )
