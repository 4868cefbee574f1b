"""Everything one simulated exchange holds: clock, faults, counters, and the exchange behind each market."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from market_pipeline.clock import Clock
from market_pipeline.errors import CalendarError, UsageError
from market_pipeline.markets.loader import load_market, load_markets
from market_pipeline.markets.schema import MarketFile
from market_pipeline.markets.trading_calendar import TradingCalendar, calendar_for
from market_pipeline.model.session import Session
from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.faults import Fault, FaultBook, FaultKind
from market_pipeline.simulator.listing import listings_of, with_groups
from market_pipeline.simulator.options import SimulatorOptions
from market_pipeline.simulator.price_model import ModelTapes
from market_pipeline.simulator.replay import RecordedTapes, recorded_tapes
from market_pipeline.simulator.timeline import Timeline
from market_pipeline.simulator.viewpoint import Viewpoint
from market_pipeline.simulator.wire import all_wires
from market_pipeline.simulator.wire.format import Call, Route, Wire


@dataclass
class RouteCount:
    """How often a route was asked for, and what it answered."""

    requests: int = 0
    by_status: Counter[int] = field(default_factory=Counter)


class Simulation:
    """The state behind the server. Exchanges are built when first asked for, so that starting costs little."""

    def __init__(self, options: SimulatorOptions, clock: Clock) -> None:
        self.options = options
        self.clock = clock
        self.faults = FaultBook(options.plan())
        self.counts: defaultdict[str, RouteCount] = defaultdict(RouteCount)
        self._markets = _markets_by_source()
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._exchanges = {market: self._replayed(market) for market in options.replay}

    def exchange(self, market: str) -> Exchange:
        """Return the exchange of a market. Raise UsageError for a market that cannot be simulated."""
        if market not in self._exchanges:
            file = load_market(market)
            listings = with_groups(listings_of(market), file)
            tapes = ModelTapes(listings, _timeline(file), seed=self.options.seed)
            self._exchanges[market] = Exchange(tapes, seed=self.options.seed)
        return self._exchanges[market]

    def _replayed(self, market: str) -> Exchange:
        simulated = sorted({name for markets in self._markets.values() for name in markets})
        if market not in simulated:
            raise UsageError(
                f"--replay {market}=…: no source of this market is simulated; a retry does not help; "
                f"choose one of {', '.join(simulated)}"
            )
        timeline, path = _timeline(load_market(market)), self.options.replay[market]
        tapes: RecordedTapes = recorded_tapes(
            market, path, zone=timeline.zone, known=listings_of(market), find=timeline.session
        )
        return Exchange(tapes, seed=self.options.seed)

    def call(self, wire: Wire, request: Mapping[str, Any]) -> Call:
        """Return what a route answers to: the request and what its source sees now."""
        now = self.clock.now()
        data_faults = self.faults.data_faults(wire.source, request["path"], now=now)
        moment = now.timestamp()
        delays = self._markets.get(wire.source, {})

        def view_of(market: str) -> Viewpoint:
            delay_seconds = delays[market] if self.options.delays else 0
            return Viewpoint(self.exchange(market), moment - delay_seconds, data_faults)

        return Call(**request, now=moment, view_of=view_of, markets=tuple(delays))

    def fault_of(self, wire: Wire, route: Route, call: Call) -> Fault | None:
        """Return what goes wrong with this answer: the source's own rate limit, or a fault of the plan."""
        limit = route.limit_per_second
        if self.options.limits and limit and not self._admits(f"{wire.source}/{limit}", limit):
            return Fault(kind=FaultKind.RATE_LIMITED)
        if not self.faults.plan.faults:
            return None
        now = self.clock.now()
        return self.faults.answer_fault(wire.source, call.path, symbol=route.symbol_of(call), now=now)

    def _admits(self, bucket: str, limit: int) -> bool:
        """Tell whether a source's limit allows one more request within the last second of real time."""
        recent, now = self._recent[bucket], self.clock.monotonic()
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= limit:
            return False
        recent.append(now)
        return True

    def stats(self) -> dict[str, Any]:
        """Return the counters by route."""
        return {
            route: {"requests": count.requests, "by_status": {str(k): v for k, v in sorted(count.by_status.items())}}
            for route, count in sorted(self.counts.items())
        }

    def count(self, route: str, status: int) -> None:
        """Count one answer."""
        count = self.counts[route]
        count.requests += 1
        count.by_status[status] += 1


def _markets_by_source() -> dict[str, dict[str, int]]:
    """Return source → market → the delay in seconds that the market file states, for every source with a wire."""
    found: dict[str, dict[str, int]] = {source: {} for source in all_wires()}
    for name, file in load_markets().items():
        for rule in file.sources:
            if rule.name in found:
                found[rule.name][name] = rule.declared_delay_seconds
    return found


def _timeline(file: MarketFile) -> Timeline:
    calendar: TradingCalendar = calendar_for(file)

    def session(day: date) -> Session | None:
        try:
            return calendar.session(day)
        except CalendarError:  # before the calendar's first day nothing has traded
            return None

    return Timeline(session, ZoneInfo(file.calendar.zone))


def iso(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat()
