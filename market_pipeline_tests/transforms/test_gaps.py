"""Missing minutes as ranges: which are gaps, why, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from market_pipeline.model.instrument import Instrument
from market_pipeline.model.session import Phase, SessionState
from market_pipeline.storage.tables import GAPS
from market_pipeline.transforms.gaps import GAP_SCHEMA, Asked, Healing
from market_pipeline_tests.transforms.gap_cases import (
    CLOSE,
    DHAN,
    OPEN,
    SERVED,
    SESSION,
    at,
    bars,
    gaps,
    outcomes,
    polls,
    shown,
)

ALL = range(10)
WATCHED = polls("ok", range(11))


def without(missing: range) -> list[int]:
    return [minute for minute in ALL if minute not in missing]


def test_the_columns_are_those_of_the_table() -> None:
    assert GAPS.schema.equals(GAP_SCHEMA)


def test_a_session_with_every_bar_has_no_gap() -> None:
    assert gaps(bars(RELIANCE=ALL, ZEEL=ALL), outcomes(*WATCHED)).num_rows == 0


def test_a_range_that_every_symbol_lacks_is_one_row_of_the_whole_market() -> None:
    there = bars(RELIANCE=without(range(3, 6)), ZEEL=without(range(3, 6)))
    asked = outcomes(*polls("ok", range(4)), *polls("timeout", range(4, 7)), *polls("ok", range(7, 11)))
    found = gaps(there, asked)
    assert shown(found, "minutes", "tier", "cause", "state", "attempts") == [("*", 3, 5, 3, 1, "timeout", "open", 0)]
    assert found["found_at"].to_pylist() == [CLOSE]


def test_what_one_symbol_lacks_is_a_row_of_its_own() -> None:
    there = bars(RELIANCE=ALL, ZEEL=without(range(3, 6)))
    asked = outcomes(
        *polls("ok", range(11), "RELIANCE"),
        *polls("ok", (*range(4), *range(7, 11)), "ZEEL"),
        *polls("rate_limited", range(4, 7), "ZEEL"),
    )
    assert shown(gaps(there, asked), "tier", "cause") == [("ZEEL", 3, 5, 2, "rate_limited")]


def test_a_minute_between_two_answered_polls_was_not_traded_and_is_no_hole() -> None:
    [row] = gaps(bars(RELIANCE=ALL, ZEEL=(0, 1, 5, 9)), outcomes(*WATCHED)).to_pylist()
    assert (row["symbol"], row["cause"], row["state"], row["minutes"]) == ("ZEEL", "not_traded", "unhealable", 6)
    assert (row["first_minute"], row["last_minute"]) == (at(2), at(8))


def test_minutes_that_an_answered_chart_spoke_of_were_not_traded() -> None:
    asked = outcomes(("ZEEL", "minute_bars", "ok", 6), ("RELIANCE", "minute_bars", "ok", 10))
    found = gaps(bars(RELIANCE=ALL, ZEEL=(0, 1)), asked)
    assert shown(found, "cause") == [("ZEEL", 6, 9, "process_down")]
    assert found.filter(pc.equal(found["cause"], "not_traded"))["minutes"].to_pylist() == [4]


def test_a_chart_answers_only_for_the_minutes_that_it_reaches() -> None:
    reaching_four_minutes = replace(DHAN, history=timedelta(minutes=4))
    asked = outcomes(("ZEEL", "minute_bars", "ok", 9), *polls("ok", range(11), "RELIANCE"))
    found = gaps(bars(RELIANCE=ALL, ZEEL=()), asked, timing=reaching_four_minutes)
    assert shown(found) == [("ZEEL", 0, 4), ("ZEEL", 9, 9)]


def test_trades_answer_for_what_lies_before_the_reach_of_the_charts() -> None:
    reaching_four_minutes = replace(DHAN, history=timedelta(minutes=4))
    asked = outcomes(("ZEEL", "minute_bars", "ok", 10), ("ZEEL", "trades", "empty", 10), *polls("ok", range(11)))
    assert shown(gaps(bars(RELIANCE=ALL, ZEEL=()), asked, timing=reaching_four_minutes)) == []


@pytest.mark.parametrize(
    ("status", "attempts", "cause"),
    [
        ("timeout", 1, "timeout"),
        ("timeout", 0, "breaker"),
        ("blocked", 1, "blocked"),
        ("deferred", 0, "deferred"),
        ("unauthorised", 1, "unauthorised"),
        ("parse_error", 1, "parse_error"),
        ("delisted", 0, "delisted"),
    ],
)
def test_a_failed_request_names_the_cause(status: str, attempts: int, cause: str) -> None:
    failed = [("ZEEL", "minute_bars", status, minute, attempts) for minute in range(1, 11)]
    found = gaps(bars(RELIANCE=ALL), outcomes(*failed, *polls("ok", range(11), "RELIANCE")))
    assert shown(found, "cause") == [("ZEEL", 0, 9, cause)]


def test_when_nobody_asked_the_process_was_down() -> None:
    asked = outcomes(*polls("ok", (*range(4), *range(8, 11))))
    there = bars(RELIANCE=(0, 1, 2, 8, 9), ZEEL=(0, 1, 2, 8, 9))
    assert shown(gaps(there, asked), "cause") == [("*", 3, 7, "process_down")]


def test_a_halt_is_told_apart_and_is_no_hole() -> None:
    halted = polls("halted", range(4, 8), "ZEEL")
    asked = outcomes(*polls("ok", range(11), "RELIANCE"), *polls("ok", (0, 1, 2, 3, 8, 9, 10), "ZEEL"), *halted)
    [row] = gaps(bars(RELIANCE=ALL, ZEEL=(0, 1, 2, 7, 8, 9)), asked).to_pylist()
    assert (row["cause"], row["state"], row["minutes"]) == ("halted", "unhealable", 4)


def test_minutes_that_are_not_over_yet_are_not_missing() -> None:
    found = gaps(bars(RELIANCE=range(3), ZEEL=range(3)), outcomes(*polls("ok", range(4))), now=at(3))
    assert found.num_rows == 0


def test_a_group_is_due_in_its_own_phases_only() -> None:
    noon = Phase("continuous", SessionState.OPEN, OPEN, at(6), group="derivatives")
    session = replace(SESSION, phases=(*SESSION.phases, noon))
    instruments = (
        Instrument("india", "RELIANCE", "Reliance", tier=1, group="derivatives"),
        Instrument("india", "ZEEL", "Zee", tier=2),
    )
    found = gaps(bars(), outcomes(), instruments=instruments, session=session)
    assert shown(found) == [("*", 0, 5), ("ZEEL", 6, 9)]


def test_an_instrument_that_was_not_listed_yet_lacks_nothing() -> None:
    new = Instrument("india", "ZEEL", "Zee", listed_from=SESSION.session_date + timedelta(days=1))
    assert gaps(bars(), outcomes(), instruments=(new,)).num_rows == 0


def test_finding_again_gives_the_same_rows() -> None:
    there, asked = bars(RELIANCE=without(range(3, 6)), ZEEL=(0, 9)), outcomes(*polls("ok", range(3)))
    first = gaps(there, asked)
    again = gaps(there, asked, known=first, now=CLOSE + timedelta(hours=1))
    assert first.num_rows > 1
    assert again.drop(["known_at"]).equals(first.drop(["known_at"]))


def test_a_gap_that_goes_on_stays_one_row_though_the_breaker_opened_meanwhile() -> None:
    failed = [(s, "quote", "timeout", m) for m in (2, 3) for s in ("RELIANCE", "ZEEL")]
    refused = [(s, "quote", "timeout", m, 0) for m in (4, 5, 6) for s in ("RELIANCE", "ZEEL")]
    asked = outcomes(*polls("ok", range(2)), *failed, *refused)
    there = bars(RELIANCE=(0,), ZEEL=(0,))
    first = gaps(there, asked, now=at(4))
    later = gaps(there, asked, known=first, now=at(6))
    assert shown(later, "cause", "found_at") == [("*", 1, 5, "timeout", at(4))]


def known_gap() -> pa.Table:
    return gaps(bars(RELIANCE=without(range(3, 6)), ZEEL=without(range(3, 6))), outcomes(*polls("ok", range(3))))


def test_a_gap_whose_bars_came_is_healed_and_says_how_much_was_traded() -> None:
    asked = outcomes(("RELIANCE", "minute_bars", "ok", 12), ("ZEEL", "minute_bars", "ok", 12))
    later = CLOSE + timedelta(minutes=5)
    found = gaps(bars(RELIANCE=ALL, ZEEL=without(range(4, 6))), asked, known=known_gap(), now=later)
    assert shown(found, "state", "reason", "healed_at") == [
        ("*", 3, 5, "healed", "3 of 3 minutes have a bar now; where one has none, nothing traded", later)
    ]
    again = gaps(bars(RELIANCE=ALL, ZEEL=without(range(4, 6))), asked, known=found, now=later + timedelta(hours=1))
    assert again.drop(["known_at"]).equals(found.drop(["known_at"]))


def test_a_gap_in_which_nothing_traded_becomes_not_traded() -> None:
    asked = outcomes(("RELIANCE", "minute_bars", "empty", 12), ("ZEEL", "minute_bars", "empty", 12))
    found = gaps(known_gap_bars(), asked, known=known_gap())
    assert shown(found) == []
    assert found["cause"].to_pylist() == ["not_traded", "not_traded"]
    assert found["minutes"].to_pylist() == [3, 3]


def known_gap_bars() -> pa.Table:
    return bars(RELIANCE=without(range(3, 6)), ZEEL=without(range(3, 6)))


def test_a_gap_that_was_asked_for_in_vain_is_healing_and_counts_the_attempt() -> None:
    found = gaps(known_gap_bars(), outcomes(), known=known_gap(), again={"ZEEL": Asked("dhan answered 503")})
    assert shown(found, "state", "reason", "attempts") == [
        ("RELIANCE", 3, 5, "open", None, 0),
        ("ZEEL", 3, 5, "healing", "dhan answered 503", 1),
    ]


def test_a_gap_of_a_symbol_that_the_source_does_not_know_is_unhealable() -> None:
    found = gaps(known_gap_bars(), outcomes(), known=known_gap(), again={"ZEEL": Asked("unknown", is_final=True)})
    assert ("ZEEL", 3, 5, "unhealable") in shown(found, "state")


def test_half_a_healed_gap_leaves_the_other_half_open() -> None:
    there = bars(RELIANCE=without(range(4, 6)), ZEEL=without(range(4, 6)))
    assert shown(gaps(there, outcomes(), known=known_gap()), "state") == [("*", 3, 3, "healed"), ("*", 4, 5, "open")]


def test_a_market_without_minute_history_says_why_its_gaps_stay() -> None:
    why = "casablanca has no source with minute history"
    found = gaps(known_gap_bars(), outcomes(), healing=Healing(None, why))
    assert shown(found, "state", "reason") == [("*", 3, 5, "unhealable", why)]


def test_minutes_that_the_source_no_longer_serves_are_unhealable_and_the_rest_stays_open() -> None:
    found = gaps(known_gap_bars(), outcomes(), known=known_gap(), healing=replace(SERVED, served_from=at(5)))
    assert shown(found, "state") == [("*", 3, 4, "unhealable"), ("*", 5, 5, "open")]


def test_a_symbol_that_nobody_knows_and_no_symbol_at_all_do_no_harm() -> None:
    stray = bars(OTHER=ALL)
    assert gaps(stray, outcomes(("OTHER", "quote", "ok", 1)), instruments=()).num_rows == 0
