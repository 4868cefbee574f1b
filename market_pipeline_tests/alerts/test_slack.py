from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from market_pipeline.alerts.slack import SlackBot, SlackWebhook
from market_pipeline.errors import DeliveryError, MessageRefused
from market_pipeline_tests.alerts.certificates import Certificates
from market_pipeline_tests.alerts.messages import message
from market_pipeline_tests.alerts.receivers import Slack, slack_receiver

PATH = "/services/T00/B00/s3cret-word"
TOKEN = "xoxb-s3cret-word"


@pytest.fixture
def slack() -> Iterator[Slack]:
    with slack_receiver() as receiver:
        yield receiver


def webhook(slack: Slack) -> SlackWebhook:
    return SlackWebhook(SecretStr(slack.address + PATH))


def bot(slack: Slack) -> SlackBot:
    return SlackBot(SecretStr(TOKEN), "#market-pipeline", slack.address + "/api/")


def test_a_webhook_gets_header_facts_and_a_fallback_text(slack: Slack) -> None:
    webhook(slack).send(message())
    (payload,) = slack.payloads
    assert payload["blocks"][0]["text"]["text"] == "[SIMULATED] ALERT casablanca: data is stale"
    assert payload["blocks"][3]["text"] == {"type": "mrkdwn", "text": "*what*\ndata is stale"}
    assert payload["text"].startswith("[SIMULATED] ALERT casablanca: data is stale\n*feed*: SIMULATED")


def test_a_webhook_on_this_machine_is_not_asked_through_a_proxy(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    webhook(slack).send(message())
    assert len(slack.payloads) == 1


def test_a_bot_posts_with_its_token_to_its_channel(slack: Slack) -> None:
    bot(slack).send(message())
    assert slack.tokens == [f"Bearer {TOKEN}"]
    assert slack.payloads[0]["channel"] == "#market-pipeline"
    assert slack.payloads[0]["blocks"][0]["text"]["text"] == "[SIMULATED] ALERT casablanca: data is stale"


def test_a_huge_message_is_cut_to_slack_s_limits(slack: Slack) -> None:
    webhook(slack).send(message(evidence="& " * 40_000, title="t" * 400))
    evidence = slack.payloads[0]["blocks"][5]["text"]["text"]
    assert len(evidence) == 3000
    assert evidence.endswith("&amp; …")


@pytest.mark.parametrize(("title", "ends"), [("t" * 120, "t" * 9), ("t" * 121, "t" * 8 + "…")])
def test_a_header_of_150_characters_is_whole_and_a_longer_one_says_that_it_goes_on(
    slack: Slack, title: str, ends: str
) -> None:
    webhook(slack).send(message(title=title))
    header = slack.payloads[0]["blocks"][0]["text"]["text"]
    assert len(header) == 150
    assert header.endswith(ends)


def test_a_section_of_3000_characters_is_whole(slack: Slack) -> None:
    webhook(slack).send(message(evidence="e" * (3000 - len("*evidence*\n"))))
    section = slack.payloads[0]["blocks"][5]["text"]["text"]
    assert (len(section), section[-1]) == (3000, "e")


def test_the_fallback_text_keeps_below_40000_characters(slack: Slack) -> None:
    webhook(slack).send(message(evidence="e" * 39_990))
    assert len(slack.payloads[0]["text"]) == 39_999


def test_what_has_escalated_calls_people_and_nothing_else_does(slack: Slack) -> None:
    called = replace(webhook(slack), mention="<!channel>")
    called.send(message(is_escalated=True))
    called.send(message())
    assert slack.payloads[0]["blocks"][1]["text"] == {"type": "mrkdwn", "text": "<!channel>"}
    assert "<!channel>" not in str(slack.payloads[1])


def test_an_entity_is_not_cut_in_half(slack: Slack) -> None:
    webhook(slack).send(message(evidence="&" * 3000))
    assert slack.payloads[0]["blocks"][5]["text"]["text"].endswith("&amp;…")


def test_a_text_cannot_mention_the_whole_channel(slack: Slack) -> None:
    webhook(slack).send(message(evidence="<!channel> & co"))
    assert slack.payloads[0]["blocks"][5]["text"]["text"] == "*evidence*\n&lt;!channel&gt; &amp; co"
    assert "<!channel>" not in slack.payloads[0]["text"]


@pytest.mark.parametrize(
    ("answer", "saw"),
    [
        ((404, "no_service"), "404 no_service"),
        ((429, "rate_limited"), "429 rate_limited"),
        ((500, "rollup_error"), "500 rollup_error"),
        ((403, f"blocked: {PATH}"), "403 blocked: ***"),
    ],
)
def test_a_webhook_that_fails_says_what_it_saw_and_keeps_its_secret(
    slack: Slack, answer: tuple[int, str], saw: str
) -> None:
    slack.answer = answer
    with pytest.raises(DeliveryError) as caught:
        webhook(slack).send(message())
    assert str(caught.value).startswith(f"tried to post to Slack (webhook): {saw}; the message stays queued and")
    assert not isinstance(caught.value, MessageRefused)


def test_a_bot_that_fails_names_slack_s_error(slack: Slack) -> None:
    slack.answer = (200, "invalid_auth")
    with pytest.raises(DeliveryError, match=r"tried to post to Slack \(bot to #market-pipeline\): 200 invalid_auth; "):
        bot(slack).send(message())


def test_a_bot_that_gets_a_web_page_does_not_work(slack: Slack) -> None:
    slack.answer = (200, "<html>sign in</html>")
    with pytest.raises(DeliveryError, match=r"tried to post to Slack \(bot to #market-pipeline\): "):
        bot(slack).send(message())


@pytest.mark.parametrize("answer", [(400, "invalid_payload"), (400, "invalid_blocks")])
def test_a_message_that_slack_never_takes_is_refused(slack: Slack, answer: tuple[int, str]) -> None:
    slack.answer = answer
    with pytest.raises(MessageRefused, match=rf"it refused this message \({answer[0]} {answer[1]}\); a retry does not"):
        webhook(slack).send(message())


def test_nobody_listening_is_a_failure_to_deliver() -> None:
    with slack_receiver() as gone:
        address = gone.address
    with pytest.raises(DeliveryError, match=r"URLError: <urlopen error \[Errno 111\] Connection refused>"):
        SlackWebhook(SecretStr(address + PATH)).send(message())


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"http://127.0.0.1:{mute.getsockname()[1]}"
        for channel in (
            SlackWebhook(SecretStr(address + PATH), timeout_seconds=0.05),
            SlackBot(SecretStr(TOKEN), "#x", address + "/api/", timeout_seconds=0.05),
        ):
            with pytest.raises(DeliveryError, match=r"TimeoutError: timed out; the message stays queued"):
                channel.send(message())


@pytest.mark.parametrize("url", ["not an address s3cret-word", "https://exa mple.org/services/s3cret-word"])
def test_a_wrong_address_is_not_quoted(url: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        SlackWebhook(SecretStr(url)).send(message())
    assert "s3cret-word" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_secrets_show_neither_in_the_log_nor_in_what_is_printed(slack: Slack, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    slack.answer = (404, "no_service")
    for channel in (webhook(slack), bot(slack)):
        with pytest.raises(DeliveryError):
            channel.send(message())
        assert "s3cret" not in repr(channel)
    assert "s3cret" not in caplog.text


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(certificates: Certificates) -> None:
    with slack_receiver(certificates.server_context()) as slack:
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED"):
            webhook(slack).send(message())
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED"):
            bot(slack).send(message())
        assert slack.payloads == []


def test_an_authority_that_we_are_given_is_trusted(certificates: Certificates) -> None:
    with slack_receiver(certificates.server_context()) as slack:
        SlackWebhook(SecretStr(slack.address + PATH), certificates.client_context()).send(message())
        assert len(slack.payloads) == 1
