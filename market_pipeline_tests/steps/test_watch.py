"""What a look at all markets gives: scores with their causes, ages, and messages; the runs are handed in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.markets.loader import market_names
from market_pipeline.model.outcome import RequestKind
from market_pipeline.settings import Feed, Settings
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.failures import tally, tally_kind
from market_pipeline.steps.fetch_quotes import fetch_quotes
from market_pipeline.steps.merge_tickers import merge_tickers
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.watch import CycleRun, WatchReport, scores_text, stored_health, watch

MINUTE = timedelta(minutes=1)


def ask(runtime: Runtime, market: str) -> None:
    """The part of a cycle that a look needs: quotes, outcomes and live tickers."""
    wired = runtime.market(market)
    fetch_quotes(runtime, wired)
    merge_tickers(runtime, wired)


def good_runs(clock: HandClock, minutes: int) -> list[CycleRun]:
    """One run a minute, of ten seconds, up to now."""
    begins = [clock.now() - n * MINUTE for n in range(minutes)]
    return [CycleRun(began, began + timedelta(seconds=10), failed=False) for began in reversed(begins)]


def live_through(runtime: Runtime, clock: HandClock, minutes: int) -> WatchReport:
    """Let crypto run for some minutes, with a look each minute; return the last one."""
    for n in range(minutes):
        ask(runtime, "crypto")
        report = watch(runtime, {"crypto": good_runs(clock, n + 1)})
        clock.advance(MINUTE)
    return report


def causes(report: WatchReport, market: str) -> list[str]:
    return [lost.cause for lost in report.health[market].lost_points]


def titles(report: WatchReport, market: str) -> list[str]:
    return [f"{m.kind.value} {m.title}" for m in report.messages if m.market == market]


def test_a_market_that_runs_each_minute_has_all_points_and_no_message(runtime: Runtime, clock: HandClock) -> None:
    report = live_through(runtime, clock, 6)
    assert report.health["crypto"].score == 100
    assert titles(report, "crypto") == []


def test_missing_runs_cost_points_and_are_told(runtime: Runtime, clock: HandClock) -> None:
    live_through(runtime, clock, 6)
    ask(runtime, "crypto")
    report = watch(runtime, {"crypto": good_runs(clock, 1)})
    assert causes(report, "crypto") == ["runs do not follow the market's hours"]
    assert titles(report, "crypto") == ["alert updates are rare"]


def test_failed_runs_cost_points(runtime: Runtime, clock: HandClock) -> None:
    live_through(runtime, clock, 6)
    ask(runtime, "crypto")
    runs = [CycleRun(run.began, run.ended, failed=True) for run in good_runs(clock, 6)]
    report = watch(runtime, {"crypto": runs})
    assert causes(report, "crypto") == ["runs fail"]
    assert "6 of 6 runs failed" in report.health["crypto"].lost_points[0].evidence


def test_slow_cycles_cost_points(runtime: Runtime, clock: HandClock) -> None:
    live_through(runtime, clock, 6)
    ask(runtime, "crypto")
    runs = [CycleRun(run.began, run.began + timedelta(seconds=38), failed=False) for run in good_runs(clock, 6)]
    report = watch(runtime, {"crypto": runs})
    assert causes(report, "crypto") == ["cycles are slow"]
    assert report.health["crypto"].score == 91.0


def test_a_run_that_begins_before_the_last_one_ended_is_an_overlap(runtime: Runtime, clock: HandClock) -> None:
    live_through(runtime, clock, 6)
    ask(runtime, "crypto")
    runs = [CycleRun(run.began, run.began + timedelta(seconds=70), failed=False) for run in good_runs(clock, 6)]
    evidence = [lost.evidence for lost in watch(runtime, {"crypto": runs}).health["crypto"].lost_points]
    assert any("5 overlapping" in text for text in evidence)


def test_our_own_pause_is_not_the_markets_silence(runtime: Runtime, clock: HandClock) -> None:
    live_through(runtime, clock, 2)
    clock.advance(30 * MINUTE)
    report = watch(runtime, {})
    assert titles(report, "crypto") == []
    assert report.freshness["crypto", "live_tickers"].level != "stale"


def test_with_a_faster_clock_a_look_each_real_minute_is_no_pause(settings: Settings, clock: HandClock) -> None:
    fast = Runtime(settings, clock, speed=60.0)
    ask(fast, "crypto")
    watch(fast, {})
    clock.advance(60 * MINUTE)
    assert watch(fast, {}).freshness["crypto", "live_tickers"].level == "stale"


def test_the_scores_are_kept_for_whoever_asks(runtime: Runtime, exchange: RunningSimulator) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "403", "source": "casablanca_bourse"}]}))
    ask(runtime, "casablanca")
    report = watch(runtime, {})
    kept = stored_health(runtime)["casablanca"]
    assert kept["score"] == report.health["casablanca"].score == 75.0
    [lost] = kept["lost_points"]
    assert lost["cause"] == "requests to casablanca_bourse fail"
    assert lost["source"] == "casablanca_bourse"
    assert lost["symbols"] == ["ADH", "ATW", "BCP", "BOA", "CIH"]
    assert "16 of all 48 requests failed (blocked 16)" in lost["evidence"]
    assert lost["what_to_do"].startswith("the source refuses us: open its page by hand")


def test_the_scores_in_one_line_name_the_first_cause(runtime: Runtime, exchange: RunningSimulator) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "403", "source": "casablanca_bourse"}]}))
    ask(runtime, "casablanca")
    text = scores_text(watch(runtime, {}))
    scores = " · ".join(f"{name} {75 if name == 'casablanca' else 100}" for name in market_names())
    assert text == f"{scores} · all 95.8; casablanca: requests to casablanca_bourse fail"


def test_a_market_whose_sources_are_all_off_is_left_out(runtime: Runtime, clock: HandClock) -> None:
    live = Settings(data=runtime.folder.parent, feed=Feed.LIVE, _env_file=None)
    assert set(watch(Runtime(live, clock), {}).health) == {*market_names(), "all"} - {"india"}


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        (RequestKind.QUOTE, "ok", (1, 0)),
        (RequestKind.QUOTE, "not_traded", (1, 0)),
        (RequestKind.QUOTE, "empty", (0, 1)),
        (RequestKind.MINUTE_BARS, "empty", (1, 0)),
        (RequestKind.QUOTE, "deferred", (0, 0)),
        (RequestKind.QUOTE, "unknown", (0, 0)),
        (RequestKind.QUOTE, "timeout", (0, 1)),
        (RequestKind.DAILY_BARS, "blocked", (0, 1)),
    ],
)
def test_an_outcome_is_an_answer_a_failure_or_neither(
    kind: RequestKind, status: str, expected: tuple[int, int]
) -> None:
    found = tally_kind(kind, {status: 1})
    assert (found.answered, found.failed) == expected


def test_failures_of_all_kinds_add_up_by_status() -> None:
    found = tally({("quote", "timeout"): 2, ("minute_bars", "timeout"): 3, ("quote", "blocked"): 1, ("quote", "ok"): 4})
    assert found.failed_by_status == {"timeout": 5, "blocked": 1}
    assert found.error_rate == 0.6


def test_a_look_sets_a_cut_slice_aside_so_that_the_views_work_again(runtime: Runtime) -> None:
    ask(runtime, "crypto")
    [cut] = runtime.warehouse.slices("live_tickers", "crypto")
    cut.path.write_bytes(cut.path.read_bytes()[:-1])
    watch(runtime, {})
    assert runtime.warehouse.query("SELECT count(*) AS n FROM live_tickers")["n"].to_pylist() == [0]
    assert cut.path.with_name(f"{cut.path.name}.unreadable").exists()
