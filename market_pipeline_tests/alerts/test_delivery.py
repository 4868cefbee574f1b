"""The whole way: a market's situation, the alerts' life, a real webhook and a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest
from pydantic import SecretStr

from market_pipeline.alerts.conditions import conditions
from market_pipeline.alerts.life import AlertLife
from market_pipeline.alerts.mail import MailChannel, Security
from market_pipeline.alerts.slack import SlackWebhook
from market_pipeline.clock import HandClock
from market_pipeline.quality.health import score
from market_pipeline.quality.situation import Situation
from market_pipeline_tests.alerts.messages import SIMULATED
from market_pipeline_tests.alerts.receivers import Mailbox, Slack, mail_server, slack_receiver
from market_pipeline_tests.quality.situations import CLOSED, GOOD, NOW, STOPPED


@pytest.fixture
def slack() -> Iterator[Slack]:
    with slack_receiver() as receiver:
        yield receiver


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def tick(folder: Path, situation: Situation, *, minute: int, to: tuple[Slack, Mailbox]) -> None:
    """What the health sensor does, in a process of its own each time."""
    slack, mailbox = to
    ways = (
        SlackWebhook(SecretStr(slack.address + "/services/x")),
        MailChannel("127.0.0.1", mailbox.port, "alert@example.org", ("ops@example.org",), Security.PLAIN),
    )
    clock = HandClock(NOW + timedelta(minutes=minute))
    alerts = AlertLife(folder / "alerts.sqlite", channels=ways, clock=clock, origin=SIMULATED)
    alerts.update(conditions(situation, score(situation)))
    alerts.deliver()


def headers(slack: Slack) -> list[str]:
    return [payload["blocks"][0]["text"]["text"].removeprefix("[SIMULATED] ") for payload in slack.payloads]


def subjects(mailbox: Mailbox) -> list[str]:
    contents = [envelope.content for envelope in mailbox.envelopes]
    mails = [message_from_bytes(content, policy=SMTP) for content in contents if isinstance(content, bytes)]
    return [str(mail["Subject"]).removeprefix("[SIMULATED] ") for mail in mails]


BEGAN = [
    "ALERT casablanca: nothing runs in market hours; data is stale; updates are rare; health score is below 50",
]
ENDED = [text.replace("ALERT", "RECOVERED") for text in BEGAN]


def test_a_stop_is_told_once_and_so_is_its_end(tmp_path: Path, slack: Slack, mailbox: Mailbox) -> None:
    for minute, situation in enumerate([GOOD, STOPPED, STOPPED, GOOD, GOOD]):
        tick(tmp_path, situation, minute=minute, to=(slack, mailbox))
    assert headers(slack) == BEGAN + ENDED
    assert subjects(mailbox) == BEGAN + ENDED


def test_a_webhook_that_was_down_is_served_later_and_mail_is_not_repeated(
    tmp_path: Path, slack: Slack, mailbox: Mailbox
) -> None:
    slack.answer = (503, "service_unavailable")
    tick(tmp_path, STOPPED, minute=0, to=(slack, mailbox))
    tick(tmp_path, GOOD, minute=9, to=(slack, mailbox))
    assert headers(slack) == []
    slack.answer = None
    tick(tmp_path, GOOD, minute=10, to=(slack, mailbox))
    tick(tmp_path, GOOD, minute=11, to=(slack, mailbox))
    assert headers(slack) == BEGAN + ENDED
    assert subjects(mailbox) == BEGAN + ENDED


def test_the_close_of_a_market_ends_no_alert(tmp_path: Path, slack: Slack, mailbox: Mailbox) -> None:
    for minute, situation in enumerate([STOPPED, CLOSED, CLOSED, GOOD]):
        tick(tmp_path, situation, minute=minute * 600, to=(slack, mailbox))
    assert headers(slack) == BEGAN + ENDED
    over = slack.payloads[1]["blocks"][4]["text"]["text"]
    assert over == "*since*\n2026-11-20 11:40 UTC until 2026-11-21 18:00 UTC, 1 d 6 h"


def test_a_closed_market_tells_nobody_anything(tmp_path: Path, slack: Slack, mailbox: Mailbox) -> None:
    tick(tmp_path, CLOSED, minute=0, to=(slack, mailbox))
    assert (slack.payloads, mailbox.envelopes) == ([], [])
