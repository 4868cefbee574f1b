"""What a message says: one value, worded as subject, plain text and HTML. No secret ever comes in here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from html import escape

from pydantic import TypeAdapter


class MessageKind(StrEnum):
    """Why somebody is told."""

    ALERT = "alert"
    RECOVERED = "recovered"
    HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where messages come from. `ui_url` is the address of Dagster's UI, without a slash at its end."""

    is_simulated: bool
    ui_url: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `at` is when it was written: a late delivery does not change it. Times are UTC.

    `name` is unique and stable over retries: mail carries it as its Message-ID.
    """

    name: str
    kind: MessageKind
    market: str
    title: str
    at: datetime
    since: datetime
    evidence: str
    what_to_do: str
    origin: Origin

    @property
    def link(self) -> str:
        """Return the UI's page of this market's assets: its lineage, checks and runs."""
        if self.kind is MessageKind.HEARTBEAT:
            return self.origin.ui_url
        return f"{self.origin.ui_url}/locations/market_pipeline/asset-groups/{self.market}"


_JSON: TypeAdapter[Message] = TypeAdapter(Message)


def to_json(message: Message) -> str:
    """Write a message for the queue."""
    return _JSON.dump_json(message).decode()


def from_json(text: str) -> Message:
    """Read a message from the queue."""
    return _JSON.validate_json(text)


def subject(message: Message) -> str:
    """Return one line: "[SIMULATED] ALERT casablanca: data is stale"."""
    mark = "[SIMULATED] " if message.origin.is_simulated else ""
    line = f"{mark}{message.kind.value.upper()} {message.market}: {message.title}"
    return " ".join(line.split())


def facts(message: Message) -> tuple[tuple[str, str], ...]:
    """Return what the message tells, as (label, text), in reading order; absent ones are left out."""
    every = (
        ("feed", "SIMULATED: no real market is concerned" if message.origin.is_simulated else ""),
        ("market", message.market),
        ("what", _what(message)),
        ("since", _period(message)),
        ("evidence", message.evidence),
        ("what to do", message.what_to_do),
        ("look", message.link),
    )
    return tuple((label, value) for label, value in every if value)


def as_text(message: Message) -> str:
    """Return the message as plain text."""
    lines = [f"{label}: {value.replace(chr(10), chr(10) + '  ')}" for label, value in facts(message)]
    return "\n".join([subject(message), "", *lines]) + "\n"


def as_html(message: Message) -> str:
    """Return the message as a small HTML page; everything in it is escaped."""
    cells = "".join(
        f'<tr><th align="left" valign="top">{escape(label)}</th><td>{_html_value(value)}</td></tr>'
        for label, value in facts(message)
    )
    head = escape(subject(message))
    return f"<!doctype html><html><body><h3>{head}</h3><table cellpadding='4'>{cells}</table></body></html>"


def _html_value(value: str) -> str:
    text = escape(value).replace("\n", "<br>")
    return f'<a href="{text}">{text}</a>' if value.startswith(("http://", "https://")) else text


def _what(message: Message) -> str:
    return f"over: {message.title}" if message.kind is MessageKind.RECOVERED else message.title


def _period(message: Message) -> str:
    if message.kind is MessageKind.HEARTBEAT:
        return ""
    begin = f"{message.since:%Y-%m-%d %H:%M} UTC"
    passed = duration(message.at - message.since)
    if message.kind is MessageKind.ALERT and message.since == message.at:
        return begin
    if message.kind is MessageKind.ALERT:
        return f"{begin} ({passed} ago at {message.at:%H:%M} UTC)"
    return f"{begin} until {message.at:%Y-%m-%d %H:%M} UTC, {passed}"


def duration(span: timedelta) -> str:
    """Return "45 s", "12 min", "3 h 05 min" or "2 d 4 h"."""
    seconds = max(int(span.total_seconds()), 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{minutes} min" if minutes else f"{seconds} s"
