"""What `status` says of a market in one line."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.settings import Settings
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.overview import LastSession, open_to_look, overview
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.steps.conftest import EARLY


@pytest.mark.parametrize(
    ("at", "market", "sentence"),
    [
        ("2026-11-19T09:50", "casablanca", "open, continuous until 15:20 +00:00"),
        ("2026-11-19T09:10", "casablanca", "in auction, opening auction until 09:30 +00:00"),
        ("2026-11-19T18:00", "casablanca", "closed, opens Fri 09:30 +00"),
        ("2026-11-18T12:00", "casablanca", "closed (Independence Day), opens Thu 09:30 +00"),
        ("2026-11-21T12:00", "india", "closed, opens Mon 09:15 +05:30"),
        ("2026-11-24T06:00", "india", "closed (Guru Nanak Jayanti), opens Wed 09:15 +05:30"),
        ("2027-01-03T12:00", "casablanca", "closed, opens Mon 09:30 +00 (provisional)"),
        ("2026-11-21T12:00", "crypto", "open, all day, every day"),
    ],
)
def test_a_market_says_what_it_does_and_what_comes_next(
    runtime: Runtime, clock: HandClock, at: str, market: str, sentence: str
) -> None:
    clock.at = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert overview(runtime)[market].summary.split("; last session")[0] == sentence


def test_a_session_that_was_seen_is_not_completed_until_it_is_closed(runtime: Runtime, clock: HandClock) -> None:
    clock.at = EARLY
    run_cycle(runtime, "crypto")
    clock.advance(timedelta(days=1))
    assert overview(runtime)["crypto"].last_session.text == "last session 2026-11-19 not completed yet"
    backfill(runtime, "crypto", first=date(2026, 11, 19), last=date(2026, 11, 19))
    assert overview(runtime)["crypto"].last_session.text.startswith("last session 2026-11-19 complete")


def test_a_session_that_nobody_saw_is_not_recorded(runtime: Runtime) -> None:
    assert overview(runtime)["india"].last_session.text == "last session 2026-11-18 not recorded"


@pytest.mark.parametrize(("count", "words"), [(0, ", 0 gaps"), (1, ", 1 gap"), (1200, ", 1,200 gaps"), (None, "")])
def test_gaps_are_named_where_they_were_looked_for(count: int | None, words: str) -> None:
    session = LastSession(date(2026, 11, 19), is_complete=True, has_rows=True, open_gaps=count)
    assert session.text == f"last session 2026-11-19 complete{words}"


def test_without_its_exchange_the_feed_stands_at_the_last_moment_it_stored(
    runtime: Runtime, settings: Settings, clock: HandClock
) -> None:
    clock.at = EARLY
    run_cycle(runtime, "crypto")
    stopped = settings.model_copy(update={"simulator_url": "http://127.0.0.1:9"})
    opened, is_running = open_to_look(stopped)
    assert (is_running, opened.clock.now()) == (False, clock.at)
    assert overview(opened)["crypto"].rows["live_tickers"] == 8


def test_a_session_whose_minutes_nobody_saw_may_be_known_in_daily_bars() -> None:
    session = LastSession(date(2026, 11, 19), False, has_rows=False, open_gaps=None, has_daily_bars=True)
    assert session.text == "last session 2026-11-19 in daily bars only"
