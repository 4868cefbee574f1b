"""The operator's proxies: used when listed and only then, sticky, checked, quarantined, and never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from market_pipeline.clock import HandClock
from market_pipeline.errors import Blocked, ConfigurationError, ProxyFailed, RateLimited
from market_pipeline.markets.schema import SourceRule
from market_pipeline.model.outcome import RequestKind
from market_pipeline.settings import Settings
from market_pipeline.sources.source import Request
from market_pipeline.sources.transport.breaker import breaker_views
from market_pipeline.sources.transport.http_transport import HttpTransport
from market_pipeline.sources.transport.patience import Patience
from market_pipeline.sources.transport.proxies import Proxy, ProxyPool
from market_pipeline.steps.runtime import Runtime, open_runtime
from market_pipeline_tests.sources.scripted_server import Reply, ScriptedServer, reply, serving
from market_pipeline_tests.sources.transport.tiny_proxy import closed_port, proxying

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ASK = Request("kraken", RequestKind.QUOTE, "https://api.kraken.com/0/public/Ticker?pair=XBTUSD")
LOGIN = "user:pa55word"
Transports = Callable[[str], HttpTransport]


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def exchange() -> Iterator[ScriptedServer]:
    with serving([reply()]) as server:
        yield server


@pytest.fixture
def transports(tmp_path: Path, clock: HandClock, exchange: ScriptedServer) -> Iterator[Transports]:
    """Makes transports of kraken with these proxies; their pauses move the hand clock."""
    made: list[HttpTransport] = []

    def make(proxies: str) -> HttpTransport:
        settings = Settings(data=tmp_path, simulator_url=exchange.url, proxies=proxies, _env_file=None)
        patience = Patience(sleep=lambda seconds: clock.advance(timedelta(seconds=seconds)))
        rule = SourceRule(name="kraken", terms="test")
        made.append(
            HttpTransport(rule, settings=settings, clock=clock, keep=lambda _: "", patience=patience, session="crypto")
        )
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def test_a_listed_proxy_carries_the_request_with_its_login(transports: Transports, exchange: ScriptedServer) -> None:
    with proxying(login=LOGIN) as proxy:
        assert transports(f"kraken={proxy.url}").send(ASK).body == b"{}"
        assert proxy.passed == [f"{exchange.url}/kraken/0/public/Ticker?pair=XBTUSD"]
    assert "Proxy-Authorization" not in exchange.seen[0].headers


def test_without_a_list_and_for_other_sources_none_is_used(transports: Transports, exchange: ScriptedServer) -> None:
    with proxying() as proxy:
        transports(f"wafa_bourse={proxy.url}").send(ASK)
        transports("").send(ASK)
        assert proxy.passed == []
    assert len(exchange.seen) == 2


def test_a_source_and_market_keep_to_one_proxy_and_others_may_have_another(tmp_path: Path, clock: HandClock) -> None:
    proxies = [Proxy(f"http://127.0.0.1:{port}") for port in range(1, 9)]

    def chosen(session: str) -> str:
        found = ProxyPool("yahoo", session, proxies, tmp_path, clock, check=lambda _: True).choose()
        return found.name if found else ""

    assert {chosen("us") for _ in range(5)} == {chosen("us")}
    assert len({chosen(session) for session in ("us", "saudi", "global", "crypto")}) > 1


def test_three_failures_in_a_row_put_a_proxy_in_quarantine_for_ten_minutes(
    transports: Transports, clock: HandClock, exchange: ScriptedServer
) -> None:
    with proxying() as one, proxying() as two:
        transports(f"kraken={one.url},{two.url}").send(ASK)
        used, other = (one, two) if one.passed else (two, one)
        used.is_broken = True
        transport = transports(f"kraken={one.url},{two.url}")
        with pytest.raises(ProxyFailed, match=f"through the proxy 127.0.0.1:{used.port} and got ProxyError"):
            transport.send(ASK)
        assert (len(used.refused), other.passed) == (3, [])
        transport.send(ASK)
        assert len(other.passed) == 1
        used.is_broken = False
        clock.advance(timedelta(minutes=9))
        transport.send(ASK)
        assert (len(used.passed), len(other.passed)) == (1, 2)
        clock.advance(timedelta(minutes=2))
        transport.send(ASK)
        assert (len(used.passed), len(other.passed)) == (2, 2)
    assert len(exchange.seen) == 4


def test_a_proxy_that_takes_no_connection_is_passed_over_before_anything_is_sent(
    transports: Transports, exchange: ScriptedServer
) -> None:
    with proxying() as proxy:
        dead = [f"http://127.0.0.1:{closed_port()}" for _ in range(3)]
        transports(f"kraken={','.join([*dead, proxy.url])}").send(ASK)
        assert len(proxy.passed) == 1
    assert len(exchange.seen) == 1


def test_when_no_proxy_works_nothing_goes_out_directly(transports: Transports, exchange: ScriptedServer) -> None:
    port = closed_port()
    with pytest.raises(ProxyFailed, match=f"none of its 1 proxies works.* look after 127.0.0.1:{port}") as caught:
        transports(f"kraken=http://{LOGIN}@127.0.0.1:{port}").send(ASK)
    assert caught.value.attempts == 0
    assert exchange.seen == []


def test_a_failing_proxy_does_not_speak_against_the_source(
    transports: Transports, tmp_path: Path, clock: HandClock
) -> None:
    with proxying() as proxy:
        proxy.is_broken = True
        transport = transports(f"kraken={proxy.url}")
        for _ in range(3):
            with pytest.raises(ProxyFailed):
                transport.send(ASK)
    assert breaker_views(tmp_path / "simulated" / "limits", "kraken", clock) == {}


@pytest.mark.parametrize("script", [[reply(429)], [reply(403)]])
def test_a_refusal_by_the_source_is_no_reason_to_take_another_proxy(
    tmp_path: Path, clock: HandClock, script: list[Reply]
) -> None:
    with serving(script) as strict, proxying() as one, proxying() as two:
        settings = Settings(
            data=tmp_path, simulator_url=strict.url, proxies=f"kraken={one.url},{two.url}", _env_file=None
        )
        patience = Patience(sleep=lambda seconds: clock.advance(timedelta(seconds=seconds)))
        rule = SourceRule(name="kraken", terms="test")
        transport = HttpTransport(rule, settings=settings, clock=clock, keep=lambda _: "", patience=patience)
        for _ in range(2):
            with pytest.raises((RateLimited, Blocked)):
                transport.send(ASK)
        transport.close()
        assert sorted([len(one.passed), len(two.passed)]) == [0, len(strict.seen)]


def test_a_wrong_login_is_the_proxy_s_failure_and_no_secret_is_shown(
    transports: Transports, tmp_path: Path, exchange: ScriptedServer
) -> None:
    with proxying(login=LOGIN, wanted="user:another") as proxy, structlog.testing.capture_logs() as logs:
        with pytest.raises(ProxyFailed, match="got HTTP 407") as caught:
            transports(f"kraken={proxy.url}").send(ASK)
        shown = f"{caught.value!r}{logs}{Proxy(proxy.url)!r}"
    files = "".join(f"{path}{path.read_text()}" for path in (tmp_path / "simulated" / "limits").glob("*"))
    assert [entry["proxy"] for entry in logs] == [f"127.0.0.1:{proxy.port}"]
    assert [word for word in ("pa55word", "user:") if word in shown + files] == []
    assert exchange.seen == []


def test_the_simulated_feed_takes_proxies_on_this_machine_only(transports: Transports) -> None:
    with pytest.raises(ConfigurationError, match=r"lists proxy\.example:3128 for kraken") as caught:
        transports(f"kraken=http://{LOGIN}@proxy.example:3128")
    assert "pa55word" not in str(caught.value)


@pytest.mark.parametrize(("allowed", "is_off"), [("", True), ("wafa_bourse", True), ("wafa_bourse, dhan", False)])
def test_a_source_with_keys_is_off_while_proxies_are_listed_for_it_unless_allowed(
    tmp_path: Path, clock: HandClock, allowed: str, is_off: bool
) -> None:
    settings = Settings(data=tmp_path, proxies="dhan=http://127.0.0.1:9", proxied_keys=allowed, _env_file=None)
    off = Runtime(settings, clock).market("india").off
    assert ("dhan" in off) is is_off
    assert not is_off or off["dhan"].startswith("off: its keys do not travel through a proxy")


def test_proxies_of_a_source_that_there_is_not_are_refused(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, proxies="karken=http://127.0.0.1:9", _env_file=None)
    with pytest.raises(ConfigurationError, match="MARKET_PIPELINE_PROXIES names karken, and the sources are"):
        open_runtime(settings)
