"""Buckets worked out by hand: where they begin and end, what they add up, when they are final."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from market_pipeline.errors import UsageError
from market_pipeline.markets.loader import load_market
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.model.timeframe import timeframe_named
from market_pipeline.transforms.bar_rows import BAR_SCHEMA
from market_pipeline.transforms.resample import Reach, SessionHours, reach, resample

DAY = date(2026, 11, 20)
LATER = Reach(datetime(2027, 6, 1, tzinfo=UTC))
"""The market is months further."""


def at(text: str, day: date = DAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{text}+00:00")


def bar(text: str, close: float = 10.0, *, day: date = DAY, **other: Any) -> dict[str, Any]:
    """A bar of one minute of a symbol that trades at one price."""
    moment = at(text, day)
    row = {
        **dict.fromkeys(("open", "high", "low", "close"), close),
        "market": "somewhere",
        "symbol": "ABC",
        "interval_start": moment,
        "session_date": day,
        "volume": 1.0,
        "turnover": close,
        "origin": "chart",
        "n_ticks": 1,
        "is_final": True,
        "is_synthetic": False,
        "revision": 0,
        "known_at": moment + timedelta(minutes=1),
    }
    return row | other


def hours(
    opens: str, closes: str, *, day: date = DAY, pause: tuple[str, str] | None = None
) -> dict[date, SessionHours]:
    noon = (at(pause[0], day), at(pause[1], day)) if pause else None
    return {day: SessionHours(at(opens, day), at(closes, day), noon)}


def bars_of(
    rows: Iterable[dict[str, Any]], timeframe: str, hours: Mapping[date, SessionHours], reached: Reach = LATER
) -> list[dict[str, Any]]:
    table = pa.Table.from_pylist(list(rows), schema=BAR_SCHEMA)
    found: list[dict[str, Any]] = resample(table, timeframe, hours=hours, reached=reached).to_pylist()
    return found


def minutes_of(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [f"{row['interval_start']:%H:%M}" for row in rows]


def market_hours(market: str, day: date) -> dict[date, SessionHours]:
    found = calendar_for(load_market(market)).hours(day)
    assert found is not None
    return {day: SessionHours(found.open, found.close, found.pause)}


def test_open_is_the_first_close_the_last_and_between_them_the_extremes_and_the_sums() -> None:
    rows = [
        bar("09:32", 11.5, open=12.0, high=12.5, low=11.0, volume=30.0, turnover=350.0, n_ticks=4),
        bar("09:30", 10.2, open=10.0, high=10.5, low=9.5, volume=10.0, turnover=100.0, n_ticks=2),
        bar("09:34", 11.1, open=11.0, high=11.2, low=10.9, volume=0.0, turnover=0.0, n_ticks=0),
        bar("09:35", 99.0),
    ]
    first, second = bars_of(rows, "5m", hours("09:30", "15:30"))
    assert {name: first[name] for name in ("open", "high", "low", "close", "volume", "turnover", "n_ticks")} == {
        "open": 10.0,
        "high": 12.5,
        "low": 9.5,
        "close": 11.1,
        "volume": 40.0,
        "turnover": 450.0,
        "n_ticks": 6,
    }
    assert first["known_at"] == at("09:35")
    assert (second["interval_start"], second["open"]) == (at("09:35"), 99.0)


@pytest.mark.parametrize("name", ["volume", "turnover", "n_ticks"])
def test_one_unknown_amount_makes_the_sum_unknown_and_not_smaller(name: str) -> None:
    [row] = bars_of([bar("09:30"), bar("09:31", **{name: None}), bar("09:32")], "5m", hours("09:30", "15:30"))
    assert row[name] is None
    assert [row[other] for other in ("volume", "n_ticks") if other != name] == [3] * (2 if name == "turnover" else 1)


def test_no_bar_is_made_for_a_bucket_without_one() -> None:
    rows = [bar("09:31"), bar("10:29")]
    assert minutes_of(bars_of(rows, "5m", hours("09:30", "15:30"))) == ["09:30", "10:25"]


def test_indias_hours_begin_at_a_quarter_past_nine() -> None:
    rows = [bar("03:45"), bar("04:44"), bar("04:45"), bar("09:50")]
    found = bars_of(rows, "1h", market_hours("india", DAY))
    assert minutes_of(found) == ["03:45", "04:45", "09:45"]
    assert [row["volume"] for row in found] == [2.0, 1.0, 1.0]


def test_the_closing_auction_is_part_of_the_bucket_that_it_falls_into() -> None:
    # shares with derivatives stop at 15:15 in India and have their auction's price at 15:25 (09:55 UTC)
    rows = [bar("09:44", 10.0), bar("09:55", 11.0)]
    stopped, auction = bars_of(rows, "15m", market_hours("india", DAY))
    assert (stopped["interval_start"], stopped["close"]) == (at("09:30"), 10.0)
    assert (auction["interval_start"], auction["close"]) == (at("09:45"), 11.0)


def test_casablanca_opens_at_half_past_nine_with_the_auctions_price_in_the_first_bucket() -> None:
    rows = [bar("09:30", 10.0, open=9.0), bar("09:59", 11.0), bar("10:00", 12.0)]
    found = bars_of(rows, "30m", market_hours("casablanca", DAY))
    assert [(row["open"], row["close"]) for row in found] == [(9.0, 11.0), (12.0, 12.0)]
    assert minutes_of(found) == ["09:30", "10:00"]


@pytest.mark.parametrize(
    ("day", "first", "buckets"),
    [
        (date(2026, 10, 30), "13:30", ["13:30", "14:30"]),  # New York keeps summer time
        (date(2026, 11, 2), "14:30", ["14:30", "15:30"]),  # and no longer
    ],
)
def test_the_opening_moves_with_the_zone_of_the_exchange(day: date, first: str, buckets: list[str]) -> None:
    rows = [bar(first, day=day), bar(buckets[1], day=day)]
    assert minutes_of(bars_of(rows, "1h", market_hours("us", day))) == buckets


def test_the_last_bucket_of_a_half_day_ends_with_it() -> None:
    day = date(2026, 11, 27)  # the day after Thanksgiving: New York closes at 13:00, which is 18:00 UTC
    rows = [bar("17:31", day=day), bar("17:59", day=day)]
    before, after = (Reach(at(text, day)) for text in ("17:59", "18:00"))
    for reached, is_final in ((before, False), (after, True)):
        [row] = bars_of(rows, "1h", market_hours("us", day), reached)
        assert (row["interval_start"], row["is_final"]) == (at("17:30", day), is_final)


def test_after_a_pause_buckets_begin_anew_but_the_day_is_one() -> None:
    traded = hours("00:00", "06:00", pause=("02:30", "03:30"))
    rows = [bar("02:29"), bar("03:30"), bar("04:29"), bar("04:30")]
    assert minutes_of(bars_of(rows, "1h", traded)) == ["02:00", "03:30", "04:30"]
    [day] = bars_of(rows, "1d", traded)
    assert (day["interval_start"], day["volume"]) == (at("00:00"), 4.0)
    [last_before_pause] = bars_of(rows[:1], "1h", traded, Reach(at("02:30")))
    assert last_before_pause["is_final"]


def test_a_bucket_never_spans_two_sessions() -> None:
    next_day = DAY + timedelta(days=1)
    around_midnight = hours("00:00", "23:59") | {next_day: SessionHours(at("00:00", next_day), at("23:59", next_day))}
    rows = [bar("23:58", 10.0), bar("00:00", 11.0, day=next_day)]
    for timeframe in ("1h", "1d"):
        found = bars_of(rows, timeframe, around_midnight)
        assert [(row["session_date"], row["close"]) for row in found] == [(DAY, 10.0), (next_day, 11.0)]


def test_sessions_stay_apart_also_where_one_goes_on_past_midnight() -> None:
    next_day = DAY + timedelta(days=1)
    late = bar("00:05", 10.0, day=next_day) | {"session_date": DAY}
    found = bars_of([late, bar("00:10", 11.0, day=next_day)], "1h", {})
    assert [(row["session_date"], row["close"]) for row in found] == [(DAY, 10.0), (next_day, 11.0)]


def test_a_day_is_the_sessions_open_high_low_close_and_volume() -> None:
    rows = [bar("09:30", 10.0), bar("11:00", 14.0), bar("13:17", 8.0), bar("15:29", 12.0)]
    [day] = bars_of(rows, "1d", hours("09:30", "15:30"))
    assert (day["open"], day["high"], day["low"], day["close"], day["volume"]) == (10.0, 14.0, 8.0, 12.0, 4.0)
    assert day["interval_start"] == at("09:30")


def test_symbols_stay_apart_and_come_in_order() -> None:
    rows = [bar("09:30", 2.0, symbol="B"), bar("09:30", 1.0, symbol="A"), bar("09:31", 3.0, symbol="B")]
    found = bars_of(rows, "5m", hours("09:30", "15:30"))
    assert [(row["symbol"], row["open"], row["close"]) for row in found] == [("A", 1.0, 1.0), ("B", 2.0, 3.0)]


@pytest.mark.parametrize(
    ("last", "until", "is_final"),
    [
        ({"is_final": True}, "09:34", False),  # its last minute is still to come
        ({"is_final": True}, "09:35", True),
        ({"is_final": False}, "09:50", False),  # a minute that its source may yet correct
    ],
    ids=["not over", "over", "a minute is not final"],
)
def test_a_bar_is_final_when_its_last_minute_has_passed_and_all_are_final(
    last: dict[str, Any], until: str, is_final: bool
) -> None:
    [row] = bars_of([bar("09:30"), bar("09:33", **last)], "5m", hours("09:30", "15:30"), Reach(at(until)))
    assert row["is_final"] is is_final


def test_the_bars_of_a_closed_session_are_final_even_if_its_last_minutes_had_no_trade() -> None:
    quiet_end = [bar("15:20")]
    open_end, closed = Reach(at("15:21")), Reach(at("15:21"), [DAY])
    assert [bars_of(quiet_end, "1h", hours("09:30", "15:30"), r)[0]["is_final"] for r in (open_end, closed)] == [
        False,
        True,
    ]


def test_a_market_is_as_far_as_its_newest_bar_and_one_in_the_making_counts_from_its_start() -> None:
    newest = [bar("09:34"), bar("09:36", symbol="DEF", is_final=False)]
    assert reach(pa.Table.from_pylist(newest, schema=BAR_SCHEMA), []).until == at("09:36")
    assert reach(pa.Table.from_pylist(newest[:1], schema=BAR_SCHEMA), []).until == at("09:35")
    assert reach(BAR_SCHEMA.empty_table(), []).until is None


def test_a_bar_from_the_future_does_not_make_the_time_before_it_pass() -> None:
    newest = [bar("09:34"), bar("11:00", symbol="DEF", is_final=False, known_at=at("09:36"))]
    assert reach(pa.Table.from_pylist(newest, schema=BAR_SCHEMA), []).until == at("09:36")


def test_the_worst_of_its_minutes_tells_a_bars_origin() -> None:
    chart, ticks, sampled = (bar(f"09:3{n}", origin=o) for n, o in enumerate(("chart", "ticks", "sampled")))
    one_session = hours("09:30", "15:30")
    assert [
        bars_of(rows, "5m", one_session)[0]["origin"] for rows in ([chart], [chart, ticks], [ticks, sampled, chart])
    ] == ["chart", "ticks", "sampled"]


def test_synthetic_if_any_is_and_the_newest_revision() -> None:
    rows = [bar("09:30", revision=2), bar("09:31", is_synthetic=True), bar("09:35")]
    found = bars_of(rows, "5m", hours("09:30", "15:30"))
    assert [(row["is_synthetic"], row["revision"]) for row in found] == [(True, 2), (False, 0)]


def test_a_session_without_hours_is_counted_from_midnight() -> None:
    [row] = bars_of([bar("09:47")], "30m", {})
    assert row["interval_start"] == at("09:30")


def test_no_bars_give_no_bars() -> None:
    assert resample(BAR_SCHEMA.empty_table(), "1h", hours={}, reached=LATER).equals(BAR_SCHEMA.empty_table())


@pytest.mark.parametrize(
    ("alias", "name"),
    [("1T", "1m"), ("5T", "5m"), ("15min", "15m"), ("30T", "30m"), ("60T", "1h"), ("1H", "1h"), ("1D", "1d")],
)
def test_pandas_names_are_taken(alias: str, name: str) -> None:
    assert timeframe_named(alias) == name


@pytest.mark.parametrize("wrong", ["1M", "7m", "", "5 m", "m5"])
def test_another_timeframe_is_refused_with_those_there_are(wrong: str) -> None:
    with pytest.raises(UsageError, match="there are 1m, 5m, 15m, 30m, 1h, 1d"):
        timeframe_named(wrong)
