"""What every source offers, and what the steps may rely on.

A source module defines `create(context) -> Source`; its file name is its name in market files, tables and the
simulated exchange. Parsing is a pure function on bytes, so that recorded samples test it without a network.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal, Protocol, cast, runtime_checkable

from market_pipeline.clock import Clock
from market_pipeline.errors import ConfigurationError, MarketPipelineError
from market_pipeline.markets.schema import MarketFile, SourceRule
from market_pipeline.model.bar import ChartBar, DailyBar
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.metrics import Fundamentals, Metrics
from market_pipeline.model.outcome import Outcome, RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.model.tick import Tick


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request at the source's true address; the transport alone knows about the simulated exchange."""

    source: str
    kind: RequestKind
    url: str
    method: Literal["GET", "POST"] = "GET"
    params: Mapping[str, str] | Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    json_body: object | None = None
    body: bytes | None = None
    """A body that is no JSON, with its Content-Type among the headers."""
    service: str = ""
    """Behind several hosts that fail together: they share a breaker under this name; "" gives each host its own."""
    expects: Literal["json", "html", "csv", "text"] = "json"
    min_bytes: int = 2
    max_bytes: int = 5_000_000
    """Cap on the body after decompression; only an instrument master may need more."""
    total_seconds: float | None = None
    """Deadline of the whole call with its retries; None takes the transport's."""
    refusal: Callable[[int, bytes], MarketPipelineError | None] | None = None
    """The source's own errors: (HTTP status, body) → what it means, None when the body is an answer. Asked first."""
    accepts: frozenset[int] = frozenset()
    """Statuses other than 2xx that are answers too: a redirect that the caller follows itself, a 404 with a cookie."""
    as_browser: bool = False
    """Shake hands as a browser does: for a source that answers no other client."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A body that passed the transport's checks (an accepted status, size, not HTML where something else is due)."""

    body: bytes
    http_status: int
    content_type: str
    received_time: datetime
    payload_sha: str
    attempts: int
    latency_ms: float
    headers: Mapping[str, str] = field(default_factory=dict)
    set_cookies: tuple[str, ...] = ()
    """The Set-Cookie lines; among `headers` they would be one text that cannot be taken apart."""


class Transport(Protocol):
    """Sends requests within the source's budget, retrying what a retry can help; raises only our errors."""

    def send(self, request: Request) -> Answer:
        """Return the checked answer. Raises Transient and Permanent errors of errors.py, never a library's."""


@dataclass(frozen=True, slots=True)
class Fetched[Record]:
    """What a call brought: the good records, and one outcome for every requested symbol."""

    records: tuple[Record, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class SourceContext:
    """All that a source is given. `credentials` holds only this source's keys, already unwrapped."""

    market: MarketFile
    rule: SourceRule
    transport: Transport
    clock: Clock
    credentials: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    """Where a source may keep what outlives the process, a cookie say; None: nowhere."""


class Source(Protocol):
    """A reporter. Methods never raise for one symbol: its outcome says what happened.

    They raise only what concerns the whole source before anything was asked (MissingKey).
    """

    name: str
    kinds: frozenset[RequestKind]

    def quotes(self, instruments: Sequence[Instrument]) -> Fetched[Quote]:
        """Fetch the present quote of each instrument, in as few requests as the source allows."""

    def minute_bars(self, instrument: Instrument, *, start: datetime, end: datetime) -> Fetched[ChartBar]:
        """Fetch finished one-minute bars with start <= interval_start < end (UTC), in time order."""

    def daily_bars(self, instrument: Instrument, *, start: date, end: date) -> Fetched[DailyBar]:
        """Fetch one bar a session from `start` to `end`, both included."""

    def instruments(self) -> Fetched[Instrument]:
        """Fetch the source's list of what trades, filtered by the market file's universe rule."""


@runtime_checkable
class QuoteParts(Protocol):
    """A source whose quotes take several requests, and that hands out what each brought.

    A cycle that has to go on without the rest keeps the parts that came in time, and takes no more.
    """

    def quote_parts(self, instruments: Sequence[Instrument]) -> Iterator[Fetched[Quote]]:
        """Yield the quotes and outcomes of one request after the other, in the order of `instruments`."""


def parts_of(source: Source, instruments: Sequence[Instrument]) -> Iterator[Fetched[Quote]]:
    """Yield the present quotes part by part; those of a source that knows no parts in one."""
    if isinstance(source, QuoteParts):
        yield from source.quote_parts(instruments)
    else:
        yield source.quotes(instruments)


def joined[Record](parts: Iterable[Fetched[Record]]) -> Fetched[Record]:
    """Return what several calls brought as one."""
    listed = list(parts)
    return Fetched(
        tuple(record for part in listed for record in part.records),
        tuple(outcome for part in listed for outcome in part.outcomes),
    )


class TradesSource(Source, Protocol):
    """A source that serves past trades besides."""

    def trades(self, instrument: Instrument, *, start: datetime, end: datetime) -> Fetched[Tick]:
        """Fetch all trades with start <= event_time < end (UTC), in time order."""


class MetricsSource(Source, Protocol):
    """A source that serves valuation, ranges and book sizes besides; `kinds` names METRICS."""

    def metrics(self, instruments: Sequence[Instrument]) -> Fetched[Metrics]:
        """Fetch the present metrics of each instrument, in as few requests as the source allows."""


class FundamentalsSource(Source, Protocol):
    """A source that serves balance sheets besides; `kinds` names FUNDAMENTALS."""

    def fundamentals(self, instruments: Sequence[Instrument]) -> Fetched[Fundamentals]:
        """Fetch the newest published statements of each instrument."""


class SourceModule(Protocol):
    """What a source's module exports."""

    REQUIRED_KEYS: tuple[str, ...]
    """Names of settings without which the live source is off."""
    HOME: str
    """The source's true address, for `doctor` to reach."""

    def create(self, context: SourceContext) -> Source:
        """Make the source for one market."""


def source_module(name: str) -> SourceModule:
    """Import the module of the source called `name`. Raise ConfigurationError when there is none."""
    try:
        return cast(SourceModule, importlib.import_module(f"market_pipeline.sources.{name}"))
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"tried to load source {name!r}: there is no market_pipeline/sources/{name}.py; "
            "a retry does not help; correct the name in the market file"
        ) from error
