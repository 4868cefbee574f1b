"""New, renamed and delisted instruments, each with its date; a half-empty list changes nothing for the worse."""

from __future__ import annotations

from datetime import date

from market_pipeline.model.instrument import Instrument
from market_pipeline.transforms.instrument_changes import InstrumentChanges, changed_instruments

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
TEN = tuple(Instrument("india", f"SHARE{n}", f"Share {n}", isin=f"INE00000000{n}") for n in range(10))


def compare(
    listed: tuple[Instrument, ...], before: tuple[Instrument, ...] = TEN, *, is_complete: bool = False
) -> InstrumentChanges:
    return changed_instruments(listed, before, today=TUESDAY, is_complete=is_complete)


def row(changes: InstrumentChanges, symbol: str) -> Instrument:
    [found] = [one for one in changes.instruments if one.symbol == symbol]
    return found


def test_a_new_instrument_is_dated_by_the_day_it_came() -> None:
    changes = compare((*TEN, Instrument("india", "NEW", "New", isin="INE000000099")))
    assert changes.new == ("NEW",)
    assert row(changes, "NEW").listed_from == TUESDAY
    assert row(changes, "SHARE0").listed_from is None


def test_the_first_list_dates_nothing() -> None:
    changes = compare(TEN, before=())
    assert len(changes.new) == 10
    assert {one.listed_from for one in changes.instruments} == {None}


def test_a_date_once_known_is_kept_when_the_source_says_none() -> None:
    before = (Instrument("india", "SHARE0", "Share 0", listed_from=MONDAY),)
    assert row(compare(TEN[:1], before=before), "SHARE0").listed_from == MONDAY


def test_one_that_left_the_list_ends_with_the_day_it_was_missed() -> None:
    changes = compare(TEN[1:])
    assert changes.gone == ("SHARE0",)
    assert (row(changes, "SHARE0").listed_to, row(changes, "SHARE0").renamed_to) == (TUESDAY, None)


def test_an_isin_under_a_new_symbol_is_a_rename_and_neither_new_nor_gone() -> None:
    changes = compare((Instrument("india", "BETTER", "Better", isin="INE000000000"), *TEN[1:]))
    assert changes.renamed == {"SHARE0": "BETTER"}
    assert (changes.new, changes.gone) == ((), ())
    assert (row(changes, "SHARE0").listed_to, row(changes, "SHARE0").renamed_to) == (TUESDAY, "BETTER")
    assert row(changes, "BETTER").listed_from == TUESDAY


def test_a_half_empty_list_delists_nobody_and_says_whom_it_lacks() -> None:
    changes = compare(TEN[:5])
    assert changes.gone == ()
    assert changes.held == ("SHARE5", "SHARE6", "SHARE7", "SHARE8", "SHARE9")
    assert {one.listed_to for one in changes.instruments} == {None}


def test_a_list_with_four_of_five_is_believed() -> None:
    assert compare(TEN[2:]).gone == ("SHARE0", "SHARE1")
    assert compare(TEN[3:]).held == ("SHARE0", "SHARE1", "SHARE2")


def test_a_market_file_is_the_truth_however_little_it_names() -> None:
    assert len(compare(TEN[:1], is_complete=True).gone) == 9


def test_one_that_left_before_is_not_reported_again_and_one_that_returns_is_listed() -> None:
    left = Instrument("india", "SHARE0", "Share 0", listed_to=MONDAY)
    assert compare(TEN[1:], before=(left, *TEN[1:])).gone == ()
    assert row(compare(TEN, before=(left, *TEN[1:])), "SHARE0").listed_to is None
