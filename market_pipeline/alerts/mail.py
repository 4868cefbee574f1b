"""E-mail through smtplib: STARTTLS (587), TLS from the start (465), or a plain relay without login.

Dagster's own e-mail sensor always logs in, so it cannot use a plain relay.
"""

from __future__ import annotations

import base64
import contextlib
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum

import structlog
from pydantic import SecretStr

from market_pipeline.alerts.channel import TIMEOUT_SECONDS, without_secrets
from market_pipeline.alerts.message import Message, as_html, as_text, subject
from market_pipeline.alerts.severity import Severity
from market_pipeline.errors import DeliveryError, MessageRefused

_log = structlog.get_logger(__name__)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Security(StrEnum):
    """How the connection is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN = "plain"


def security_for(port: int, username: str | None) -> Security:
    """Return TLS for port 465, STARTTLS for 587 or wherever we log in, plain for a relay that asks for nothing."""
    if port == smtplib.SMTP_SSL_PORT:
        return Security.TLS
    return Security.STARTTLS if port == 587 or username else Security.PLAIN


@dataclass(frozen=True)
class MailChannel:
    """Sends to all recipients at once. Certificates are always verified, by `ssl_context` or the system's trust."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    security: Security
    username: str | None = None
    password: SecretStr | None = None
    ssl_context: ssl.SSLContext | None = None
    timeout_seconds: float = TIMEOUT_SECONDS
    escalation_recipients: tuple[str, ...] = ()
    name: str = "mail"

    def send(self, message: Message) -> None:
        """Hand the message to the server. Raises DeliveryError, or MessageRefused when it turns the content down."""
        self.deliver(self._mail(message))

    def deliver(self, mail: EmailMessage, *, otherwise: str = "the message stays queued and is retried") -> None:
        """Hand any mail to the server. Raises as `send` does, saying what becomes of the mail `otherwise`."""
        try:
            refused = self._hand_over(mail)
        except smtplib.SMTPDataError as error:
            raise self._refusal(error, otherwise) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise self._failure(error, otherwise) from None
        if refused:
            _log.warning("mail_recipients_refused", refused=sorted(refused), host=self.host)

    def _hand_over(self, mail: EmailMessage) -> dict[str, tuple[int, bytes]]:
        server = self._connect()
        try:
            return server.send_message(mail)
        finally:
            # the mail is accepted or not by now: a bad goodbye must not have it sent again
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    def _connect(self) -> smtplib.SMTP:
        context = self.ssl_context or ssl.create_default_context()
        if self.security is Security.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_seconds, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout_seconds)
        try:
            self._protect_and_log_in(server, context)
        except BaseException:
            server.close()
            raise
        return server

    def _protect_and_log_in(self, server: smtplib.SMTP, context: ssl.SSLContext) -> None:
        server.ehlo_or_helo_if_needed()
        # a test relay on this machine may lack STARTTLS: nothing leaves the machine then
        may_be_plain = self.host in _LOOPBACK and not server.has_extn("starttls")
        if self.security is Security.STARTTLS and not may_be_plain:
            server.starttls(context=context)
        if self.username and self.password:
            server.login(self.username, self.password.get_secret_value())

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = subject(message)
        mail["From"] = self.sender
        more = self.escalation_recipients if message.is_escalated else ()
        mail["To"] = ", ".join(dict.fromkeys((*self.recipients, *more)))
        mail["Date"] = format_datetime(message.at)
        mail["Message-ID"] = f"<{message.name}@market-pipeline>"
        mail["Auto-Submitted"] = "auto-generated"
        if message.severity is Severity.CRITICAL:
            mail["X-Priority"] = "1"
        mail.set_content(as_text(message))
        mail.add_alternative(as_html(message), subtype="html")
        return mail

    def _clean(self, error: Exception) -> str:
        password = self.password.get_secret_value() if self.password else ""
        login = f"\0{self.username}\0{password}"
        sent = [base64.b64encode(text.encode()).decode() for text in (login, password)]
        return without_secrets(f"{type(error).__name__}: {error}", [password, *sent])

    def _refusal(self, error: smtplib.SMTPDataError, otherwise: str) -> DeliveryError:
        if error.smtp_code < 500:
            return self._failure(error, otherwise)
        return MessageRefused(
            f"tried to mail through {self.host}:{self.port}: it refused this message ({self._clean(error)}); "
            "a retry does not help; the message is set aside; ask the server's operator why"
        )

    def _failure(self, error: Exception, otherwise: str) -> DeliveryError:
        return DeliveryError(
            f"tried to mail through {self.host}:{self.port} ({self.security.value}): {self._clean(error)}; "
            f"{otherwise}; {_remedy(error)}"
        )


def _remedy(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "add the server's certificate authority with MARKET_PIPELINE_CA_BUNDLE"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "check SMTP_USERNAME and SMTP_PASSWORD"
    if isinstance(error, smtplib.SMTPSenderRefused):
        return "check SMTP_SENDER, and whether the server wants a login (SMTP_USERNAME, SMTP_PASSWORD)"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "check ALERT_EMAIL_RECIPIENTS"
    return "if this stays, check SMTP_HOST, SMTP_PORT (465 is TLS, 587 STARTTLS) and that the server is up"
