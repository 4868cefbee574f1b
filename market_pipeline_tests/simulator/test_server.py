"""The server itself: clock, counters, limits, ports, start and stop."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from market_pipeline.clock import HandClock
from market_pipeline.errors import UsageError
from market_pipeline.simulator.options import SimulatorOptions
from market_pipeline.simulator.server import RunningSimulator, running_simulator
from market_pipeline_tests.simulator.conftest import OPEN

TIME = "/kraken/0/public/Time"


def ask(url: str) -> Any:
    return requests.get(url, timeout=5).json()


def test_the_clock_tells_its_time_and_speed() -> None:
    options = SimulatorOptions(port=0, as_of="2016-08-19T11:00:00+05:30", speed=0)
    with running_simulator(options) as simulator:
        assert ask(f"{simulator.url}/_clock") == {"now": "2016-08-19T05:30:00+00:00", "speed": 0}


def test_a_shifted_clock_runs_on() -> None:
    with running_simulator(SimulatorOptions(port=0, as_of="2026-11-20T09:35:00+00:00", speed=3600)) as simulator:
        first = datetime.fromisoformat(ask(f"{simulator.url}/_clock")["now"])
        second = datetime.fromisoformat(ask(f"{simulator.url}/_clock")["now"])
    assert datetime(2026, 11, 20, 9, 35, tzinfo=UTC) <= first < second < first + timedelta(days=1)


def test_without_options_the_clock_is_the_systems() -> None:
    with running_simulator() as simulator:
        state = ask(f"{simulator.url}/_clock")
    assert abs(datetime.fromisoformat(state["now"]) - datetime.now(UTC)) < timedelta(seconds=10)
    assert state["speed"] == 1.0


def test_a_frozen_exchange_answers_with_the_same_bytes() -> None:
    options = SimulatorOptions(port=0, as_of=OPEN, speed=0)
    path = "/casablanca_bourse/api/proxy/fr/api/bourse/dashboard/ticker"
    bodies = []
    for _ in range(2):
        with running_simulator(options) as simulator:
            bodies.append(requests.get(simulator.url + path, timeout=5).content)
    assert bodies[0] == bodies[1]


def test_another_seed_gives_other_bytes(simulator: RunningSimulator) -> None:
    path = "/kraken/0/public/Ticker?pair=XBTUSD"
    with running_simulator(SimulatorOptions(port=0, seed=2), clock=HandClock(OPEN)) as other:
        assert (
            requests.get(other.url + path, timeout=5).content != requests.get(simulator.url + path, timeout=5).content
        )


def test_every_answer_is_counted_by_route_and_status(simulator: RunningSimulator) -> None:
    for path in (TIME, TIME, "/kraken/0/public/Nope", "/dhan/v2/marketfeed/ltp"):
        requests.get(simulator.url + path, timeout=5)
    assert ask(f"{simulator.url}/_stats") == {
        "/dhan/*": {"requests": 1, "by_status": {"404": 1}},
        "/kraken/*": {"requests": 1, "by_status": {"404": 1}},
        "/kraken/0/public/Time": {"requests": 2, "by_status": {"200": 2}},
    }
    assert simulator.requests(TIME) == 2


def test_health_says_ok(simulator: RunningSimulator) -> None:
    assert ask(f"{simulator.url}/_health") == {"status": "ok"}


def test_a_port_in_use_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(UsageError, match=f"tried to listen on 127.0.0.1:{port}: another program uses it.*--port"),
            running_simulator(SimulatorOptions(port=port)),
        ):
            pass


def charts(simulator: RunningSimulator, count: int) -> list[int]:
    body = {
        "securityId": "2885", "exchangeSegment": "NSE_EQ", "instrument": "EQUITY", "interval": "1",
        "fromDate": "2026-11-20", "toDate": "2026-11-20 15:30:00",
    }  # fmt: skip
    url, keys = f"{simulator.url}/dhan/v2/charts/intraday", {"access-token": "simulated"}
    return [requests.post(url, json=body, headers=keys, timeout=5).status_code for _ in range(count)]


def test_limits_are_off_unless_asked_for(simulator: RunningSimulator) -> None:
    assert charts(simulator, 8) == [200] * 8


def test_with_limits_on_the_sixth_chart_of_a_second_is_refused(clock: HandClock) -> None:
    with running_simulator(SimulatorOptions(port=0, limits=True), clock=clock) as simulator:
        assert charts(simulator, 6) == [200, 200, 200, 200, 200, 429]
        clock.advance(timedelta(seconds=1))
        assert charts(simulator, 1) == [200]


def test_the_boards_of_casablanca_are_15_minutes_late_unless_delays_are_off(clock: HandClock) -> None:
    action = {
        "ACTION": {"NAME": "VALEUR-INDICATORS", "TYPE": "SELECT", "VALUE": "VALEUR-INDICATORS"},
        "PARAMS": [{"NAME": "Symbol_", "TYPE": "S", "VALUE": "ATW"}],
    }
    clock.at = datetime(2026, 11, 20, 9, 31, 30, tzinfo=UTC)
    dates = []
    for delays in (True, False):
        with running_simulator(SimulatorOptions(port=0, delays=delays), clock=clock) as simulator:
            url = f"{simulator.url}/wafa_bourse/api/proxy/data/JNNJ"
            row = requests.post(url, json={"ACTIONS": [action]}, timeout=5).json()[0]["VALEUR-INDICATORS"]["Data"][0]
            dates.append(row["DateDernierCours"][:16])
    assert dates == ["19/11/2026 15:29", "20/11/2026 09:31"]


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"from market_pipeline.simulator.server import SimulatorOptions, serve; serve(SimulatorOptions(port={port}))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    retry = requests.adapters.HTTPAdapter(max_retries=requests.adapters.Retry(12, backoff_factor=0.05))
    with requests.Session() as session:
        session.mount("http://", retry)
        assert session.get(f"http://127.0.0.1:{port}/_health", timeout=5).status_code == 200
    process.send_signal(number)
    out, problems = process.communicate(timeout=10)
    assert (process.returncode, out, problems) == (0, b"", b"")
