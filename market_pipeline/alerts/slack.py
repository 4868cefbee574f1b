"""Slack, by incoming webhook or by bot token, through slack_sdk (dagster-slack wraps the same client).

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and /reference/methods/chat.postMessage
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from ssl import SSLContext
from urllib.parse import urlsplit

from pydantic import SecretStr
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

from market_pipeline.alerts.channel import TIMEOUT_SECONDS, without_secrets
from market_pipeline.alerts.message import Message, facts, subject
from market_pipeline.errors import DeliveryError, MessageRefused

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SLACK_API = "https://slack.com/api/"
MAX_TEXT, MAX_BLOCKS, MAX_BLOCK_TEXT, MAX_HEADER = 40_000, 50, 3_000, 150
"""https://docs.slack.dev/reference/block-kit/blocks: characters of the text, of a section and of a header; blocks."""

_REFUSED = frozenset({"invalid_payload", "invalid_blocks", "msg_too_long", "msg_blocks_too_long", "no_text"})
_FAILURES = (SlackClientError, OSError, HTTPException, ValueError)

_silent = logging.getLogger("market_pipeline.slack_sdk")
_silent.setLevel(logging.CRITICAL + 1)  # the library logs the webhook's address, which is the secret


@dataclass(frozen=True)
class SlackWebhook:
    """Posts to an incoming webhook. Its address is a secret."""

    url: SecretStr
    ssl_context: SSLContext | None = None
    timeout_seconds: int = TIMEOUT_SECONDS
    mention: str = ""
    name: str = "slack_webhook"

    def send(self, message: Message) -> None:
        """Post the message. Raises DeliveryError, or MessageRefused for a payload that Slack does not take."""
        client = WebhookClient(
            self.url.get_secret_value(), self.timeout_seconds, self.ssl_context, logger=_silent, retry_handlers=[]
        )
        if urlsplit(client.url).hostname in LOOPBACK:
            client.proxy = None  # the library takes any proxy of the environment, and knows no NO_PROXY
        try:
            answer = client.send(text=fallback_text(message), blocks=blocks(message, mention=self.mention))
        except _FAILURES as error:
            raise _failure("webhook", f"{type(error).__name__}: {error}", self.url) from None
        if answer.status_code != 200:
            raise _failure("webhook", f"{answer.status_code} {answer.body}", self.url)


@dataclass(frozen=True)
class SlackBot:
    """Posts to a channel with a bot token (scope chat:write). `base_url` ends with a slash.

    `client` is given by whoever has one already: Dagster's resource `slack`.
    """

    token: SecretStr
    channel: str
    base_url: str = SLACK_API
    ssl_context: SSLContext | None = None
    timeout_seconds: int = TIMEOUT_SECONDS
    mention: str = ""
    client: Callable[[], WebClient] | None = None
    name: str = "slack_bot"

    def send(self, message: Message) -> None:
        """Post the message. Raises DeliveryError, or MessageRefused for a message that Slack does not take."""
        client = self.client or (lambda: bot_client(self.token, self.base_url, self.ssl_context, self.timeout_seconds))
        try:
            client().chat_postMessage(
                channel=self.channel, text=fallback_text(message), blocks=blocks(message, mention=self.mention)
            )
        except SlackApiError as error:
            saw = (
                f"{error.response.get('error')}" if isinstance(error.response.data, dict) else "an answer without JSON"
            )
            raise _failure(f"bot to {self.channel}", f"{error.response.status_code} {saw}", self.token) from None
        except _FAILURES as error:
            raise _failure(f"bot to {self.channel}", f"{type(error).__name__}: {error}", self.token) from None


def bot_client(  # noqa: PLR0917 - in the order of WebClient's own
    token: SecretStr, base_url: str, ssl_context: SSLContext | None, timeout_seconds: int = TIMEOUT_SECONDS
) -> WebClient:
    """Return a client that asks once: what fails is queued, and tried again by whoever sends."""
    value = token.get_secret_value()
    return WebClient(value, base_url, timeout_seconds, ssl=ssl_context, logger=_silent, retry_handlers=[])


def fallback_text(message: Message) -> str:
    """Return what notifications and old clients show: all facts, escaped."""
    lines = [escape_slack(subject(message)), *(f"*{label}*: {escape_slack(value)}" for label, value in facts(message))]
    return _clip("\n".join(lines), MAX_TEXT - 1)


def blocks(message: Message, *, mention: str = "") -> list[dict[str, object]]:
    """Return the message as Block Kit: a header and one section a fact, within Slack's limits.

    `mention` is the operator's own markup (<!channel>, <@U…>), for what has escalated.
    """
    head = subject(message)
    header: dict[str, object] = {
        "type": "header",
        "text": {"type": "plain_text", "text": head if len(head) <= MAX_HEADER else head[: MAX_HEADER - 1] + "…"},
    }
    called = [_section(mention)] if mention and message.is_escalated else []
    sections = [_section(f"*{label}*\n{escape_slack(value)}") for label, value in facts(message)]
    return [header, *called, *sections][:MAX_BLOCKS]


def escape_slack(text: str) -> str:
    """Replace the three characters that start mentions, links and entities in Slack's markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _clip(text, MAX_BLOCK_TEXT)}}


def _clip(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    # an entity cut in half would be shown as text
    return re.sub(r"&[a-z]{0,3}$", "", text[: limit - 1]) + "…"


def _failure(way: str, saw: str, secret: SecretStr) -> DeliveryError:
    value = secret.get_secret_value()
    path = urlsplit(value).path
    clean = without_secrets(saw, [value, path, path.rpartition("/")[2]])
    if any(token in clean for token in _REFUSED):
        return MessageRefused(
            f"tried to post to Slack ({way}): it refused this message ({clean}); a retry does not help; "
            "the message is set aside, report it as a defect of alerts/slack.py"
        )
    return DeliveryError(
        f"tried to post to Slack ({way}): {clean}; the message stays queued and is retried; "
        "if this stays, check SLACK_WEBHOOK_URL or SLACK_BOT_TOKEN and SLACK_CHANNEL, and that slack.com is reachable"
    )
