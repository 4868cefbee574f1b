"""What the tests of Yahoo share: a page's circumstances, a market, and a server that answers as Yahoo's hosts do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from market_pipeline.markets.schema import CalendarSection, MarketFile, SourceRule, SymbolRule
from market_pipeline.markets.schema.calendar import PhaseRule
from market_pipeline.model.instrument import Instrument
from market_pipeline.sources.parsing.readings import Page
from market_pipeline.sources.source import SourceContext
from market_pipeline.sources.yahoo import Yahoo, create
from market_pipeline_tests.sources.scripted_server import Reply, Seen, reply
from market_pipeline_tests.sources.transport_bench import Bench, bench

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "yahoo"
NOW = datetime(2026, 11, 24, 15, 30, 2, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
RULE = SourceRule(name="yahoo", terms="test", batch_size=150, options={"code_style": "us"})
US = MarketFile(
    market="us",
    title="United States",
    exchange="NYSE and Nasdaq",
    country="United States",
    currency="USD",
    calendar=CalendarSection(
        name="XNYS",
        zone="America/New_York",
        phases=(PhaseRule.model_validate({"name": "continuous", "state": "open", "start": "09:30", "end": "16:00"}),),
    ),
    sources=(RULE,),
    symbols=(SymbolRule(symbol="AAPL", name="Apple"),),
)
APPLE, MICROSOFT, BERKSHIRE, GONE = (
    Instrument("us", symbol, symbol, currency="USD") for symbol in ("AAPL", "MSFT", "BRK.B", "GONE1")
)
A_COOKIE = (
    "A3=d=AQABBx&S=AQAAA; Expires=Wed, 24 Nov 2027 21:30:02 GMT; Max-Age=31557600; Domain=.yahoo.com; Path=/; Secure"
)

COOKIE = reply(404, b"", Set_Cookie=A_COOKIE, Content_Type="text/plain")


def body(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def changed(name: str, change: Callable[[Any], None]) -> bytes:
    """Return a sample after `change` to its document."""
    document = json.loads(body(name))
    change(document)
    return json.dumps(document).encode()


def page(zone: ZoneInfo = NEW_YORK, at: datetime = NOW, market: str = "us") -> Page:
    return Page(market, "yahoo", "USD", zone, at, timestamps="utc", payload_sha="sha")


def sample(name: str, status: int = 200, **headers: str) -> Reply:
    kind = "application/json" if name.endswith("json") else "text/html" if name.endswith("html") else "text/plain"
    return reply(status, body(name), **({"Content_Type": kind} | headers))


@contextmanager
def yahoo(
    folder: Path, data: Sequence[Reply], *, limits: dict[str, Any] | None = None, **rule: object
) -> Iterator[tuple[Yahoo, Bench]]:
    """Serve a cookie, a crumb and then `data` by its script, the last reply for ever."""
    script = [COOKIE, sample("crumb.txt"), *data]
    patience = {"cycle_seconds": 5.0} if limits else {}
    with bench(folder, script, rule={"name": "yahoo"} | (limits or {}), at=NOW, **patience) as it:
        changed_rule = RULE.model_copy(update=rule)
        source = create(SourceContext(US, changed_rule, it.transport, it.clock, {}, folder / "yahoo"))
        assert isinstance(source, Yahoo)
        yield source, it


def paths(it: Bench) -> list[str]:
    return [urlsplit(seen.path).path.removeprefix("/yahoo") for seen in it.server.seen]


def query(seen: Seen) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(seen.path).query).items()}
