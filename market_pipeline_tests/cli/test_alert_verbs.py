"""`alert` and `silence` as people type them, against real receivers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from market_pipeline.alerts.conditions import Condition, Key, Verdict
from market_pipeline.clock import HandClock
from market_pipeline.settings import load_settings
from market_pipeline.steps.tell import alert_life
from market_pipeline_tests.alerts.receivers import Slack, slack_receiver
from market_pipeline_tests.cli.conftest import Command


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with slack_receiver() as receiver:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", f"{receiver.address}/services/T/B/s3cret-word")
        yield receiver


def begin(clock: HandClock) -> None:
    """Have an alert on, as a look at the market leaves it."""
    condition = Condition(Key.STALE_DATA, "india", "data is stale", clock.now(), "9 min old", "look at the sources")
    alert_life(load_settings(), clock).update(Verdict("india", (condition,), frozenset()))


def test_alert_test_says_per_channel_what_became_of_it(running_command: Command, slack: Slack) -> None:
    done = running_command("alert", "test")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1:] == [
        "log: delivered",
        "slack_webhook: delivered",
        "mail: off; set SMTP_HOST and ALERT_EMAIL_RECIPIENTS",
        "heartbeat: off; set HEARTBEAT_URL",
    ]
    header = slack.payloads[0]["blocks"][0]["text"]["text"]
    assert header == "[SIMULATED] TEST all markets: this is what an alert looks like here"


def test_alert_test_names_the_remedy_of_a_channel_that_fails(running_command: Command, slack: Slack) -> None:
    slack.answer = (404, "no_service")
    done = running_command("alert", "test", "--json")
    assert done.exit_code == 3
    channel = json.loads(done.stdout)["channels"]["slack_webhook"]
    assert channel["is_delivered"] is False
    assert channel["error"].startswith("tried to post to Slack (webhook): 404 no_service; ")
    assert "check SLACK_WEBHOOK_URL" in channel["error"]
    assert "s3cret" not in done.stdout + done.stderr


def test_alert_list_shows_what_is_on(running_command: Command, hand_clock: HandClock) -> None:
    assert running_command("alert", "list").stdout.splitlines()[-1] == "no alert is on"
    begin(hand_clock)
    line = running_command("alert", "list").stdout.splitlines()[2]
    assert line.split() == ["india", "data", "is", "stale", "warning", "2026-11-19", "09:50", "2026-11-19", "09:50"]


def test_alert_list_names_a_channel_that_messages_wait_for(
    running_command: Command, hand_clock: HandClock, slack: Slack
) -> None:
    slack.answer = (503, "down")
    begin(hand_clock)
    alert_life(load_settings(), hand_clock).deliver()
    assert "slack_webhook: 1 messages wait; tried to post to Slack" in running_command("alert", "list").stdout


def test_a_silence_begins_shows_and_ends(running_command: Command, hand_clock: HandClock) -> None:
    begun = running_command("silence", "india", "--for", "2h", "--reason", "new symbols")
    assert begun.stdout.splitlines()[1] == "silence 1: india, until 2026-11-19 11:50 UTC: new symbols"
    hand_clock.advance(timedelta(minutes=5))
    assert running_command("silence", "--list").stdout.splitlines()[1:] == begun.stdout.splitlines()[1:]
    ended = running_command("silence", "--end", "1")
    assert ended.stdout.splitlines()[1] == "silence 1: india, ended 2026-11-19 09:55 UTC: new symbols"
    assert running_command("silence", "--list").stdout.splitlines()[1] == "no silence lasts"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--for", "2h"], "a silence without a reason"),
        (["--for", "soon", "--reason", "x"], "--for: 'soon' is no span of time; write one like 45s, 15m, 2h or 1d"),
        (["atlantis", "--for", "2h", "--reason", "x"], "there is no market atlantis"),
        ([], "a silence is begun with --for, listed with --list or ended with --end"),
        (["--end", "9"], "wanted to end silence 9, and those that last are: none"),
    ],
)
def test_a_silence_that_cannot_be_is_refused_with_what_to_do(
    running_command: Command, words: list[str], said: str
) -> None:
    done = running_command("silence", *words)
    assert done.exit_code == 2
    assert said in done.stderr
