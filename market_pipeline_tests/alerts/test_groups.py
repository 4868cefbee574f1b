"""One cause is one message, however many markets and conditions it hits."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_pipeline.alerts.conditions import Key
from market_pipeline_tests.alerts.desk import MINUTE, AlertDesk, down, wrong

FOUR = ("us", "saudi", "global", "crypto")


@pytest.fixture
def desk(tmp_path: Path) -> AlertDesk:
    return AlertDesk(tmp_path)


def test_an_outage_in_four_markets_is_one_message(desk: AlertDesk) -> None:
    assert desk.look(*map(down, FOUR)) == ["ALERT us, saudi, global, crypto: yahoo does not answer"]
    (message,) = desk.board.seen
    assert message.evidence.splitlines() == [f"{market}: 24 of 24 requests failed" for market in FOUR]
    assert message.markets == FOUR
    assert message.link == "http://127.0.0.1:3000"
    assert message.name == "alert.source-yahoo.error_rate.20261120T120000"


def test_a_market_that_joins_an_outage_later_is_named_with_the_next_repeat(desk: AlertDesk) -> None:
    desk.look(down("us"), markets="saudi")
    assert desk.pass_minutes(14, down("us"), down("saudi")) == []
    assert desk.pass_minutes(1, down("us"), down("saudi")) == [(15, "STILL ON us, saudi: yahoo does not answer")]


def test_what_joins_an_outage_and_is_graver_is_told_at_once(desk: AlertDesk) -> None:
    desk.look(down("us"), markets="saudi")
    told = desk.look(down("us"), down("saudi", is_critical=True))
    assert told == ["ALERT saudi: yahoo does not answer"]


def test_an_outage_is_over_once_its_last_market_has_recovered(desk: AlertDesk) -> None:
    desk.look(*map(down, FOUR))
    desk.clock.advance(5 * MINUTE)
    assert desk.look(down("us"), markets="saudi global crypto") == []
    desk.clock.advance(5 * MINUTE)
    assert desk.look(markets="us") == ["RECOVERED us, saudi, global, crypto: yahoo does not answer"]
    assert desk.board.seen[-1].at - desk.board.seen[-1].since == 10 * MINUTE


def test_a_market_that_was_never_told_of_does_not_make_an_outage_end_twice(desk: AlertDesk) -> None:
    desk.look(down("us"), markets="saudi")
    desk.look(down("us"), down("saudi"))
    assert desk.look(down("saudi"), markets="us") == []
    assert desk.look(markets="us saudi") == ["RECOVERED us: yahoo does not answer"]


def test_what_is_wrong_with_the_market_itself_is_told_beside_an_outage(desk: AlertDesk) -> None:
    told = desk.look(down("us"), down("saudi"), wrong(Key.LOW_SCORE, "us"), wrong(Key.NOT_RUNNING, "us"))
    assert told == ["ALERT us, saudi: yahoo does not answer", "ALERT us: low_score holds; not_running holds"]


def test_two_causes_are_two_messages(desk: AlertDesk) -> None:
    told = desk.look(
        down("us"), wrong(Key.FEW_UPDATES, "us", cause="disk"), wrong(Key.FEW_UPDATES, "saudi", cause="disk")
    )
    assert told == ["ALERT us: yahoo does not answer", "ALERT us, saudi: few_updates holds"]


def test_a_closed_market_keeps_an_outage_open_without_a_word(desk: AlertDesk) -> None:
    desk.look(down("us"), down("saudi"))
    undecided = frozenset(Key)
    for _ in range(90):
        desk.clock.advance(MINUTE)
        assert desk.look(markets="us saudi", undecided=undecided) == []
    assert desk.look(markets="us saudi") == ["RECOVERED us, saudi: yahoo does not answer"]
