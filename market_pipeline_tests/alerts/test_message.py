from __future__ import annotations

from datetime import timedelta

import pytest

from market_pipeline.alerts.message import MessageKind, as_html, as_text, duration, from_json, subject, to_json
from market_pipeline_tests.alerts.messages import LIVE, NOW, message


def test_an_alert_says_what_where_since_when_why_and_what_to_do() -> None:
    assert as_text(message()) == (
        "[SIMULATED] ALERT casablanca: data is stale\n"
        "\n"
        "feed: SIMULATED: no real market is concerned\n"
        "market: casablanca\n"
        "what: data is stale\n"
        "since: 2026-11-20 11:51 UTC (9 min ago at 12:00 UTC)\n"
        "evidence: live_tickers: newest event 2026-11-20 11:51 UTC, 9.0 open minutes old (limit 5 min)\n"
        "what to do: compare raw_quotes per source\n"
        "severity: warning\n"
        "look: http://127.0.0.1:3000/locations/market_pipeline/asset-groups/casablanca\n"
    )


def test_a_recovery_says_from_when_to_when_and_how_long() -> None:
    text = as_text(message(kind=MessageKind.RECOVERED, evidence="", what_to_do="", origin=LIVE))
    assert text == (
        "RECOVERED casablanca: data is stale\n"
        "\n"
        "market: casablanca\n"
        "what: over: data is stale\n"
        "since: 2026-11-20 11:51 UTC until 2026-11-20 12:00 UTC, 9 min\n"
        "look: http://127.0.0.1:3000/locations/market_pipeline/asset-groups/casablanca\n"
    )


def test_what_begins_now_has_no_age() -> None:
    assert "\nsince: 2026-11-20 12:00 UTC\n" in as_text(message(since=NOW))


def test_the_live_feed_is_not_called_simulated() -> None:
    assert "SIMULATED" not in as_text(message(origin=LIVE)) + as_html(message(origin=LIVE))
    assert "SIMULATED" in as_html(message())


def test_html_is_escaped_and_keeps_lines() -> None:
    html = as_html(message(evidence="price <0 & high>low\nsecond", title="a<b"))
    assert "price &lt;0 &amp; high&gt;low<br>second" in html
    assert ">[SIMULATED] ALERT casablanca: a&lt;b</h3>" in html


def test_html_links_to_the_market_in_the_ui() -> None:
    address = "http://127.0.0.1:3000/locations/market_pipeline/asset-groups/casablanca"
    assert f'<a href="{address}">{address}</a>' in as_html(message())


def test_a_subject_is_one_line() -> None:
    assert subject(message(title="a\r\nBcc: everybody@example.org")) == (
        "[SIMULATED] ALERT casablanca: a Bcc: everybody@example.org"
    )


def test_a_message_survives_the_queue() -> None:
    assert from_json(to_json(message(since=NOW - timedelta(seconds=1)))) == message(since=NOW - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=45), "45 s"),
        (timedelta(minutes=12, seconds=40), "12 min"),
        (timedelta(hours=3, minutes=5), "3 h 05 min"),
        (timedelta(days=2, hours=19), "2 d 19 h"),
    ],
)
def test_durations_read_like_speech(span: timedelta, text: str) -> None:
    assert duration(span) == text
