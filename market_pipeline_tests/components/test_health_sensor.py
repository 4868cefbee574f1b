"""The health sensor, evaluated as the daemon does: scores, checks, and alerts to a real webhook and mail server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP
from typing import Any

import dagster as dg
import pytest
from dagster_slack import SlackResource
from slack_sdk import WebClient

from market_pipeline.clock import HandClock
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.components.slack_resource import FeedSlack
from market_pipeline.markets.loader import market_names
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.alerts.receivers import Mailbox, Slack, mail_server, slack_receiver
from market_pipeline_tests.components.dagster_desk import WEEKEND, Desk, ask

MINUTE = timedelta(minutes=1)


@dataclass
class Sensor:
    """The sensor with its cursor from tick to tick."""

    desk: Desk
    cursor: str | None = None
    slack: SlackResource = field(default_factory=FeedSlack)

    def tick(self) -> Any:
        """Evaluate it once; a skip reason alone is a tick without events."""
        repository = self.desk.definitions.get_repository_def()
        with dg.build_sensor_context(
            instance=self.desk.instance,
            cursor=self.cursor,
            repository_def=repository,
            resources={"runtime": RuntimeResource(), "slack": self.slack},
        ) as context:
            data = repository.get_sensor_def("health").evaluate_tick(context)
        self.cursor = data.cursor or self.cursor
        return data


@pytest.fixture
def sensor(kept_desk: Desk) -> Sensor:
    return Sensor(kept_desk)


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    with slack_receiver() as receiver:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", f"{receiver.address}/services/T/B/x")
        yield receiver


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with mail_server() as box:
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(box.port))
        monkeypatch.setenv("ALERT_EMAIL_RECIPIENTS", "ops@example.org")
        yield box


def told(slack: Slack, market: str) -> list[str]:
    headers = [str(payload["blocks"][0]["text"]["text"]) for payload in slack.payloads]
    return [header.removeprefix("[SIMULATED] ") for header in headers if f" {market}: " in header]


def subjects(mailbox: Mailbox, market: str) -> list[str]:
    contents = [envelope.content for envelope in mailbox.envelopes]
    mails = [message_from_bytes(content, policy=SMTP) for content in contents if isinstance(content, bytes)]
    found = [str(mail["Subject"]).removeprefix("[SIMULATED] ") for mail in mails]
    return [line for line in found if f" {market}: " in line]


def evaluations(data: Any) -> dict[str, dg.AssetCheckEvaluation]:
    return {f"{e.asset_key.to_user_string()}:{e.check_name}": e for e in data.asset_events}


def test_a_tick_tells_every_markets_score(sensor: Sensor, runtime: Runtime) -> None:
    for market in ("casablanca", "crypto"):
        ask(runtime, market)
    assert sensor.tick().skip_message == " · ".join(f"{market} 100" for market in [*market_names(), "all"])


def test_a_tick_reports_every_check_of_the_markets_running(sensor: Sensor, runtime: Runtime) -> None:
    ask(runtime, "crypto")
    found = evaluations(sensor.tick())
    fresh = {"live_tickers:fresh", "bars_1m:fresh", "indicators_1m:fresh", "levels_1m:fresh", "session_bars:fresh"}
    expected = {*fresh, "live_tickers:answered", "health:score"}
    assert set(found) == {f"{market}/{check}" for market in market_names() for check in expected}
    assert found["crypto/live_tickers:fresh"].passed


def test_an_unchanged_verdict_is_not_reported_each_minute(sensor: Sensor, clock: HandClock, runtime: Runtime) -> None:
    ask(runtime, "crypto")
    sensor.tick()
    clock.advance(MINUTE)
    assert evaluations(sensor.tick()) == {}
    clock.advance(3 * MINUTE)
    changed = evaluations(sensor.tick())["crypto/live_tickers:fresh"]
    assert (changed.passed, changed.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_stale_data_is_told_once_after_the_limit_and_so_is_the_recovery(
    sensor: Sensor, clock: HandClock, runtime: Runtime, slack: Slack, mailbox: Mailbox
) -> None:
    ask(runtime, "crypto")
    clock.advance(MINUTE / 2)
    sensor.tick()  # the watch begins; each look's own second is the machine's, so the limit must not fall on one
    clock.advance(MINUTE / 6)
    heard = []
    for _ in range(8):
        clock.advance(MINUTE)
        sensor.tick()
        heard.append(any("data is stale" in line for line in told(slack, "crypto")))
    assert heard == [False] * 4 + [True] * 4
    ask(runtime, "crypto")
    for _ in range(3):
        sensor.tick()
        clock.advance(MINUTE)
    for receiver in (told(slack, "crypto"), subjects(mailbox, "crypto")):
        stale = [line.split()[0] for line in receiver if "data is stale" in line]
        assert stale == ["ALERT", "RECOVERED"]


def test_a_source_that_is_down_is_told_with_its_evidence_and_what_to_do(
    sensor: Sensor, runtime: Runtime, exchange: RunningSimulator, slack: Slack, mailbox: Mailbox
) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "403", "source": "casablanca_bourse"}]}))
    ask(runtime, "casablanca")
    sensor.tick()
    sensor.tick()
    title = "ALERT casablanca: more than 5% of requests fail"
    assert told(slack, "casablanca") == [title]
    assert subjects(mailbox, "casablanca") == [title]
    text = str(next(payload for payload in slack.payloads if title in str(payload)))
    assert "error rate 33.3%: 16 of 48 requests failed (blocked 16)" in text
    assert "the source refuses us: open its page by hand" in text


def test_a_closed_market_alerts_nobody(sensor: Sensor, clock: HandClock, runtime: Runtime, slack: Slack) -> None:
    ask(runtime, "casablanca")
    clock.at = WEEKEND
    for _ in range(60):
        clock.advance(MINUTE)
    sensor.tick()
    assert told(slack, "casablanca") == []


def test_a_channel_that_is_down_stops_neither_the_tick_nor_the_other_channel(
    sensor: Sensor, runtime: Runtime, exchange: RunningSimulator, slack: Slack, mailbox: Mailbox
) -> None:
    slack.answer = (500, "internal_error")
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "403", "source": "casablanca_bourse"}]}))
    ask(runtime, "casablanca")
    assert "casablanca 75" in sensor.tick().skip_message
    assert len(subjects(mailbox, "casablanca")) == 1
    slack.answer = None
    sensor.tick()
    assert told(slack, "casablanca") == subjects(mailbox, "casablanca")


class AnotherSlack(SlackResource):
    """What a person binds in the place of ours."""

    base_url: str

    def get_client(self) -> WebClient:
        return WebClient(self.token, base_url=self.base_url)


def test_with_a_bot_token_the_alerts_go_through_dagster_slacks_resource_also_through_one_bound_in_its_place(
    sensor: Sensor, runtime: Runtime, exchange: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-ours")
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "403", "source": "casablanca_bourse"}]}))
    ask(runtime, "casablanca")
    with slack_receiver() as slack, slack_receiver() as other:
        monkeypatch.setenv("SLACK_API_URL", f"{slack.address}/api")
        sensor.tick()
        sensor.slack = AnotherSlack(token="xoxb-other", base_url=f"{other.address}/api/")
        exchange.set_faults(FaultPlan())
        for _ in range(3):
            ask(runtime, "casablanca")
        sensor.tick()
    assert set(slack.tokens) == {"Bearer xoxb-ours"}
    assert told(slack, "casablanca") == ["ALERT casablanca: more than 5% of requests fail"]
    assert slack.payloads[0]["channel"] == "#market-pipeline"
    assert set(other.tokens) == {"Bearer xoxb-other"}


def test_without_the_simulated_exchange_the_tick_names_the_command(
    sensor: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_SIMULATOR_URL", "http://127.0.0.1:9")
    assert "start it with `market-pipeline simulate`" in sensor.tick().skip_message


def test_scheduled_runs_count_and_those_that_a_person_started_do_not(sensor: Sensor, runtime: Runtime) -> None:
    from market_pipeline.defs.platform.health import cycle_runs

    job = sensor.desk.definitions.get_repository_def().get_job("casablanca_minute")
    for tags in ({"dagster/schedule_name": "casablanca_minute"}, {}):
        job.execute_in_process(instance=sensor.desk.instance, tags=tags)
    [run] = cycle_runs(sensor.desk.instance, runtime, "casablanca")
    assert run.ended is not None
    assert run.run_id is not None
    assert not run.failed
    assert abs((run.began - runtime.clock.now()).total_seconds()) < 30
