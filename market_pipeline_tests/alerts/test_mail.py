from __future__ import annotations

import email
import socket
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from market_pipeline.alerts.mail import MailChannel, Security, security_for
from market_pipeline.alerts.severity import Severity
from market_pipeline.errors import DeliveryError, MessageRefused
from market_pipeline_tests.alerts.certificates import Certificates
from market_pipeline_tests.alerts.messages import message
from market_pipeline_tests.alerts.receivers import Mailbox, mail_server

# a login without TLS is what aiosmtpd advises against, and what is tested here
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
RECIPIENTS = ("ops@example.org", "night@example.org")


def channel(box: Mailbox, security: Security = Security.PLAIN, **change: Any) -> MailChannel:
    return replace(MailChannel("127.0.0.1", box.port, "alert@example.org", RECIPIENTS, security), **change)


LOGIN: dict[str, Any] = {"username": "alert@example.org", "password": SecretStr("s3cret-word")}


def received(box: Mailbox) -> EmailMessage:
    content = box.envelopes[0].content
    assert isinstance(content, bytes)
    return email.message_from_bytes(content, policy=default)


def test_a_plain_relay_takes_text_and_html_without_login() -> None:
    with mail_server() as box:
        channel(box).send(message())
    mail = received(box)
    assert box.envelopes[0].rcpt_tos == ["ops@example.org", "night@example.org"]
    assert mail["Subject"] == "[SIMULATED] ALERT casablanca: data is stale"
    assert mail["Message-ID"] == "<alert.casablanca.stale_data.20261120T120000@market-pipeline>"
    assert mail["Date"] == "Fri, 20 Nov 2026 12:00:00 +0000"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "what to do: compare raw_quotes per source" in text.get_content()
    assert ">data is stale</td>" in html.get_content()


def test_starttls_with_login_protects_the_password(certificates: Certificates) -> None:
    with mail_server(tls="starttls", context=certificates.server_context(), login=True) as box:
        channel(box, Security.STARTTLS, ssl_context=certificates.client_context(), **LOGIN).send(message())
    assert (box.logins, box.was_tls) == (["alert@example.org"], [True])


def test_tls_from_the_start_with_login(certificates: Certificates) -> None:
    with mail_server(tls="from_start", context=certificates.server_context(), login=True) as box:
        channel(box, Security.TLS, ssl_context=certificates.client_context(), **LOGIN).send(message())
    assert (box.logins, len(box.envelopes)) == (["alert@example.org"], 1)


@pytest.mark.parametrize(("tls", "security"), [("starttls", Security.STARTTLS), ("from_start", Security.TLS)])
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    certificates: Certificates, tls: str, security: Security
) -> None:
    server = mail_server(tls=tls, context=certificates.server_context(), login=True)
    refusal = pytest.raises(DeliveryError, match=r"CERTIFICATE_VERIFY_FAILED.*MARKET_PIPELINE_CA_BUNDLE")
    with server as box, refusal:
        channel(box, security, **LOGIN).send(message())
    assert (box.logins, box.envelopes) == ([], [])


def test_a_wrong_password_is_named_but_not_shown() -> None:
    with mail_server(login=True) as box, pytest.raises(DeliveryError) as caught:
        channel(box, Security.STARTTLS, **(LOGIN | {"password": SecretStr("wr0ng-s3cret")})).send(message())
    assert str(caught.value) == (
        f"tried to mail through 127.0.0.1:{box.port} (starttls): SMTPAuthenticationError: "
        "(535, b'5.7.8 Authentication credentials invalid'); the message stays queued and is retried; "
        "check SMTP_USERNAME and SMTP_PASSWORD"
    )


def test_a_server_off_this_machine_without_starttls_gets_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("market_pipeline.alerts.mail._LOOPBACK", frozenset())
    with mail_server(login=True) as box, pytest.raises(DeliveryError, match="STARTTLS extension not supported"):
        channel(box, Security.STARTTLS, **LOGIN).send(message())
    assert box.logins == []


def test_nobody_listening_is_a_failure_to_deliver() -> None:
    with mail_server() as box:
        pass
    with pytest.raises(DeliveryError, match=r"ConnectionRefusedError.*check SMTP_HOST, SMTP_PORT"):
        channel(box).send(message())


@pytest.mark.parametrize(
    ("reply", "error"), [("552 too much", MessageRefused), ("554 spam", MessageRefused), ("451 later", DeliveryError)]
)
def test_only_a_final_no_to_the_content_refuses_the_message(reply: str, error: type[DeliveryError]) -> None:
    with mail_server() as box, pytest.raises(DeliveryError) as caught:
        box.data_reply = reply
        channel(box).send(message())
    assert type(caught.value) is error


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        box = Mailbox(port=mute.getsockname()[1])
        with pytest.raises(DeliveryError, match=r"Connection unexpectedly closed: timed out; the message stays queued"):
            channel(box, timeout_seconds=0.05).send(message())


def test_a_server_that_hangs_up_instead_of_goodbye_has_taken_the_message() -> None:
    with mail_server() as box:
        box.hangs_up_at_quit = True
        channel(box).send(message())
        assert len(box.envelopes) == 1


def test_a_recipient_that_is_refused_does_not_hold_up_the_others() -> None:
    with mail_server() as box, capture_logs() as logs:
        box.refuses = "night@example.org"
        channel(box).send(message())
    assert box.envelopes[0].rcpt_tos == ["ops@example.org"]
    assert (logs[0]["event"], logs[0]["refused"]) == ("mail_recipients_refused", ["night@example.org"])


@pytest.mark.parametrize("reply", ["550 no such mailbox", "450 greylisted, come again"])
def test_a_mail_that_nobody_may_have_stays_queued_and_says_what_to_check(reply: str) -> None:
    with mail_server() as box, pytest.raises(DeliveryError) as caught:
        box.refuses, box.rcpt_reply = "ops@example.org", reply
        channel(box, recipients=("ops@example.org",)).send(message())
    assert not isinstance(caught.value, MessageRefused)
    assert f"{{'ops@example.org': ({reply[:3]}, b'{reply[4:]}')}}" in str(caught.value)
    assert str(caught.value).endswith("the message stays queued and is retried; check ALERT_EMAIL_RECIPIENTS")


def test_a_sender_that_is_refused_is_named_with_its_setting() -> None:
    with mail_server() as box, pytest.raises(DeliveryError, match=r"SMTPSenderRefused: \(553, .*; check SMTP_SENDER"):
        box.mail_reply = "553 not yours"
        channel(box).send(message())


def test_a_certificate_for_another_host_is_not_trusted(certificates: Certificates) -> None:
    server = mail_server(tls="starttls", context=certificates.server_context(), host="127.0.0.2")
    refusal = pytest.raises(DeliveryError, match=r"certificate is not valid for '127\.0\.0\.2'")
    with server as box, refusal:
        channel(box, Security.STARTTLS, host="127.0.0.2", ssl_context=certificates.client_context()).send(message())
    assert box.envelopes == []


def test_what_has_escalated_goes_to_more_people_with_priority() -> None:
    with mail_server() as box:
        mails = channel(box, escalation_recipients=("boss@example.org", "ops@example.org"))
        mails.send(message(severity=Severity.CRITICAL, is_escalated=True))
        mails.send(message())
    assert [envelope.rcpt_tos for envelope in box.envelopes] == [
        ["ops@example.org", "night@example.org", "boss@example.org"],
        ["ops@example.org", "night@example.org"],
    ]
    assert received(box)["X-Priority"] == "1"


def test_a_title_cannot_add_a_header() -> None:
    with mail_server() as box:
        channel(box).send(message(title="x\r\nBcc: everybody@example.org"))
    assert received(box)["Bcc"] is None


def test_the_password_is_not_printed() -> None:
    assert "s3cret" not in repr(channel(Mailbox(port=25), **LOGIN))


@pytest.mark.parametrize(
    ("port", "username", "security"),
    [
        (465, None, Security.TLS),
        (587, None, Security.STARTTLS),
        (2525, "alert@example.org", Security.STARTTLS),
        (25, None, Security.PLAIN),
    ],
)
def test_port_and_login_decide_how_a_connection_is_protected(
    port: int, username: str | None, security: Security
) -> None:
    assert security_for(port, username) is security
