"""Weeks of looks with real calendars: silence without a fault, one alert in time with one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from benchmarks.false_alarms import Alerts, live_through, runtime_in
from benchmarks.false_world import MINUTE, Fault, World
from market_pipeline.alerts.conditions import conditions
from market_pipeline.quality.health import score
from market_pipeline.steps.runtime import Runtime

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def live(tmp_path: Path) -> Runtime:
    return runtime_in(tmp_path)


@pytest.mark.parametrize(
    ("market", "first", "days"),
    [
        pytest.param("us", date(2024, 12, 23), 4, id="a half day and Christmas in New York"),
        pytest.param("casablanca", date(2025, 2, 27), 4, id="Ramadan begins in Casablanca, at another hour"),
        pytest.param("saudi", date(2025, 2, 20), 4, id="Founding Day in Riyadh"),
    ],
)
def test_without_a_fault_nobody_is_told_anything(live: Runtime, market: str, first: date, days: int) -> None:
    assert live_through(live, [market], first=first, days=days, faulty=False).alerts == []


@pytest.mark.parametrize(
    ("market", "first"),
    [
        pytest.param("us", date(2025, 3, 5), id="the clocks change in New York"),
        pytest.param("casablanca", date(2025, 3, 5), id="Ramadan in Casablanca, sources asked every five minutes"),
    ],
)
def test_with_a_fault_a_week_it_is_told_once_in_time_and_so_is_its_end(live: Runtime, market: str, first: date) -> None:
    week = live_through(live, [market], first=first, days=7, faulty=True)
    [outcome] = week.outcomes
    assert outcome.is_met, outcome
    assert week.false_alerts == []


def test_silence_that_goes_on_over_midnight_is_one_alert(live: Runtime) -> None:
    midnight = datetime(2025, 3, 6, tzinfo=UTC)
    began = midnight - 60 * MINUTE
    fault = Fault("stopped", "crypto", midnight - 20 * MINUTE, midnight + 10 * MINUTE)
    world, alerts = World(live, live.market("crypto"), began, (fault,)), Alerts()
    for n in range(100):
        situation = world.step(began + n * MINUTE)
        verdict = conditions(situation, score(situation), limits=world.market.file.alerts)
        alerts.take(verdict, situation.at)
    [told] = [alert for alert in alerts.every if alert.key == "not_running"]
    assert f"{told.began:%H:%M:%S}" == "23:41:50"
    assert told.ended is not None
    assert f"{told.ended:%H:%M:%S}" == "00:10:50"
