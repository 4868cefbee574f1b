"""What a look leaves behind: the table of alerts, the heartbeat's address, and no secret anywhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import duckdb
import pytest
from filelock import FileLock
from pydantic import SecretStr
from structlog.testing import capture_logs

from market_pipeline.alerts.conditions import Condition, Verdict
from market_pipeline.clock import HandClock
from market_pipeline.markets.loader import load_market
from market_pipeline.settings import Settings
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.tell import Told, market_quiet_hours, tell
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.alerts.desk import wrong
from market_pipeline_tests.alerts.receivers import Pulse, Slack, mail_server, pulse_receiver, slack_receiver
from market_pipeline_tests.steps.conftest import ALL_OPEN

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def slack() -> Iterator[Slack]:
    with slack_receiver() as receiver:
        yield receiver


@pytest.fixture
def pulse() -> Iterator[Pulse]:
    with pulse_receiver() as receiver:
        yield receiver


@pytest.fixture
def connected(settings: Settings, slack: Slack, pulse: Pulse) -> Settings:
    """Settings with a webhook and a heartbeat."""
    return settings.model_copy(
        update={
            "slack_webhook_url": SecretStr(f"{slack.address}/services/T0/B0/s3cret-hook"),
            "heartbeat_url": SecretStr(f"{pulse.address}/ping/s3cret-pulse"),
        }
    )


def look(settings: Settings, runtime: Runtime, *holding: Condition, market: str = "us") -> Told:
    return tell(settings, [Verdict(market, holding, frozenset())], clock=runtime.clock, warehouse=runtime.warehouse)


def test_the_table_of_alerts_changes_while_somebody_has_market_duckdb_open(
    connected: Settings, runtime: Runtime, clock: HandClock
) -> None:
    path = runtime.warehouse.build_market_duckdb().path
    with duckdb.connect(str(path), read_only=True) as open_file:
        look(connected, runtime, wrong())
        seen = "SELECT market, key, severity, told, ended, notified, messages, evidence FROM alerts"
        began = open_file.sql(seen).fetchall()
        clock.advance(5 * MINUTE)
        look(connected, runtime)
        look(connected, runtime)
        ended = open_file.sql(seen).fetchall()
    channels = ["log", "slack_webhook"]
    assert began == [("us", "stale_data", "warning", ALL_OPEN, None, channels, 2, "seen in us")]
    assert ended == [("us", "stale_data", "warning", ALL_OPEN, ALL_OPEN + 5 * MINUTE, channels, 4, "seen in us")]


def test_the_table_waits_for_a_locked_market_and_the_message_does_not(
    connected: Settings, runtime: Runtime, slack: Slack
) -> None:
    hurried = Warehouse(runtime.folder, clock=runtime.clock, lock_timeout_seconds=0)
    verdict = Verdict("us", (wrong(),), frozenset())
    hurried.prepare()
    lock = hurried.layout.lock("us")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock), capture_logs() as logs:
        tell(connected, [verdict], clock=runtime.clock, warehouse=hurried)
    assert len(slack.payloads) == 1
    assert "alerts_not_shown" in [line["event"] for line in logs]
    tell(connected, [verdict], clock=runtime.clock, warehouse=hurried)
    assert hurried.latest("alerts", "us").num_rows == 1


def test_the_heartbeat_s_address_is_asked_every_five_minutes(
    connected: Settings, runtime: Runtime, clock: HandClock, pulse: Pulse
) -> None:
    for _ in range(11):
        look(connected, runtime)
        clock.advance(MINUTE)
    assert pulse.asked == ["/ping/s3cret-pulse"] * 3


def test_a_channel_that_fails_stops_the_heartbeat(
    connected: Settings, runtime: Runtime, clock: HandClock, pulse: Pulse, slack: Slack
) -> None:
    slack.answer = (404, "no_service")
    look(connected, runtime, wrong())
    assert pulse.asked == []
    slack.answer = None
    clock.advance(MINUTE)
    look(connected, runtime, wrong())
    assert len(pulse.asked) == 1


def test_a_heartbeat_that_fails_is_logged_without_its_address(
    connected: Settings, runtime: Runtime, pulse: Pulse
) -> None:
    pulse.status = 404
    with capture_logs() as logs:
        look(connected, runtime)
    (line,) = [line for line in logs if line["event"] == "heartbeat_failed"]
    assert line["error"].startswith("asked the address of HEARTBEAT_URL: HTTPError: HTTP Error 404: Not Found; ")
    assert "s3cret" not in str(line)


def test_no_secret_reaches_a_message_the_table_or_the_log(
    connected: Settings, runtime: Runtime, slack: Slack, caplog: pytest.LogCaptureFixture
) -> None:
    token, proxy = "dhan-s3cret-token", "yahoo=http://me:s3cret-pass@proxy.example:8080"
    keys = connected.model_copy(update={"dhan_api_token": SecretStr(token), "proxies": SecretStr(proxy)})
    said = f"GET https://api.example/v2?access-token={token} by http://me:s3cret-pass@proxy.example: 401"
    talkative = Condition(wrong().key, "us", f"refused {token}", ALL_OPEN, said, f"renew {token}")
    with caplog.at_level(logging.DEBUG), capture_logs() as logs, mail_server() as box:
        look(keys.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": box.port}), runtime, talkative)
    text = str(slack.payloads) + str(logs) + caplog.text + str(runtime.warehouse.latest("alerts", "us").to_pylist())
    assert "s3cret" not in text
    assert "access-token=(secret) by http://me:(secret)@proxy.example: 401" in str(slack.payloads)


def test_a_market_s_quiet_hours_are_in_its_own_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    file = load_market("india").model_copy(update={"quiet_hours": "22:00-07:00"})
    monkeypatch.setattr("market_pipeline.steps.tell.load_markets", lambda: {"india": file, "us": load_market("us")})
    hours = market_quiet_hours()
    assert list(hours) == ["india"]
    assert hours["india"].zone == "Asia/Kolkata"
