"""Who is right when sources differ: rule 4, and rule 9 on resellers of one feed."""

from __future__ import annotations

from market_pipeline_tests.transforms.merge_cases import (
    AFRICAN,
    BVC,
    INDEPENDENT,
    WAFA,
    day_quote,
    market,
    merge,
    quote,
    reasons,
    source,
    ticker,
)

WITHOUT_BAND = market(merge={})


def test_of_three_the_one_far_from_the_median_is_rejected():
    result = merge(
        [quote(BVC, 739.0, minutes_ago=5), quote(WAFA, 739.2, minutes_ago=4), day_quote(AFRICAN, 73.9)],
        market_file=WITHOUT_BAND,
    )
    merged = result.tickers[0]
    assert (merged.price, merged.source) == (739.2, WAFA)
    assert merged.provenance["last"].losers == {AFRICAN: "73.9: outlier_vs_median", BVC: "739.0: older"}
    assert reasons(result) == {AFRICAN: "outlier_vs_median"}


def test_the_newest_of_three_is_rejected_too_when_it_is_the_outlier():
    quotes = [quote(BVC, 760.0, minutes_ago=1), quote(WAFA, 739.2, minutes_ago=4), quote(AFRICAN, 739.0, minutes_ago=6)]
    assert ticker(quotes).price == 739.2


def test_two_percent_from_the_median_is_no_outlier():
    quotes = [quote(BVC, 753.0, minutes_ago=1), quote(WAFA, 739.0, minutes_ago=4), quote(AFRICAN, 739.0, minutes_ago=6)]
    assert ticker(quotes).price == 753.0


def test_five_ticks_of_a_penny_share_are_no_outlier():
    penny = market(symbols=[{"symbol": "ATW", "name": "a penny share", "tick_size": 0.01}], merge={})
    quotes = [quote(BVC, 0.34, minutes_ago=1), quote(WAFA, 0.30, minutes_ago=4), quote(AFRICAN, 0.30, minutes_ago=6)]
    assert ticker(quotes, market_file=penny).price == 0.34


def test_sources_that_scatter_widely_reject_nobody_but_are_flagged_disputed():
    # the median deviation is 20, so three scaled ones (89) allow all of them
    quotes = [quote("alpha", 700.0, minutes_ago=3), quote("beta", 720.0, minutes_ago=2), quote("gamma", 750.0)]
    merged = ticker(quotes, market_file=INDEPENDENT)
    assert (merged.price, merged.source, merged.flags) == (750.0, "gamma", ("disputed",))


def test_two_that_differ_by_more_than_two_percent_are_disputed_and_the_higher_priority_wins():
    result = merge([quote(BVC, 739.0, minutes_ago=5), quote(WAFA, 800.0, minutes_ago=4)])
    merged = result.tickers[0]
    assert (merged.price, merged.source, merged.flags) == (739.0, BVC, ("disputed",))
    assert merged.provenance["last"].losers == {WAFA: "800.0: disputed"}
    assert reasons(result) == {WAFA: "disputed"}


def test_a_disputed_price_is_never_the_average():
    assert ticker([quote(BVC, 700.0), quote(WAFA, 760.0)]).price == 700.0


def test_the_source_that_lost_a_dispute_supplies_no_other_field():
    merged = ticker([quote(BVC, 739.0), quote(WAFA, 800.0, volume=48_129.0, market_cap=1.5e11)])
    assert (merged.volume, merged.market_cap) == (None, None)


def test_two_that_agree_are_not_disputed_and_the_newest_wins_over_priority():
    merged = ticker([quote(BVC, 739.0, minutes_ago=15), quote(WAFA, 740.0, minutes_ago=2)])
    assert (merged.price, merged.source) == (740.0, WAFA)
    assert merged.provenance["last"].losers == {BVC: "739.0: older"}


def test_prices_more_than_twenty_minutes_apart_do_not_contradict_each_other():
    merged = ticker([quote(BVC, 739.0, minutes_ago=25), quote(WAFA, 770.0, minutes_ago=2)])
    assert (merged.price, merged.flags) == (770.0, ("single_source",))


def test_a_date_only_price_is_of_the_same_moment_as_any_of_its_day():
    merged = ticker([quote(BVC, 739.0), day_quote(AFRICAN, 770.0)])
    assert (merged.price, merged.flags) == (739.0, ("disputed",))


def test_resellers_of_one_feed_each_have_a_vote_against_an_outlier():
    quotes = [quote(BVC, 760.0), quote(WAFA, 739.0, minutes_ago=2), quote(AFRICAN, 739.1, minutes_ago=3)]
    assert reasons(merge(quotes)) == {BVC: "outlier_vs_median"}


def test_resellers_of_one_feed_are_one_witness_and_flagged_single_feed():
    assert ticker([quote(BVC, 739.0), quote(WAFA, 739.0)]).flags == ("single_feed",)


def test_independent_sources_that_agree_leave_no_flag():
    assert ticker([quote("alpha", 739.0), quote("beta", 739.0)], market_file=INDEPENDENT).flags == ()


def test_a_source_has_one_vote_however_often_it_is_repeated():
    copies = [quote(BVC, 760.0)] * 3
    result = merge([*copies, quote(WAFA, 739.0, minutes_ago=2), quote(AFRICAN, 739.0, minutes_ago=3)])
    assert result.tickers[0].price == 739.0
    assert [str(item.reason) for item in result.set_aside] == ["outlier_vs_median", "superseded", "superseded"]


def test_the_newest_report_of_a_source_counts():
    result = merge([quote(BVC, 739.0, minutes_ago=5), quote(BVC, 740.0, minutes_ago=1)])
    assert result.tickers[0].price == 740.0
    assert [(item.quote.price, str(item.reason)) for item in result.set_aside] == [(739.0, "superseded")]


def test_our_own_last_price_is_a_witness_before_priority_decides_a_dispute():
    crypto = market(sources=[source("alpha"), source("beta")], merge={})
    before = ticker([quote("beta", 739.0, minutes_ago=3)], market_file=crypto)
    result = merge([quote("alpha", 7_390.0), quote("beta", 740.0)], previous=before, market_file=crypto)
    assert (result.tickers[0].price, result.tickers[0].source) == (740.0, "beta")
    assert reasons(result) == {"alpha": "quarantined"}
