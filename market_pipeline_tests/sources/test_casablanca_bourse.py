from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import RateLimited, SourceTimeout
from market_pipeline.model.bar import DailyBar
from market_pipeline.model.outcome import OutcomeStatus, RequestKind
from market_pipeline.model.quote import PriceKind
from market_pipeline.sources.casablanca_bourse import create
from market_pipeline.sources.source import Request, source_module
from market_pipeline_tests.sources.casablanca_desk import (
    ATW,
    BOA,
    CDA,
    FRIDAY_AFTERNOON,
    IAM,
    LBV,
    LES,
    LHM,
    MLE,
    SAM,
    RecordedTransport,
    Seen,
    context_for,
    live_transport,
    local_site,
    outcomes_of,
    quotes_of,
    recorded,
    sample,
)

NORMAL = sample("casablanca_bourse/ticker_normal.json")
PAGES = {"0": sample("casablanca_bourse/history_page1.json"), "3": sample("casablanca_bourse/history_page2.json")}
START, END = date(2026, 11, 11), date(2026, 11, 19)


def history_site(request: Request) -> bytes:
    """Answer the board, and the page of history that the query's offset names."""
    if request.kind is RequestKind.QUOTE:
        return NORMAL
    return PAGES[dict(request.params)["page[offset]"]]


def test_the_module_is_found_by_its_name_and_needs_no_key() -> None:
    assert source_module("casablanca_bourse").REQUIRED_KEYS == ()


def test_one_request_serves_all_symbols() -> None:
    transport = recorded(NORMAL)
    fetched = create(context_for("casablanca_bourse", transport)).quotes([ATW, MLE, SAM, LES])
    assert len(transport.requests) == 1
    assert {symbol: quote.price for symbol, quote in quotes_of(fetched).items()} == {
        "ATW": 702.0,
        "MLE": 368.5,
        "SAM": 127.8,
        "LES": 305.5,
    }


def test_each_symbol_gets_one_outcome_that_says_its_state() -> None:
    transport = recorded(NORMAL)
    outcomes = outcomes_of(create(context_for("casablanca_bourse", transport)).quotes([ATW, MLE, SAM, LHM, CDA]))
    assert {symbol: outcome.status for symbol, outcome in outcomes.items()} == {
        "ATW": OutcomeStatus.OK,
        "MLE": OutcomeStatus.NOT_TRADED,
        "SAM": OutcomeStatus.HALTED,
        "LHM": OutcomeStatus.UNKNOWN,
        "CDA": OutcomeStatus.DELISTED,
    }
    assert outcomes["LHM"].reason == "LHM is not among the 8 codes listed"
    assert (outcomes["CDA"].reason, outcomes["CDA"].attempts) == ("left the exchange on 2022-06-10; not asked", 0)


def test_a_quote_and_its_outcome_name_the_payload_they_come_from() -> None:
    fetched = create(context_for("casablanca_bourse", recorded(NORMAL))).quotes([ATW])
    assert fetched.records[0].payload_sha == fetched.outcomes[0].payload_sha
    assert fetched.records[0].received_time == FRIDAY_AFTERNOON


def test_a_board_with_bad_rows_still_serves_the_good_ones() -> None:
    body = sample("casablanca_bourse/ticker_partial.json")
    fetched = create(context_for("casablanca_bourse", recorded(body))).quotes([ATW, BOA, IAM, LBV])
    outcomes = outcomes_of(fetched)
    assert list(quotes_of(fetched)) == ["ATW"]
    assert outcomes["IAM"].status is OutcomeStatus.PARSE_ERROR
    assert outcomes["LBV"].reason == "LBV is not among the 5 codes listed; 1 rows without a code were set aside"


def test_an_empty_board_is_empty_for_everybody() -> None:
    body = sample("casablanca_bourse/ticker_empty.json")
    outcome = create(context_for("casablanca_bourse", recorded(body))).quotes([ATW]).outcomes[0]
    assert (outcome.status, outcome.reason) == (OutcomeStatus.EMPTY, "the page lists no instrument at all")


def test_the_rest_of_a_duplicated_share_is_counted_as_rejected() -> None:
    body = sample("casablanca_bourse/ticker_duplicate.json")
    fetched = create(context_for("casablanca_bourse", recorded(body))).quotes([ATW, IAM])
    assert {symbol: one.rejected_records for symbol, one in outcomes_of(fetched).items()} == {"ATW": 2, "IAM": 1}
    assert quotes_of(fetched)["ATW"].price == 702.0


def test_a_board_that_cannot_be_read_is_a_parse_error_of_all_with_its_payload() -> None:
    outcomes = create(context_for("casablanca_bourse", recorded(b'{"data":'))).quotes([ATW, IAM]).outcomes
    assert [outcome.status for outcome in outcomes] == [OutcomeStatus.PARSE_ERROR, OutcomeStatus.PARSE_ERROR]
    assert outcomes[0].payload_sha is not None


def test_a_failed_call_gives_every_symbol_its_status() -> None:
    source = create(context_for("casablanca_bourse", recorded(RateLimited("the site said 429"))))
    outcomes = source.quotes([ATW, IAM, CDA]).outcomes
    assert [one.status.value for one in outcomes] == ["rate_limited", "rate_limited", "delisted"]
    assert outcomes[0].reason == "the site said 429"


def test_nothing_is_asked_when_all_have_left_the_exchange() -> None:
    transport = recorded(NORMAL)
    create(context_for("casablanca_bourse", transport)).quotes([CDA])
    assert transport.requests == []


def test_the_request_is_the_one_the_site_s_own_page_sends(tmp_path: Path) -> None:
    clock = HandClock(FRIDAY_AFTERNOON)
    json_api = {"Content-Type": "application/vnd.api+json"}
    with (
        local_site(lambda _: (200, NORMAL, json_api)) as (address, seen),
        live_transport("casablanca_bourse", address, tmp_path, clock) as transport,
    ):
        fetched = create(context_for("casablanca_bourse", transport, clock)).quotes([ATW])
    assert fetched.records[0].price_kind is PriceKind.TRADE
    assert seen[0].path == "/casablanca_bourse/api/proxy/fr/api/bourse/dashboard/ticker"
    assert seen[0].query == {"marche": "59", "class[0]": "25"}
    assert seen[0].headers["Accept"] == "application/vnd.api+json"
    assert seen[0].headers["Accept-Language"] == "fr-FR,fr;q=0.9,en;q=0.8"


@pytest.mark.parametrize(
    ("status", "name", "content_type", "expected"),
    [
        (200, "ticker_html.html", "text/html", OutcomeStatus.BLOCKED),
        (403, "ticker_html.html", "text/html", OutcomeStatus.BLOCKED),
        (404, "error_404.json", "application/vnd.api+json", OutcomeStatus.PARSE_ERROR),
    ],
)
def test_an_answer_that_is_no_board_is_named_for_what_it_is(
    tmp_path: Path, status: int, name: str, content_type: str, expected: OutcomeStatus
) -> None:
    clock = HandClock(FRIDAY_AFTERNOON)
    body = sample(f"casablanca_bourse/{name}")
    with (
        local_site(lambda _: (status, body, {"Content-Type": content_type})) as (address, _seen),
        live_transport("casablanca_bourse", address, tmp_path, clock) as transport,
    ):
        outcome = create(context_for("casablanca_bourse", transport, clock)).quotes([ATW]).outcomes[0]
    assert (outcome.status, outcome.http_status) == (expected, status)


def test_daily_bars_come_from_all_pages_in_time_order_and_once_each() -> None:
    transport = RecordedTransport(history_site, HandClock(FRIDAY_AFTERNOON))
    fetched = create(context_for("casablanca_bourse", transport)).daily_bars(ATW, start=START, end=END)
    assert [(bar.session_date.day, bar.close) for bar in fetched.records] == [
        (12, 688.0),
        (13, 690.4),
        (16, 693.0),
        (17, 696.9),
        (19, 699.5),
    ]
    outcome = fetched.outcomes[0]
    assert (outcome.status, outcome.rejected_records, outcome.attempts) == (OutcomeStatus.OK, 1, 2)


def test_a_daily_bar_has_shares_as_volume_and_money_as_turnover() -> None:
    transport = RecordedTransport(history_site, HandClock(FRIDAY_AFTERNOON))
    fetched = create(context_for("casablanca_bourse", transport)).daily_bars(ATW, start=END, end=END)
    assert fetched.records == (
        DailyBar(
            market="casablanca",
            source="casablanca_bourse",
            symbol="ATW",
            session_date=date(2026, 11, 19),
            close=699.5,
            open=697.0,
            high=701.0,
            low=696.2,
            volume=39412.0,
            turnover=27541118.1,
            market_cap=150491017030.5,
        ),
    )


def test_the_history_is_asked_for_by_the_id_that_the_board_names() -> None:
    transport = RecordedTransport(history_site, HandClock(FRIDAY_AFTERNOON))
    source = create(context_for("casablanca_bourse", transport))
    source.daily_bars(ATW, start=START, end=END)
    source.daily_bars(ATW, start=START, end=END)
    assert [request.kind.value for request in transport.requests] == ["quote", *["daily_bars"] * 4]
    params = dict(transport.requests[1].params)
    assert params["filter[instrument][condition][value]"] == "511"
    assert params["filter[date-start][condition][value]"] == "2026-11-11"
    assert params["filter[date-end][condition][operator]"] == "<="


def test_the_next_page_is_asked_at_our_host_whatever_host_the_link_names(tmp_path: Path) -> None:
    clock = HandClock(FRIDAY_AFTERNOON)

    def respond(seen: Seen) -> tuple[int, bytes, dict[str, str]]:
        body = PAGES[seen.query["page[offset]"]] if seen.path.endswith("instrument_history") else NORMAL
        return 200, body, {"Content-Type": "application/vnd.api+json"}

    with (
        local_site(respond) as (address, seen),
        live_transport("casablanca_bourse", address, tmp_path, clock) as transport,
    ):
        fetched = create(context_for("casablanca_bourse", transport, clock)).daily_bars(ATW, start=START, end=END)
    assert len(fetched.records) == 5
    path = "/casablanca_bourse/api/proxy/fr/api/bourse_data/instrument_history"
    assert [(one.path, one.query["page[offset]"]) for one in seen[1:]] == [(path, "0"), (path, "3")]


def test_a_history_that_breaks_off_keeps_its_newest_sessions_and_says_so() -> None:
    transport = recorded(NORMAL, PAGES["0"], SourceTimeout("page two took too long"))
    fetched = create(context_for("casablanca_bourse", transport)).daily_bars(ATW, start=START, end=END)
    assert [bar.session_date.day for bar in fetched.records] == [16, 17, 19]
    outcome = fetched.outcomes[0]
    assert outcome.status is OutcomeStatus.TIMEOUT
    assert outcome.reason == "only the newest 3 sessions were read: page two took too long"


def test_a_history_that_links_to_itself_ends() -> None:
    transport = recorded(NORMAL, PAGES["0"])
    outcome = create(context_for("casablanca_bourse", transport)).daily_bars(ATW, start=START, end=END).outcomes[0]
    assert outcome.status is OutcomeStatus.PARSE_ERROR
    assert "goes round in circles after 2 pages" in (outcome.reason or "")


def test_a_history_without_sessions_is_empty() -> None:
    transport = recorded(NORMAL, b'{"data":[],"links":{}}')
    fetched = create(context_for("casablanca_bourse", transport)).daily_bars(ATW, start=START, end=END)
    assert (fetched.records, fetched.outcomes[0].status) == ((), OutcomeStatus.EMPTY)


def test_sessions_outside_the_dates_asked_for_are_set_aside() -> None:
    transport = RecordedTransport(history_site, HandClock(FRIDAY_AFTERNOON))
    fetched = create(context_for("casablanca_bourse", transport)).daily_bars(
        ATW, start=date(2026, 11, 13), end=date(2026, 11, 16)
    )
    assert [bar.session_date.day for bar in fetched.records] == [13, 16]
    assert fetched.outcomes[0].rejected_records == 4


def test_a_share_without_an_id_has_no_history_to_ask_for() -> None:
    transport = recorded(NORMAL)
    fetched = create(context_for("casablanca_bourse", transport)).daily_bars(LHM, start=START, end=END)
    assert fetched.outcomes[0].status is OutcomeStatus.UNKNOWN
    assert len(transport.requests) == 1


def test_minute_bars_are_answered_without_asking() -> None:
    transport = recorded(NORMAL)
    moment = datetime(2026, 11, 20, 10, tzinfo=UTC)
    fetched = create(context_for("casablanca_bourse", transport)).minute_bars(ATW, start=moment, end=moment)
    assert fetched.outcomes[0].status is OutcomeStatus.EMPTY
    assert fetched.outcomes[0].reason == "casablanca_bourse has no minute bars; not asked"
    assert transport.requests == []
