"""What the tests of the three Casablanca sources share: a small market, its instruments, and answers from samples."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

from market_pipeline.clock import HandClock
from market_pipeline.errors import MarketPipelineError
from market_pipeline.markets.schema import CalendarSection, MarketFile, SourceRule, SymbolRule
from market_pipeline.markets.zones import zone
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.model.outcome import Outcome
from market_pipeline.model.quote import Quote
from market_pipeline.settings import Settings
from market_pipeline.sources.parsing.readings import Page
from market_pipeline.sources.source import Answer, Fetched, Request, SourceContext, Transport
from market_pipeline.sources.transport.http_transport import HttpTransport
from market_pipeline.sources.transport.patience import Patience

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
FRIDAY_AFTERNOON = datetime(2026, 11, 20, 13, 45, 30, tzinfo=UTC)

ATW = Instrument("casablanca", "ATW", "Attijariwafa Bank", isin="MA0000012445", shares_outstanding=215_140_839)
BAL = Instrument("casablanca", "BAL", "Balima")
BOA = Instrument("casablanca", "BOA", "Bank of Africa")
IAM = Instrument("casablanca", "IAM", "Itissalat Al-Maghrib")
LBV = Instrument("casablanca", "LBV", "Label'Vie")
LES = Instrument("casablanca", "LES", "Lesieur Cristal")
LHM = Instrument(
    "casablanca",
    "LHM",
    "LafargeHolcim Maroc",
    aliases=(Alias("african_markets", "LAF"), Alias("wafa_bourse", "LFG", valid_to=date(2019, 12, 31))),
)
MLE = Instrument("casablanca", "MLE", "Maroc Leasing")
SAM = Instrument("casablanca", "SAM", "Samir")
CDA = Instrument("casablanca", "CDA", "Centrale Danone", listed_to=date(2022, 6, 10))


class RecordedTransport:
    """Stands at the wire: gives the recorded bytes (or error) that `reply` chooses, and keeps the requests."""

    def __init__(self, reply: Callable[[Request], bytes | MarketPipelineError], clock: HandClock) -> None:
        self.reply = reply
        self.clock = clock
        self.requests: list[Request] = []

    def send(self, request: Request) -> Answer:
        self.requests.append(request)
        body = self.reply(request)
        if isinstance(body, bytes) and request.refusal is not None:
            body = request.refusal(200, body) or body
        if isinstance(body, MarketPipelineError):
            raise body
        return Answer(
            body=body,
            http_status=200,
            content_type="application/json",
            received_time=self.clock.now(),
            payload_sha=hashlib.sha256(body).hexdigest(),
            attempts=1,
            latency_ms=12.5,
        )


@dataclass(frozen=True)
class Seen:
    """One request as the local site saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes


Respond = Callable[[Seen], tuple[int, bytes, dict[str, str]]]


@contextmanager
def local_site(respond: Respond) -> Iterator[tuple[str, list[Seen]]]:
    """Serve `respond` on loopback; yields its address and the requests that it has seen."""
    seen: list[Seen] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Seen(
                self.command, parts.path, dict(parse_qsl(parts.query)), self.headers, self.rfile.read(length)
            )
            seen.append(request)
            status, body, headers = respond(request)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - http.server calls these names

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def live_transport(source: str, address: str, folder: Path, clock: HandClock) -> Iterator[HttpTransport]:
    """Make the true transport, sent to the local site instead of the source's host; it never waits."""
    transport = HttpTransport(
        SourceRule(name=source, timestamps="local", terms="tests only"),
        settings=Settings(simulator_url=address, data=folder, budgets=False),
        clock=clock,
        keep=lambda body: hashlib.sha256(body).hexdigest(),
        patience=Patience(sleep=lambda _: None),
    )
    try:
        yield transport
    finally:
        transport.close()


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def recorded(*bodies: bytes | MarketPipelineError, at: datetime = FRIDAY_AFTERNOON) -> RecordedTransport:
    """Answer with the bodies one after the other; the last one for ever."""
    queue = list(bodies)
    return RecordedTransport(lambda _: queue.pop(0) if len(queue) > 1 else queue[0], HandClock(at))


def context_for(source: str, transport: Transport, clock: HandClock | None = None) -> SourceContext:
    rule = SourceRule(name=source, timestamps="local", terms="tests only")
    market = MarketFile(
        market="casablanca",
        title="Casablanca",
        exchange="Casablanca Stock Exchange",
        country="Morocco",
        currency="MAD",
        calendar=CalendarSection(name="XCAS", zone="Africa/Casablanca"),
        sources=(rule,),
        symbols=(SymbolRule(symbol="ATW", name="Attijariwafa Bank"),),
    )
    if clock is None:
        clock = transport.clock if isinstance(transport, RecordedTransport) else HandClock(FRIDAY_AFTERNOON)
    return SourceContext(market=market, rule=rule, transport=transport, clock=clock)


def page_at(received_time: datetime, source: str) -> Page:
    return Page("casablanca", source, "MAD", zone("Africa/Casablanca"), received_time)


def quotes_of(fetched: Fetched[Quote]) -> dict[str, Quote]:
    return {quote.symbol: quote for quote in fetched.records}


def outcomes_of(fetched: Fetched[object]) -> dict[str, Outcome]:
    by_symbol = {outcome.symbol: outcome for outcome in fetched.outcomes}
    assert len(by_symbol) == len(fetched.outcomes), "a symbol has two outcomes"
    return by_symbol


JSON_JUNK = (
    *(b"NaN", b"Infinity", b"-Infinity", b"-1", b"1e999", b"0", b"null", b"[]", b"[1]", b"{}", b'{"a":1}', b"true"),
    *(b'"-1"', b'"1e999"', b'"inf"', b'"nan"', b'"0001-01-01T00:00:00"', b'"9999-12-31T23:59:59"', b'"1.105,00"'),
    *(b'"12/11/0001 00:00:00"', b'"\\ud800"', b"1" * 5000, b'"' + b"9" * 400 + b'"', b'""', b'"-"', b'"\\u0000"'),
)
JUNK = (b"NaN", b"Infinity", b"-1", b"1e999", b"null", b"[]", b"{}", b'"', b"\x00", b"\xff\xfe", b"<td>", b"-", b"0")


def mutations(body: bytes, random: Random, *, count: int) -> Iterator[bytes]:
    """Damage `body` in `count` ways: cut short, a byte flipped, a stretch removed, doubled, or replaced by junk."""
    for _ in range(count):
        start = random.randrange(len(body))
        end = min(len(body), start + random.randrange(1, 40))
        yield random.choice(
            (
                body[:start],
                body[:start] + bytes([random.randrange(256)]) + body[start + 1 :],
                body[:start] + body[end:],
                body[:end] + body[start:],
                body[:start] + random.choice(JUNK) + body[end:],
            )
        )


def swaps(body: bytes, random: Random, *, count: int) -> Iterator[bytes]:
    """Put junk in the place of one whole value of a JSON text, so that the document stays well formed."""
    values = [match.span(1) for match in re.finditer(rb':("[^"]*"|[\d.]+|null|\[\])', body)]
    for _ in range(count):
        start, end = random.choice(values)
        yield body[:start] + random.choice(JSON_JUNK) + body[end:]
