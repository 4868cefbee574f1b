"""The quick drills in full, how each expectation is judged, and what fails a drill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from market_pipeline.alerts.conditions import Key
from market_pipeline.drills import expectations, real_system
from market_pipeline.drills.catalogue import chosen, drills
from market_pipeline.drills.drill import Drill, DrillReport, Expectation, Judgement, Pace, run_drill
from market_pipeline.drills.record import Record, clock_words
from market_pipeline.drills.script import Script, play
from market_pipeline.drills.source_drills import NIGHT
from market_pipeline.drills.stage import Stage, StatedSettings
from market_pipeline.errors import UsageError

pytestmark = pytest.mark.timeout(300)
QUICK_SECONDS = 8
TOLD_BY_ANOTHER = ("smtp-down",)
"""slack-down with the channels exchanged."""
QUICK = [
    one
    for one in drills().values()
    if one.pace is Pace.SHIFTED and one.seconds <= QUICK_SECONDS and one.name not in TOLD_BY_ANOTHER
]
NAMES = {
    "source-down", "all-sources-down", "mute-source", "stale-source", "disagreement", "spike", "split", "429-storm",
    "daemon-killed", "run-hung", "disk-full", "clock-skew", "dst-night", "opening-without-data", "slack-down",
    "smtp-down", "bad-token", "stale-undated",
}  # fmt: skip


def shown(report: DrillReport) -> list[str]:
    return [f"{one.expected}: {one.seen}" for one in report.findings if not one.is_met]


@pytest.mark.parametrize("drill", QUICK, ids=lambda drill: drill.name)
def test_the_quick_drills_pass(drill: Drill, tmp_path: Path) -> None:
    assert shown(run_drill(drill, tmp_path)) == []


def test_the_catalogue_has_every_drill() -> None:
    assert set(drills()) == NAMES


@pytest.fixture(scope="module")
def mishap(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Cycles stop for three minutes, and Slack never comes back."""

    @contextmanager
    def stopped(stage: Stage) -> Iterator[None]:
        stage.slack.is_down = stage.is_stopped = True
        yield
        stage.is_stopped = False

    script = Script(NIGHT, ["crypto"], stopped, calm=2, faulty=3, healing=1)
    return play(script, tmp_path_factory.mktemp("mishap"), lambda _: None)


@pytest.mark.parametrize(
    ("expectation", "judged"),
    [
        (expectations.told(Key.NOT_RUNNING, within=3), (True, "told at T+1:50")),
        (expectations.told(Key.NOT_RUNNING, within=1), (False, "told at T+1:50")),
        (expectations.told(Key.STALE_DATA, within=9), (False, "not told; told was: not_running")),
        (expectations.told_only(Key.NOT_RUNNING), (True, "1 alerts, each once")),
        (expectations.told_only(), (False, "not_running as well")),
        (expectations.delivered_in_order("mail"), (True, "2 messages each")),
        (expectations.delivered_in_order("slack"), (False, "slack took 0 of 2, or not in order")),
        (expectations.took_nothing("slack"), (False, "0 while it was down, 0 afterwards")),
        (expectations.reached_in_time("slack", within=3), (False, "nothing arrived")),
        (expectations.ends(Key.NOT_RUNNING, within=1), (True, "over 0:50 after the fault")),
        (expectations.recovers(within=1), (True, "over 0:50 after the fault, told as 4 min")),
        (expectations.recovers(within=0.5), (False, "over 0:50 after the fault, told as 4 min")),
        (expectations.score_falls(below=50, rises=False), (False, "from 100 to 62.7 and back to 90")),
        (expectations.score_stays(), (False, "never below 62.7")),
        (expectations.source_takes_over("yahoo"), (False, "yahoo counted in 0 cycles; then kraken")),
        (expectations.cycles_survive(), (True, "0 of 3 cycles failed")),
    ],
)  # fmt: skip
def test_an_expectation_is_judged_by_what_was_seen(
    mishap: Record, expectation: Expectation, judged: tuple[bool, str]
) -> None:
    found = expectation.judge(mishap)
    assert (found.is_met, found.seen) == judged


def test_a_wrong_price_fails_a_drill(mishap: Record) -> None:
    assert expectations.prices_true().judge(mishap).is_met
    spoilt = Record("crypto", mishap.fault_began, mishap.fault_ended, wrong=["00:23 crypto BTC-USD price 9"])
    assert expectations.prices_true().judge(spoilt) == Judgement(False, "1 are wrong: 00:23 crypto BTC-USD price 9")


def breaks_off(*_: object) -> Record:
    raise UsageError("tried and saw nothing")


def test_a_drill_that_breaks_off_has_failed_and_says_why(tmp_path: Path) -> None:
    drill = Drill("broken", "a story", "crypto", Pace.SHIFTED, 1, breaks_off, [])
    report = run_drill(drill, tmp_path)
    assert not report.has_passed
    assert shown(report) == ["the drill runs to its end: UsageError: tried and saw nothing"]


def test_a_wrong_name_is_told_with_the_nearest_ones() -> None:
    with pytest.raises(UsageError, match=r"no drill 'soruce-down'; .*nearest: source-down"):
        chosen(["soruce-down"])


def test_a_drill_neither_reads_nor_passes_on_the_users_keys_and_channels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HEARTBEAT_URL", "https://example.org/beat")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "made-up-token")
    settings = StatedSettings(data=tmp_path, smtp_host="127.0.0.1")
    assert (settings.heartbeat_url, settings.slack_bot_token, settings.smtp_host) == (None, None, "127.0.0.1")
    environment = real_system._environment(settings)
    assert {"HEARTBEAT_URL", "SLACK_BOT_TOKEN"} & set(environment) == set()
    assert environment["MARKET_PIPELINE_DATA"] == str(tmp_path)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (None, "–"),
        (timedelta(seconds=50), "0:50"),
        (timedelta(minutes=15, seconds=50), "15:50"),
        (timedelta(hours=32, minutes=4), "32:04:00"),
        (timedelta(seconds=-70), "-1:10"),
    ],
)
def test_market_time_is_told_in_minutes_and_seconds(span: timedelta | None, words: str) -> None:
    assert clock_words(span) == words
