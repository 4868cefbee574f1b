from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from market_pipeline.alerts.channels import channels, origin
from market_pipeline.alerts.log import LogChannel
from market_pipeline.alerts.mail import MailChannel, Security
from market_pipeline.alerts.message import MessageKind
from market_pipeline.alerts.slack import SlackBot
from market_pipeline.errors import ConfigurationError
from market_pipeline.settings import Settings
from market_pipeline_tests.alerts.certificates import Certificates
from market_pipeline_tests.alerts.messages import message
from market_pipeline_tests.alerts.receivers import slack_receiver


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No .env of the person who runs the tests."""
    monkeypatch.chdir(tmp_path)


def settings(**values: Any) -> Settings:
    bare = {"slack_webhook_url": None, "slack_bot_token": None, "smtp_host": None, "alert_email_recipients": ""}
    return Settings(**(bare | values))


def names(**values: Any) -> list[str]:
    return [channel.name for channel in channels(settings(**values))]


MAIL = {"smtp_host": "mail.example.org", "alert_email_recipients": "ops@example.org, night@example.org"}


def test_the_log_is_always_on() -> None:
    assert names() == ["log"]


def test_what_is_configured_is_built() -> None:
    webhook = "https://hooks.example.org/services/x"
    assert names(slack_webhook_url=webhook, **MAIL) == ["log", "slack_webhook", "mail"]
    assert names(slack_bot_token="xoxb-x") == ["log", "slack_bot"]


def test_a_webhook_goes_before_a_bot_token() -> None:
    assert names(slack_webhook_url="https://hooks.example.org/services/x", slack_bot_token="xoxb-x") == [
        "log",
        "slack_webhook",
    ]


def test_empty_values_are_not_configured() -> None:
    assert names(slack_webhook_url="", slack_bot_token="", smtp_host="") == ["log"]


def test_mail_without_recipients_is_off_and_says_so() -> None:
    with capture_logs() as logs:
        assert names(smtp_host="mail.example.org") == ["log"]
    assert logs[0]["reason"] == "SMTP_HOST is set, ALERT_EMAIL_RECIPIENTS is not"


def test_the_mail_channel_has_all_its_settings() -> None:
    mail = channels(settings(smtp_username="alert@example.org", smtp_password="s3cret-word", **MAIL))[1]
    assert isinstance(mail, MailChannel)
    assert (mail.host, mail.port, mail.security) == ("mail.example.org", 587, Security.STARTTLS)
    assert mail.recipients == ("ops@example.org", "night@example.org")


def test_a_base_url_of_slack_s_api_gets_its_slash() -> None:
    bot = channels(settings(slack_bot_token="xoxb-x", slack_api_url="http://127.0.0.1:9/api"))[1]
    assert isinstance(bot, SlackBot)
    assert bot.base_url == "http://127.0.0.1:9/api/"


def test_the_ca_bundle_is_trusted(certificates: Certificates) -> None:
    with slack_receiver(certificates.server_context()) as slack:
        url = slack.address + "/services/x"
        channels(settings(slack_webhook_url=url, ca_bundle=certificates.authority))[1].send(message())
        assert len(slack.payloads) == 1


def test_an_unreadable_ca_bundle_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"MARKET_PIPELINE_CA_BUNDLE=.*none.pem.*give a readable PEM file"):
        channels(settings(ca_bundle=tmp_path / "none.pem"))


def test_messages_say_whether_the_feed_is_simulated_and_where_the_ui_is() -> None:
    here = origin(settings(feed="simulated", ui_port=3111))
    assert (here.is_simulated, here.ui_url) == (True, "http://127.0.0.1:3111")
    assert origin(settings(feed="live")).is_simulated is False
    assert origin(settings(ui_url="https://ui.example/market")).ui_url == "https://ui.example/market"


@pytest.mark.parametrize(
    ("kind", "level"),
    [(MessageKind.ALERT, "error"), (MessageKind.RECOVERED, "warning"), (MessageKind.HEARTBEAT, "info")],
)
def test_the_log_s_level_tells_how_urgent_it_is(kind: MessageKind, level: str) -> None:
    with capture_logs() as logs:
        LogChannel().send(message(kind=kind))
    assert (logs[0]["log_level"], logs[0]["event"], logs[0]["market"]) == (level, kind.value, "casablanca")
    assert logs[0]["is_simulated"] is True
