"""What a message says: one value, worded as subject, plain text and HTML. No secret ever comes in here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from html import escape

from pydantic import TypeAdapter

from market_pipeline.alerts.severity import Severity


class MessageKind(StrEnum):
    """Why somebody is told."""

    ALERT = "alert"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    RECOVERED = "recovered"
    SUMMARY = "summary"
    HEARTBEAT = "heartbeat"
    TEST = "test"


_HEADS = {MessageKind.REMINDER: "STILL ON"}
_GRADED = frozenset({MessageKind.ALERT, MessageKind.REMINDER, MessageKind.ESCALATED})
_WITHOUT_PERIOD = frozenset({MessageKind.HEARTBEAT, MessageKind.SUMMARY, MessageKind.TEST})


PLATFORM = "platform"
"""What belongs to no market: Dagster, the processes, the machine."""
NO_MARKETS = frozenset({PLATFORM, "all markets"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where messages come from. `ui_url` is the address of Dagster's UI, without a slash at its end."""

    is_simulated: bool
    ui_url: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `at` is when it was written: a late delivery does not change it. Times are UTC.

    `name` is unique and stable over retries: mail carries it as its Message-ID. `markets` are those that it is about.
    What is escalated goes to more people.
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
    severity: Severity = Severity.WARNING
    is_escalated: bool = False
    markets: tuple[str, ...] = ()
    run_id: str = ""

    @property
    def link(self) -> str:
        """Return the UI's page of the run, or of this market's assets: its lineage, checks and runs."""
        if self.run_id:
            return f"{self.origin.ui_url}/runs/{self.run_id}"
        if self.kind in _WITHOUT_PERIOD or len(self.markets) > 1 or self.market in NO_MARKETS:
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
    head = _HEADS.get(message.kind, message.kind.value.upper())
    line = f"{mark}{head} {message.market}: {message.title}"
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
        ("severity", message.severity.value if message.kind in _GRADED else ""),
        ("look", message.link),
    )
    return tuple((label, value) for label, value in every if value)


def as_text(message: Message) -> str:
    """Return the message as plain text."""
    lines = [f"{label}: {value.replace(chr(10), chr(10) + '  ')}" for label, value in facts(message)]
    return "\n".join([subject(message), "", *lines]) + "\n"


def as_html(message: Message) -> str:
    """Return the message as a small HTML page that reads well in a mail client; everything in it is escaped."""
    rows = "".join(
        f'<tr><th align="left" valign="top" style="{_LABEL}">{escape(label)}</th>'
        f'<td valign="top" style="{_VALUE}">{_html_value(value)}</td></tr>'
        for label, value in facts(message)
    )
    # mail clients drop style sheets, so each element carries its own
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(subject(message))}</title></head>'
        f'<body style="{_PAGE}"><h3 style="{_HEADLINE}border-left:6px solid {_colour(message)};">'
        f'{escape(subject(message))}</h3><table cellspacing="0" style="border-collapse:collapse;">{rows}</table>'
        "</body></html>"
    )


_PAGE = "margin:16px;font-family:Helvetica,Arial,sans-serif;font-size:14px;color:#1f2328;background:#ffffff;"
_HEADLINE = "margin:0 0 12px 0;padding:6px 12px;font-size:17px;"
_LABEL = "padding:5px 18px 5px 12px;white-space:nowrap;font-weight:normal;color:#59636e;border-top:1px solid #e1e4e8;"
_VALUE = "padding:5px 12px 5px 0;max-width:640px;overflow-wrap:anywhere;border-top:1px solid #e1e4e8;"
_RED, _AMBER, _GREEN, _GREY = "#cf222e", "#bf8700", "#1a7f37", "#59636e"


def _colour(message: Message) -> str:
    if message.kind in _GRADED:
        return _RED if message.severity is Severity.CRITICAL else _AMBER
    return _GREEN if message.kind is MessageKind.RECOVERED else _GREY


def _html_value(value: str) -> str:
    text = escape(value).replace("\n", "<br>")
    return f'<a href="{text}">{text}</a>' if value.startswith(("http://", "https://")) else text


def _what(message: Message) -> str:
    return f"over: {message.title}" if message.kind is MessageKind.RECOVERED else message.title


def _period(message: Message) -> str:
    if message.kind in _WITHOUT_PERIOD:
        return ""
    begin = f"{message.since:%Y-%m-%d %H:%M} UTC"
    passed = duration(message.at - message.since)
    if message.kind in _GRADED and message.since == message.at:
        return begin
    if message.kind in _GRADED:
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
