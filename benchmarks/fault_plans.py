"""What happens on one day of faults: which market, from when on, how many cycles, and what goes wrong at its sources.

Everything is drawn from the seed and the number of the day, so that one day can be repeated alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from market_pipeline.errors import CalendarError
from market_pipeline.markets.loader import load_market, load_markets
from market_pipeline.markets.trading_calendar import TradingCalendar, calendar_for
from market_pipeline.model.session import Session
from market_pipeline.simulator.faults import DATA_FAULTS, Fault, FaultKind, FaultPlan
from market_pipeline.simulator.wire import all_wires

MARKETS = ("casablanca", "crypto", "global", "india", "nairobi", "saudi", "us")
FIRST_DAY, LAST_DAY = date(2026, 1, 5), date(2026, 11, 20)
OUTAGES = (FaultKind.SERVER_ERROR, FaultKind.UNAVAILABLE, FaultKind.RATE_LIMITED, FaultKind.HTML, FaultKind.FORBIDDEN)
ANSWER_FAULTS = tuple(kind for kind in FaultKind if kind not in DATA_FAULTS and kind is not FaultKind.DRIP)
TINY_SECONDS = 0.02
"""A slow answer costs real time; what waits for it is tested elsewhere."""
FACTORS = (0.01, 10.0, 100.0, 1000.0)
LATEST_MINUTE = 150
"""After a session's opening: whoever starts later fetches more charts than a drill needs."""
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class FaultDay:
    """One drill. The cycle at `moments[0]` is a good one, as any day before it; the plan holds from then on."""

    number: int
    market: str
    neighbour: str
    """A market whose sources the plan leaves alone."""
    moments: tuple[datetime, ...]
    plan: FaultPlan

    @property
    def kinds(self) -> list[str]:
        """Return the kind of each rule."""
        return [fault.kind.value for fault in self.plan.faults]


def draw_day(number: int, *, seed: int, symbols: dict[str, Sequence[str]]) -> FaultDay:
    """Draw day `number`; `symbols` are the listed ones of each market, to aim at."""
    draws = random.Random(f"{seed}/{number}")
    market = MARKETS[number % len(MARKETS)]
    moments = tuple(_moments(market, draws))
    sources = quote_sources(market)
    is_outage = draws.random() < 0.25
    faults = _outage(sources, draws) if is_outage else _faults(sources, symbols[market], moments, draws=draws)
    plan = FaultPlan(seed=draws.randrange(1 << 30), faults=tuple(faults))
    struck = {fault.source for fault in faults}
    neighbours = [name for name in MARKETS if name != market and struck.isdisjoint(quote_sources(name))]
    return FaultDay(number, market, draws.choice(neighbours), moments, plan)


def quote_sources(market: str) -> list[str]:
    """Return the sources that a market asks for quotes, and for its list of instruments."""
    return [rule.name for rule in load_market(market).sources]


def _moments(market: str, draws: random.Random) -> Iterator[datetime]:
    """Draw a good cycle, often one of the session before, and those under fire after it."""
    calendar = calendar_for(load_market(market))
    days = (LAST_DAY - FIRST_DAY).days
    session = _session_from(calendar, FIRST_DAY + timedelta(days=draws.randrange(days)), step=1)
    length = int((session.close - session.open).total_seconds() // 60)
    began = session.open + timedelta(minutes=draws.randrange(20, min(length - 40, LATEST_MINUTE)))
    if draws.random() < 0.3:
        before = _session_from(calendar, session.session_date - timedelta(days=1), step=-1)
        yield before.close - 20 * MINUTE
        began = session.open + timedelta(minutes=draws.randrange(1, 40))
    moment = began.astimezone(UTC) + timedelta(seconds=draws.randrange(2, 20))
    for _ in range(5):
        yield moment
        moment += draws.choice((1, 1, 1, 2, 4)) * MINUTE


def _session_from(calendar: TradingCalendar, day: date, *, step: int) -> Session:
    for _ in range(30):
        try:
            session = calendar.session(day)
        except CalendarError:
            session = None
        if session is not None:
            return session
        day += timedelta(days=step)
    raise RuntimeError(f"no session within thirty days of {day}: the calendar or the days drawn from are wrong")


def _outage(sources: Sequence[str], draws: random.Random) -> list[Fault]:
    """Silence two sources: of this market, and one of another when it has only one."""
    others = sorted({rule.name for file in load_markets().values() for rule in file.sources} - set(sources))
    chosen = [*draws.sample(list(sources), k=min(2, len(sources))), *draws.sample(others, k=1)][:2]
    return [Fault(kind=draws.choice(OUTAGES), source=source) for source in chosen]


def _faults(
    sources: Sequence[str], symbols: Sequence[str], moments: Sequence[datetime], *, draws: random.Random
) -> list[Fault]:
    return [_fault(draws.choice(sources), symbols, moments, draws=draws) for _ in range(draws.randrange(1, 5))]


def _fault(source: str, symbols: Sequence[str], moments: Sequence[datetime], *, draws: random.Random) -> Fault:
    kind = draws.choice(draws.choice((ANSWER_FAULTS, sorted(DATA_FAULTS))))
    chosen: dict[str, Any] = {"kind": kind, "source": source, "rate": draws.choice((0.1, 0.3, 0.6, 1.0))}
    if draws.random() < 0.3:
        routes = all_wires()[source].routes
        chosen["route"] = draws.choice(routes).path.replace("{symbol}", "*")
    if draws.random() < 0.3:
        chosen["symbols"] = tuple(draws.sample(list(symbols), k=min(3, len(symbols))))
    if draws.random() < 0.3:
        first, last = sorted(draws.sample(range(1, len(moments)), k=2))
        chosen |= {"start": moments[first], "end": moments[last]}
    if kind not in DATA_FAULTS and draws.random() < 0.2:
        chosen["first"] = draws.randrange(1, 6)
    return Fault(**chosen, **_extent(kind, draws))


def _extent(kind: FaultKind, draws: random.Random) -> dict[str, float]:
    match kind:
        case FaultKind.SLOW:
            return {"seconds": TINY_SECONDS}
        case FaultKind.STALE:
            return {"seconds": draws.choice((120.0, 3600.0, 86_400.0))}
        case FaultKind.FUTURE:
            return {"seconds": draws.choice((120.0, 600.0, 7200.0))}
        case FaultKind.X100:
            return {"factor": draws.choice(FACTORS)}
        case FaultKind.RATE_LIMITED | FaultKind.UNAVAILABLE:
            return draws.choice(({}, {"seconds": 2.0}, {"seconds": 90.0}))
    return {}
