"""A mail server and a webhook that go away and come back: everything arrives once, in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from market_pipeline.alerts.channel import Channel
from market_pipeline.alerts.conditions import Condition, Key
from market_pipeline.alerts.life import AlertLife
from market_pipeline.alerts.mail import MailChannel, Security
from market_pipeline.alerts.post import Delivery
from market_pipeline.alerts.slack import SlackWebhook
from market_pipeline.clock import HandClock
from market_pipeline_tests.alerts.certificates import Certificates
from market_pipeline_tests.alerts.desk import wrong
from market_pipeline_tests.alerts.messages import LIVE, NOW, verdict
from market_pipeline_tests.alerts.receivers import Mailbox, mail_server, slack_receiver

BOTH = [wrong(market="casablanca"), wrong(Key.LOW_SCORE, "casablanca")]
LOOKS: tuple[list[Condition], ...] = ([BOTH[0]], BOTH, [BOTH[1]], [])
IN_ORDER = [
    "ALERT casablanca: stale_data holds",
    "ALERT casablanca: low_score holds",
    "RECOVERED casablanca: stale_data holds",
    "RECOVERED casablanca: low_score holds",
]


def subjects(box: Mailbox) -> list[str]:
    contents = [envelope.content for envelope in box.envelopes]
    return [str(message_from_bytes(text, policy=SMTP)["Subject"]) for text in contents if isinstance(text, bytes)]


def look(folder: Path, minute: int, holding: Sequence[Condition], *, to: Channel) -> Delivery:
    """One look of a process of its own; return what became of the channel's queue."""
    clock = HandClock(NOW + timedelta(minutes=minute))
    life = AlertLife(folder / "alerts.sqlite", channels=[to], clock=clock, origin=LIVE)
    life.update(verdict(*holding))
    (delivery,) = life.deliver()
    return delivery


def protected(port: int, certificates: Certificates) -> MailChannel:
    return MailChannel(
        "127.0.0.1",
        port,
        "alert@example.org",
        ("ops@example.org",),
        Security.STARTTLS,
        "alert@example.org",
        SecretStr("s3cret-word"),
        certificates.client_context(),
    )


def test_a_mail_server_that_was_down_gets_every_mail_once_and_in_order(
    tmp_path: Path, certificates: Certificates
) -> None:
    options: dict[str, Any] = {"tls": "starttls", "context": certificates.server_context(), "login": True}
    with mail_server(**options) as box:
        channel = protected(box.port, certificates)
    down = [look(tmp_path, minute, holding, to=channel) for minute, holding in enumerate(LOOKS)]
    assert [delivery.queued for delivery in down] == [1, 2, 3, 4]
    assert "ConnectionRefusedError" in str(down[0].error)
    with mail_server(**options, again=box):
        assert look(tmp_path, 4, [], to=channel) == Delivery("mail", 4, 0, 0, None)
        assert look(tmp_path, 5, [], to=channel) == Delivery("mail", 0, 0, 0, None)
    assert subjects(box) == IN_ORDER
    assert box.was_tls == [True] * 4


def test_a_server_that_is_busy_between_two_mails_gets_neither_twice(tmp_path: Path) -> None:
    with mail_server() as box:
        channel = MailChannel("127.0.0.1", box.port, "alert@example.org", ("ops@example.org",), Security.PLAIN)
        look(tmp_path, 0, LOOKS[0], to=channel)
        box.data_reply = "451 busy"
        assert look(tmp_path, 1, LOOKS[1], to=channel).queued == 1
        assert look(tmp_path, 2, LOOKS[2], to=channel).queued == 2
        box.data_reply = "250 taken"
        look(tmp_path, 3, LOOKS[3], to=channel)
    assert subjects(box) == IN_ORDER


def test_a_password_that_is_put_right_lets_what_waited_through(tmp_path: Path, certificates: Certificates) -> None:
    with mail_server(tls="starttls", context=certificates.server_context(), login=True) as box:
        right = protected(box.port, certificates)
        wrong_one = MailChannel(**{**vars(right), "password": SecretStr("wr0ng")})
        assert "check SMTP_USERNAME and SMTP_PASSWORD" in str(look(tmp_path, 0, LOOKS[0], to=wrong_one).error)
        look(tmp_path, 1, LOOKS[0], to=right)
    assert subjects(box) == IN_ORDER[:1]


@pytest.mark.parametrize("reply", ["552 too much", "554 spam"])
def test_a_mail_that_is_refused_for_good_does_not_hold_up_the_next(tmp_path: Path, reply: str) -> None:
    with mail_server() as box:
        channel = MailChannel("127.0.0.1", box.port, "alert@example.org", ("ops@example.org",), Security.PLAIN)
        box.data_reply = reply
        assert look(tmp_path, 0, LOOKS[0], to=channel) == Delivery("mail", 0, 1, 0, None)
        box.data_reply = "250 taken"
        look(tmp_path, 1, LOOKS[1], to=channel)
    assert subjects(box) == IN_ORDER[1:2]


def test_a_webhook_that_was_down_gets_everything_once_and_in_order(tmp_path: Path) -> None:
    with slack_receiver() as slack:
        channel = SlackWebhook(SecretStr(slack.address + "/services/x"))
    for minute, holding in enumerate(LOOKS):
        assert look(tmp_path, minute, holding, to=channel).delivered == 0
    with slack_receiver(again=slack):
        look(tmp_path, 4, [], to=channel)
        look(tmp_path, 5, [], to=channel)
    assert [payload["blocks"][0]["text"]["text"] for payload in slack.payloads] == IN_ORDER
