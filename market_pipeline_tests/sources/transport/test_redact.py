"""What is taken out of a payload before anybody else sees it, and what stays."""

from __future__ import annotations

import json

import pytest

from market_pipeline.sources.transport.redact import redacted


def test_secrets_in_json_go_at_any_depth_and_prices_stay() -> None:
    document = {"data": [{"price": 702.0, "access_token": "s1", "clientId": 1000, "sessionDate": "2026-11-20"}]}
    assert json.loads(redacted(json.dumps(document).encode())) == {
        "data": [
            {"price": 702.0, "access_token": "REDACTED", "clientId": "REDACTED", "sessionDate": "2026-11-20"},
        ]
    }


@pytest.mark.parametrize(
    ("page", "left"),
    [
        (
            '<input type="hidden" name="csrf_token" value="s1">',
            '<input type="hidden" name="csrf_token" value="REDACTED">',
        ),
        ('<meta name="x-csrf-token" content="s1">', '<meta name="x-csrf-token" content="REDACTED">'),
        ('<script>var apiKey = "s1";</script>', '<script>var apiKey = "REDACTED";</script>'),
        ("<script>{'crumb': 's1', 'a': 'b'}</script>", "<script>{'crumb': 'REDACTED', 'a': 'b'}</script>"),
        ('<a href="/next?page=2&crumb=s1&size=5">', '<a href="/next?page=2&crumb=REDACTED&size=5">'),
        ("<td>702.00</td>", "<td>702.00</td>"),
    ],
)
def test_secrets_in_a_page_go_and_the_rest_stays(page: str, left: str) -> None:
    assert redacted(page.encode()).decode() == left


def test_what_we_sent_ourselves_goes_wherever_it_is_echoed() -> None:
    body = b'{"message": "client 1100003626 with key eyJ0.abc is not allowed"}'
    assert (
        redacted(body, ["1100003626", "eyJ0.abc"]) == b'{"message": "client REDACTED with key REDACTED is not allowed"}'
    )


def test_a_cut_document_is_redacted_as_text() -> None:
    assert redacted(b'{"token": "s1", "price": "70') == b'{"token": "REDACTED", "price": "70'
