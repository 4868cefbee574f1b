"""The contract that every market fulfils. A new market adds its file and its facts, never a test here."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from market_pipeline.markets.loader import load_market, load_markets, market_names
from market_pipeline.markets.phases import phases_of
from market_pipeline.markets.trading_calendar import TradingCalendar, calendar_for
from market_pipeline.model.session import SessionState
from market_pipeline_tests.markets.facts import NAMES, each, facts, label, utc

every_market = pytest.mark.parametrize("market", NAMES)


def every(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("market", "fact"), each(kind), ids=label)


def calendar_of(market: str) -> TradingCalendar:
    return calendar_for(load_market(market))


def test_every_market_has_facts_and_every_facts_file_a_market() -> None:
    assert list(market_names()) == NAMES


def test_every_market_file_fits_the_schema() -> None:
    assert sorted(load_markets()) == NAMES


@every("sessions")
def test_a_known_session_has_its_hours(market: str, fact: dict[str, Any]) -> None:
    session = calendar_of(market).session(fact["date"])
    assert session is not None
    hours = (session.open, session.close, session.last_phase_end)
    assert hours == tuple(utc(fact["date"], fact[edge]) for edge in ("open", "close", "ends"))
    assert not session.is_provisional


@every("sessions")
def test_a_known_session_has_its_minutes(market: str, fact: dict[str, Any]) -> None:
    assert calendar_of(market).expected_minutes(fact["date"]) == fact["minutes"]


@every("closed")
def test_a_holiday_has_no_session_and_says_why(market: str, fact: dict[str, Any]) -> None:
    calendar, day = calendar_of(market), fact["date"]
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert calendar.session(day) is None
    assert calendar.expected_minutes(day) == 0
    assert f"{market} is closed: {fact['reason']}; opens " in calendar.state(noon).reason


@every_market
def test_only_the_known_half_days_are_short(market: str) -> None:
    calendar = calendar_of(market)
    years = {day.year for day in facts(market)["half_days"]} or {2025, 2026}
    days = [day for year in years for day in calendar.sessions_between(date(year, 1, 1), date(year, 12, 31))]
    sessions = [calendar.session(day) for day in days]
    assert {s.session_date for s in sessions if s and s.is_half_day} == set(facts(market)["half_days"])


@every("states")
def test_a_moment_has_its_state_and_reason(market: str, fact: dict[str, Any]) -> None:
    state = calendar_of(market).state(datetime.fromisoformat(fact["at"]))
    assert state.reason == fact["reason"]
    assert state.state == SessionState(fact["state"])
    assert state.session_date == fact["session_date"]
    assert state.is_provisional == fact.get("is_provisional", False)


@every("states")
def test_a_moment_knows_its_next_change(market: str, fact: dict[str, Any]) -> None:
    expected = datetime.fromisoformat(fact["next_change"]) if fact["next_change"] else None
    assert calendar_of(market).state(datetime.fromisoformat(fact["at"])).next_change == expected


@every("neighbours")
def test_sessions_before_and_after_a_day_skip_closed_days(market: str, fact: dict[str, Any]) -> None:
    calendar = calendar_of(market)
    assert calendar.previous_sessions(fact["day"], len(fact["previous"])) == fact["previous"]
    assert calendar.next_session(fact["day"]) == fact["next"]


@every("open_minutes")
def test_age_is_counted_in_open_minutes_only(market: str, fact: dict[str, Any]) -> None:
    begin, end = datetime.fromisoformat(fact["from"]), datetime.fromisoformat(fact["to"])
    assert calendar_of(market).open_minutes_between(begin, end, group=fact.get("group")) == fact["minutes"]


@every("provisional")
def test_a_date_beyond_the_calendar_is_served_and_marked(market: str, fact: dict[str, Any]) -> None:
    session = calendar_of(market).session(fact["date"])
    assert session is not None
    assert session.is_provisional
    assert (session.open, session.close) == (utc(fact["date"], fact["open"]), utc(fact["date"], fact["close"]))


@every_market
def test_the_calendar_states_its_ends(market: str) -> None:
    calendar = calendar_of(market)
    assert calendar.first_day == facts(market)["first_day"]
    assert calendar.last_published_day() == facts(market)["last_published_day"]


@every_market
def test_a_regular_session_has_the_bars_that_the_file_expects(market: str) -> None:
    file, day = load_market(market), facts(market)["regular_day"]
    assert calendar_for(file).expected_minutes(day) == file.expected_bars


@every_market
def test_a_group_has_its_own_minutes_on_a_regular_day(market: str) -> None:
    calendar, day = calendar_of(market), facts(market)["regular_day"]
    known = facts(market)["group_on_regular_day"]
    assert {group: calendar.expected_minutes(day, group=group) for group in known} == known


@every_market
def test_phases_of_a_group_follow_one_another_without_overlap(market: str) -> None:
    session = calendar_of(market).session(facts(market)["regular_day"])
    assert session is not None
    for group in {phase.group for phase in session.phases}:
        phases = phases_of(session, group)
        assert all(earlier.end <= later.start for earlier, later in itertools.pairwise(phases))


@every_market
def test_continuous_trading_starts_when_the_session_opens(market: str) -> None:
    calendar = calendar_of(market)
    for day in calendar.sessions_between(date(2026, 1, 1), date(2026, 12, 31)):
        session = calendar.session(day)
        assert session is not None
        assert next(phase.start for phase in session.phases if phase.state is SessionState.OPEN) == session.open


@every_market
def test_sessions_never_overlap(market: str) -> None:
    calendar = calendar_of(market)
    sessions = [calendar.session(day) for day in calendar.sessions_between(date(2026, 1, 1), date(2027, 3, 31))]
    edges = [(s.phases[0].start, s.last_phase_end) for s in sessions if s]
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(edges))


@every_market
def test_fixed_holidays_of_the_file_are_closed_in_the_published_year_as_well(market: str) -> None:
    file = load_market(market)
    days = [date.fromisoformat(f"2026-{month_day}") for month_day in file.calendar.fixed_holidays]
    assert [day for day in days if calendar_for(file).session(day) is not None] == []


@every_market
def test_a_closed_weekday_of_this_year_has_a_name(market: str) -> None:
    calendar, day = calendar_of(market), date(2026, 1, 1)
    while day <= date(2026, 12, 31):
        if calendar.session(day) is None:
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            assert "closed: holiday" not in calendar.state(noon).reason, day
        day += timedelta(days=1)


@every_market
def test_every_source_states_its_terms_and_budget(market: str) -> None:
    for source in load_market(market).sources:
        assert source.terms.endswith(".")
        assert "default" in source.kind_budgets
