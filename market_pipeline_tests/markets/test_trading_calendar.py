"""What the calendar does at its edges: special days, half days, the published end, and questions it cannot answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from market_pipeline.errors import CalendarError, ConfigurationError, UsageError
from market_pipeline.markets.loader import load_market
from market_pipeline.markets.phases import phases_of
from market_pipeline.markets.schema import CalendarSection, PhaseRule, SpecialDay
from market_pipeline.markets.trading_calendar import TradingCalendar, calendar_for
from market_pipeline.model.session import SessionState

INDIA = CalendarSection(name="XBOM", zone="Asia/Kolkata")
TODAY = date(2026, 11, 20)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def with_special(*days: SpecialDay) -> TradingCalendar:
    return TradingCalendar("test", INDIA.model_copy(update={"special_days": days}))


def test_a_special_closure_wins_over_the_calendar() -> None:
    calendar = with_special(SpecialDay(session_date=date(2026, 11, 23), reason="Flood"))
    assert calendar.session(date(2026, 11, 23)) is None
    assert calendar.state(at("2026-11-23T10:00+05:30")).reason == "test is closed: Flood; opens Wed 09:15 +05:30"


def test_a_special_session_opens_a_weekend() -> None:
    special = SpecialDay(
        session_date=date(2026, 11, 22), reason="Test of the back-up site", open=time(10), close=time(11)
    )
    calendar = with_special(special)
    assert calendar.next_session(TODAY) == date(2026, 11, 22)
    assert calendar.expected_minutes(date(2026, 11, 22)) == 60


def test_a_special_closure_beyond_the_end_is_respected() -> None:
    calendar = with_special(SpecialDay(session_date=date(2027, 3, 22), reason="Holi"))
    assert calendar.session(date(2027, 3, 22)) is None
    assert "test is closed: Holi;" in calendar.state(at("2027-03-22T10:00+05:30")).reason


def test_on_a_half_day_what_follows_the_close_follows_the_early_one() -> None:
    rules = (
        PhaseRule(name="continuous", state=SessionState.OPEN, start=time(9, 30), end=time(16)),
        PhaseRule(name="late_trading", state=SessionState.POST_CLOSE, start=time(16), end=time(20)),
    )
    calendar = TradingCalendar("test", CalendarSection(name="XNYS", zone="America/New_York", phases=rules))
    session = calendar.session(date(2026, 11, 27))
    assert session is not None
    assert session.is_half_day
    assert [(phase.name, phase.start, phase.end) for phase in session.phases] == [
        ("continuous", at("2026-11-27T09:30-05:00"), at("2026-11-27T13:00-05:00")),
        ("late_trading", at("2026-11-27T13:00-05:00"), at("2026-11-27T17:00-05:00")),
    ]
    assert calendar.expected_minutes(date(2026, 11, 27)) == 210


def test_a_market_without_phases_trades_from_open_to_close() -> None:
    session = TradingCalendar("test", INDIA).session(TODAY)
    assert session is not None
    assert [(phase.name, phase.start, phase.end) for phase in session.phases] == [
        ("continuous", session.open, session.close)
    ]


def test_minutes_outside_the_calendars_hours_are_not_expected() -> None:
    rule = PhaseRule(name="continuous", state=SessionState.OPEN, start=time(9), end=time(16))
    calendar = TradingCalendar("test", INDIA.model_copy(update={"phases": (rule,)}))
    assert calendar.expected_minutes(TODAY) == 375


def test_a_group_without_phases_of_its_own_follows_the_general_ones() -> None:
    session = calendar_for(load_market("casablanca")).session(TODAY)
    assert session is not None
    assert phases_of(session, "continuous") == phases_of(session, None)
    assert [phase.name for phase in phases_of(session, "fixing")] == ["pre_negotiation", "fixing"]


def test_derivative_listed_shares_stop_earlier_only_since_the_reform() -> None:
    calendar = calendar_for(load_market("india"))
    friday, monday = date(2026, 7, 31), date(2026, 8, 3)
    assert [calendar.expected_minutes(day, group="derivatives") for day in (friday, monday)] == [375, 360]


def test_a_calendar_warns_from_sixty_days_before_its_end() -> None:
    calendar = calendar_for(load_market("india"))
    assert calendar.warning(date(2026, 11, 1)) is not None
    assert calendar.warning(date(2026, 10, 31)) is None
    assert calendar.days_until_end(TODAY) == 41


def test_the_warning_names_the_end_and_what_to_do() -> None:
    text = calendar_for(load_market("india")).warning(TODAY)
    assert text is not None
    assert text.startswith(
        "the calendar of india (XBOM) ends on 2026-12-31, in 41 days; after that a provisional one serves"
    )
    assert "update exchange-calendars" in text
    assert "special_days of defs/india/defs.yaml" in text


def test_the_warning_stays_after_the_end() -> None:
    text = calendar_for(load_market("casablanca")).warning(date(2027, 1, 5))
    assert text is not None
    assert "the calendar of casablanca (XCAS) ended on 2026-12-31" in text


def test_a_calendar_that_never_ends_never_warns() -> None:
    assert calendar_for(load_market("crypto")).warning(date(2100, 1, 1)) is None


def test_sessions_run_on_over_the_published_end() -> None:
    days = calendar_for(load_market("india")).sessions_between(date(2026, 12, 30), date(2027, 1, 4))
    assert days == [date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 4)]


def test_a_date_before_the_calendar_begins_is_refused_with_its_beginning() -> None:
    with pytest.raises(CalendarError, match=r"casablanca \(XCAS\) for 2012-12-31: it begins on 2013-01-01"):
        calendar_for(load_market("casablanca")).session(date(2012, 12, 31))


def test_more_sessions_than_there_are_before_a_day_are_refused() -> None:
    with pytest.raises(CalendarError, match="for 5 sessions before 2013-01-07: it begins on 2013-01-01 and has 3"):
        calendar_for(load_market("casablanca")).previous_sessions(date(2013, 1, 7), 5)


def test_an_age_from_before_the_calendar_begins_counts_from_its_beginning() -> None:
    calendar = calendar_for(load_market("casablanca"))
    assert calendar.open_minutes_between(at("1970-01-01T00:00+00:00"), at("2013-01-02T10:00+00:00")) == 30.0


def test_an_age_is_never_negative() -> None:
    calendar = calendar_for(load_market("crypto"))
    assert calendar.open_minutes_between(at("2026-11-20T10:01+00:00"), at("2026-11-20T10:00+00:00")) == 0.0


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="2026-11-20T09:35:00, which has no time zone"):
        calendar_for(load_market("crypto")).state(datetime(2026, 11, 20, 9, 35))  # noqa: DTZ001  # that is the mistake


def test_an_unknown_calendar_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="looked for calendar 'XXXX'"):
        TradingCalendar("test", CalendarSection(name="XXXX", zone="UTC"))


def test_a_zone_that_is_not_the_calendars_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match="says zone Africa/Casablanca, but calendar XBOM has its hours in Asia/K"
    ):
        TradingCalendar("test", CalendarSection(name="XBOM", zone="Africa/Casablanca"))


def test_a_far_opening_is_told_with_its_date() -> None:
    days = [SpecialDay(session_date=TODAY + timedelta(days=n), reason="Flood") for n in range(3, 12)]
    assert with_special(*days).state(at("2026-11-23T10:00+05:30")).reason == (
        "test is closed: Flood; opens Wed 2026-12-02 09:15 +05:30"
    )


def test_the_same_market_has_one_calendar() -> None:
    assert calendar_for(load_market("india")) is calendar_for(load_market("india"))


ABROAD = CalendarSection(name="24/5", zone="UTC", group_calendars={"new_york": "XNYS", "tokyo": "XTKS"})


def test_a_group_keeps_the_hours_of_its_own_exchange() -> None:
    calendar = TradingCalendar("test", ABROAD)
    minutes = {group: calendar.expected_minutes(TODAY, group=group) for group in (None, "new_york", "tokyo", "other")}
    assert minutes == {None: 1440, "new_york": 390, "tokyo": 330, "other": 1440}


def test_a_group_pauses_at_noon_where_its_exchange_does() -> None:
    calendar = TradingCalendar("test", ABROAD)
    noon = at("2026-11-20T02:00+00:00"), at("2026-11-20T04:00+00:00")
    assert calendar.open_minutes_between(*noon, group="tokyo") == 60


def test_a_group_has_no_minutes_on_a_holiday_or_after_an_early_close_of_its_exchange() -> None:
    calendar = TradingCalendar("test", ABROAD)
    thanksgiving, friday = date(2026, 11, 26), date(2026, 11, 27)
    assert [calendar.expected_minutes(day, group="new_york") for day in (thanksgiving, friday)] == [0, 210]
    assert calendar.expected_minutes(thanksgiving) == 1440


def test_trading_around_the_clock_ends_when_the_last_of_its_days_does() -> None:
    state = TradingCalendar("test", ABROAD).state(at("2026-11-17T10:00+00:00"))
    assert state.reason == "test is open: continuous until Sat 00:00 +00:00"
    assert state.next_change == at("2026-11-21T00:00+00:00")


def test_a_fixed_holiday_on_a_sunday_closes_the_monday_beyond_the_end() -> None:
    rules = {"fixed_holidays": {"02-07": "Some day"}, "moves_sunday_holidays": True}
    calendar = TradingCalendar("test", INDIA.model_copy(update=rules))
    assert "test is closed: Some day; opens Tue" in calendar.state(at("2027-02-08T10:00+05:30")).reason
    assert TradingCalendar("test", INDIA).session(date(2027, 2, 8)) is not None


def test_the_library_names_holidays_that_follow_a_rule() -> None:
    calendar = TradingCalendar("test", CalendarSection(name="XNYS", zone="America/New_York"))
    assert calendar.closure(date(2026, 11, 26)) == "Thanksgiving"
    assert calendar.closure(date(2025, 1, 9)) == "holiday"
