"""Builds the channels that the settings ask for. The log is always one of them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from market_pipeline.alerts.channel import Channel
from market_pipeline.alerts.heartbeat import Heartbeat
from market_pipeline.alerts.log import LogChannel
from market_pipeline.alerts.mail import MailChannel, security_for
from market_pipeline.alerts.message import Origin
from market_pipeline.errors import ConfigurationError
from market_pipeline.settings import Feed, Settings

if TYPE_CHECKING:
    from slack_sdk import WebClient

_log = structlog.get_logger(__name__)


def channels(settings: Settings, slack: Callable[[], WebClient] | None = None) -> tuple[Channel, ...]:
    """Return the configured channels: the log, Slack (webhook before bot token), mail.

    `slack` makes the client of the bot, if it is not to be ours: Dagster's resource of that name does.
    Raises ConfigurationError when the CA bundle cannot be read. Half a configuration is logged and left out.
    """
    context = trust(settings)
    found = (_slack(settings, context, slack), _mail(settings, context))
    return (LogChannel(), *(channel for channel in found if channel is not None))


def off_reasons(settings: Settings) -> dict[str, str]:
    """Return each way of telling people that is off, with what turns it on."""
    url, token = settings.slack_webhook_url, settings.slack_bot_token
    has_slack = any(secret is not None and secret.get_secret_value() for secret in (url, token))
    has_heartbeat = settings.heartbeat_url is not None and settings.heartbeat_url.get_secret_value()
    off = {
        "slack": "" if has_slack else "set SLACK_WEBHOOK_URL, or SLACK_BOT_TOKEN and SLACK_CHANNEL",
        "mail": "" if settings.smtp_host else "set SMTP_HOST and ALERT_EMAIL_RECIPIENTS",
        "heartbeat": "" if has_heartbeat else "set HEARTBEAT_URL",
    }
    if settings.smtp_host and not settings.email_recipients:
        off["mail"] = "set ALERT_EMAIL_RECIPIENTS"
    return {name: reason for name, reason in off.items() if reason}


def heartbeat(settings: Settings) -> Heartbeat | None:
    """Return the dead man's switch, if the settings name one. Raises ConfigurationError as `channels` does."""
    url = settings.heartbeat_url
    return Heartbeat(url, trust(settings)) if url is not None and url.get_secret_value() else None


def origin(settings: Settings) -> Origin:
    """Return what every message says about this installation."""
    return Origin(settings.feed is Feed.SIMULATED, settings.ui_address)


def trust(settings: Settings) -> ssl.SSLContext:
    """Return a verifying TLS context: the system's authorities, and those of the CA bundle setting."""
    context = ssl.create_default_context()
    if settings.ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=settings.ca_bundle)
        except OSError as error:
            raise ConfigurationError(
                f"tried to read MARKET_PIPELINE_CA_BUNDLE={settings.ca_bundle}: {error}; a retry does not help; "
                "give a readable PEM file, or unset it"
            ) from None
    return context


def slack_client(settings: Settings) -> WebClient:
    """Return a client of Slack's Web API for the bot token. Raises ConfigurationError without one."""
    from market_pipeline.alerts.slack import bot_client

    token = settings.slack_bot_token
    if token is None or not token.get_secret_value():
        raise ConfigurationError(
            "tried to use Slack's API, and SLACK_BOT_TOKEN is not set; a retry does not help; set it in .env or the "
            "environment (a bot token with the scope chat:write)"
        )
    return bot_client(token, _slack_api(settings), trust(settings))


def _slack_api(settings: Settings) -> str:
    from market_pipeline.alerts.slack import SLACK_API

    return (settings.slack_api_url or SLACK_API).rstrip("/") + "/"


def _slack(settings: Settings, context: ssl.SSLContext, client: Callable[[], WebClient] | None) -> Channel | None:
    # slack_sdk is loaded only where Slack is used
    if settings.slack_webhook_url is not None and settings.slack_webhook_url.get_secret_value():
        from market_pipeline.alerts.slack import SlackWebhook

        return SlackWebhook(settings.slack_webhook_url, context, mention=settings.slack_escalation_mention)
    if settings.slack_bot_token is not None and settings.slack_bot_token.get_secret_value():
        from market_pipeline.alerts.slack import SlackBot

        token, name, mention = settings.slack_bot_token, settings.slack_channel, settings.slack_escalation_mention
        return SlackBot(token, name, _slack_api(settings), context, mention=mention, client=client)
    return None


def mail_channel(settings: Settings) -> MailChannel:
    """Return the mail channel. Raises ConfigurationError where none is configured."""
    channel = _mail(settings, trust(settings))
    if channel is None:
        raise ConfigurationError(
            "tried to send a mail, and none is configured: SMTP_HOST or ALERT_EMAIL_RECIPIENTS is not set; "
            "a retry does not help; set both in .env or the environment"
        )
    return channel


def _mail(settings: Settings, context: ssl.SSLContext) -> MailChannel | None:
    if not settings.smtp_host:
        return None
    if not settings.email_recipients:
        _log.warning("mail_is_off", reason="SMTP_HOST is set, ALERT_EMAIL_RECIPIENTS is not")
        return None
    username = settings.smtp_username or None
    return MailChannel(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_sender,
        settings.email_recipients,
        security_for(settings.smtp_port, username),
        username,
        settings.smtp_password,
        context,
        escalation_recipients=settings.escalation_recipients,
    )
