"""A Saudi market whose `sharia` section is the documented one, and a source of its own that answers over real HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from market_pipeline.clock import Clock, HandClock
from market_pipeline.errors import MarketPipelineError, PayloadError
from market_pipeline.markets.loader import read_market_file
from market_pipeline.markets.schema import MarketFile, SourceRule
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.metrics import Fundamentals, Metrics
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.settings import Settings
from market_pipeline.sources.parsing.outcomes import Inquiry
from market_pipeline.sources.source import Answer, Fetched, Request, Transport
from market_pipeline.sources.transport.http_transport import HttpTransport
from market_pipeline.sources.transport.patience import Patience
from market_pipeline.steps.runtime import CycleClock, MarketRuntime, Runtime
from market_pipeline_tests.conftest import PROJECT
from market_pipeline_tests.sources.scripted_server import ScriptedServer, reply, serving

SAUDI = """\
type: market_pipeline.components.market.Market
attributes:
  market: saudi
  title: Saudi Exchange
  exchange: Tadawul
  country: Saudi Arabia
  currency: SAR
  calendar:
    name: XSAU
    zone: Asia/Riyadh
    weekly_pattern: [6, 0, 1, 2, 3]
    phases:
      - {name: continuous, state: open, start: "10:00", end: "15:00"}
      - {name: closing_auction, state: auction, start: "15:00", end: "15:10"}
  sources:
    - {name: board, batch_size: 3, terms: Made up for a test.}
    - {name: second, terms: Made up for a test.}
  symbols:
    - {symbol: "1120", name: Al Rajhi Bank, shares_outstanding: 4000000000}
    - {symbol: "1180", name: Saudi National Bank}
    - {symbol: "2010", name: SABIC}
    - {symbol: "2222", name: Saudi Aramco}
    - {symbol: "4190", name: Jarir Marketing}
"""


def documented_section() -> str:
    """The `sharia` section as docs/sharia-screen.md shows it."""
    [block] = re.findall(r"```yaml\n(.+?)```", (PROJECT / "docs" / "sharia-screen.md").read_text(), flags=re.DOTALL)
    return str(block)


def saudi_file(folder: Path, more: str = "") -> MarketFile:
    path = folder / "saudi" / "defs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SAUDI + documented_section() + more, encoding="utf-8")
    return read_market_file(path)


@dataclass
class Board:
    """A source of metrics and statements: one request a call, JSON that names each symbol it knows."""

    name: str
    transport: Transport
    clock: Clock
    kinds: frozenset[RequestKind] = frozenset({RequestKind.METRICS, RequestKind.FUNDAMENTALS})

    def metrics(self, instruments: Sequence[Instrument]) -> Fetched[Metrics]:
        return self._fetch(RequestKind.METRICS, instruments, self._metrics)

    def fundamentals(self, instruments: Sequence[Instrument]) -> Fetched[Fundamentals]:
        return self._fetch(RequestKind.FUNDAMENTALS, instruments, self._statement)

    def _fetch[Record](
        self, kind: RequestKind, instruments: Sequence[Instrument], make: Callable[[dict[str, Any], Answer], Record]
    ) -> Fetched[Record]:
        symbols = [one.symbol for one in instruments]
        inquiry = Inquiry("saudi", self.name, kind)
        request = Request(self.name, kind, f"https://{self.name}.example/{kind}", params={"of": ",".join(symbols)})
        try:
            answer = self.transport.send(request)
            said = json.loads(answer.body)
        except MarketPipelineError as error:
            return Fetched((), inquiry.failed(symbols, error, at=self.clock.now()))
        except ValueError:
            return Fetched((), inquiry.failed(symbols, PayloadError("no JSON"), at=self.clock.now()))
        outcomes: list[Outcome] = []
        for symbol in symbols:
            known = any(row["symbol"] == symbol for row in said)
            status = OutcomeStatus.OK if known else OutcomeStatus.EMPTY
            outcomes.append(inquiry.answered(symbol, status, answer))
        return Fetched(tuple(make(row, answer) for row in said), tuple(outcomes))

    def _metrics(self, row: dict[str, Any], answer: Answer) -> Metrics:
        event = row.pop("event_time", None)
        times = {"received_time": answer.received_time, "event_time": datetime.fromisoformat(event) if event else None}
        return Metrics("saudi", self.name, **row, **times, payload_sha=answer.payload_sha)

    def _statement(self, row: dict[str, Any], answer: Answer) -> Fundamentals:
        period = row.pop("period_end", None)
        made = {"period_end": date.fromisoformat(period) if period else None, "payload_sha": answer.payload_sha}
        return Fundamentals("saudi", self.name, received_time=answer.received_time, **made, **row)


@dataclass
class Site:
    """What the sources' server says, by kind and symbol; a status other than 200 is all that it says."""

    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    fundamentals: dict[str, dict[str, Any]] = field(default_factory=dict)
    status: int = 200
    body: bytes | None = None
    asked: list[str] = field(default_factory=list)
    """Kind and symbols of each request, like "metrics 1120,1180"."""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        kind, symbols = parts.path.rsplit("/", 1)[1], parse_qs(parts.query)["of"][0].split(",")
        self.asked.append(f"{kind} {','.join(symbols)}")
        known = self.metrics if kind == "metrics" else self.fundamentals
        rows = [{"symbol": symbol, **known[symbol]} for symbol in symbols if symbol in known]
        body = json.dumps(rows).encode() if self.body is None else self.body
        reply(self.status, body)(handler)

    def requests(self, kind: str) -> list[str]:
        return [line.removeprefix(f"{kind} ") for line in self.asked if line.startswith(f"{kind} ")]


@dataclass
class SaudiDesk:
    """The market, wired to the site, in a feed of its own."""

    site: Site
    clock: HandClock
    runtime: Runtime
    market: MarketRuntime
    server: ScriptedServer


@contextmanager
def saudi_desk(
    folder: Path, clock: HandClock, *, names: Sequence[str] = ("board",), more: str = ""
) -> Iterator[SaudiDesk]:
    """Wire those of the market's sources that `names` lists; the other ones are off."""
    site = Site()
    file = saudi_file(folder / "files", more)
    with serving([site.answer]) as server:
        settings = Settings(data=folder / "data", simulator_url=server.url, budgets=False, _env_file=None)
        runtime = Runtime(settings, clock)
        patience = Patience(tries=1, sleep=lambda _: None)

        def make(rule: SourceRule) -> Board:
            keep = runtime.payloads.keep
            return Board(
                rule.name, HttpTransport(rule, settings=settings, clock=clock, keep=keep, patience=patience), clock
            )

        off = {rule.name: "off: not wired" for rule in file.sources if rule.name not in names}
        cycle = CycleClock(clock, file.cycle_deadline_seconds, clock.monotonic())
        market = MarketRuntime(file, calendar_for(file), off, make, cycle)  # type: ignore[arg-type]
        yield SaudiDesk(site, clock, runtime, market, server)
