"""Several processes at once, and processes that die: what readers see and what later writers find."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from market_pipeline.errors import WarehouseBusy
from market_pipeline.storage.tables import BARS_1M
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import bars, closes, minute, open_warehouse, seen
from market_pipeline_tests.storage.killed_writer import SYMBOLS

KILLS = 10
TORN = """
SELECT session_date, interval_start, count(*) AS rows, count(DISTINCT symbol) AS symbols, min(close), max(close)
FROM bars_1m GROUP BY ALL HAVING rows <> 40 OR symbols <> 40 OR min(close) <> max(close)
"""
TORN_LATEST = "SELECT count(*), count(DISTINCT symbol) FROM bars_1m_latest HAVING count(*) NOT IN (0, 40)"
HOLDER = """
import sys
from pathlib import Path
from market_pipeline_tests.storage.desk import open_warehouse
with open_warehouse(Path(sys.argv[1]))._locks.hold("casablanca"):
    print("held", flush=True)
    sys.stdin.readline()
"""
WRITER = """
import sys
from pathlib import Path
from market_pipeline_tests.storage.desk import bars, open_warehouse
warehouse = open_warehouse(Path(sys.argv[1]), lock_timeout_seconds=30.0)
for number in range(20):
    warehouse.write("bars_1m", "casablanca", bars([sys.argv[2]], [number % 4], close=float(number)))
"""


class Poller(threading.Thread):
    """Queries the views without pause, as a dashboard would, and remembers every error and wrong answer."""

    def __init__(self, warehouse: Warehouse) -> None:
        super().__init__()
        self.connection = warehouse.connect()
        self.stopped = threading.Event()
        self.polls = 0
        self.wrong: list[object] = []

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                for question in (TORN, TORN_LATEST):
                    self.wrong += self.connection.execute(question).fetchall()
            except Exception as error:
                self.wrong.append(error)
            self.polls += 1

    def stop(self) -> None:
        """Ask no more."""
        self.stopped.set()
        self.join()
        self.connection.close()


def write_until_killed(folder: Path, *, after: int, first: int, seed: int) -> list[tuple[date, int, int]]:
    """Let a writer acknowledge `after` writes, kill it in the midst of the next one; return what it acknowledged."""
    command = [sys.executable, "-m", "market_pipeline_tests.storage.killed_writer", str(folder), str(first), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        lines = [writer.stdout.readline() for _ in range(after)]
        threading.Event().wait(random.Random(seed).uniform(0, 0.03))
        writer.kill()
        lines += writer.stdout.readlines()
    whole = (line.split() for line in lines if line.endswith("\n"))
    return [(date.fromisoformat(day), int(number), int(generation)) for day, number, generation in whole]


def test_killed_writers_tear_lose_and_double_nothing_and_no_reader_notices(warehouse: Warehouse) -> None:
    warehouse.prepare()
    acknowledged: dict[tuple[date, int], int] = {}
    poller, folder = Poller(warehouse), warehouse.layout.feed_folder
    poller.start()
    try:
        for kill in range(KILLS):
            after = random.Random(kill).randrange(1, 14)
            first = max(acknowledged.values(), default=0) + 1
            for day, number, generation in write_until_killed(folder, after=after, first=first, seed=kill):
                acknowledged[day, number] = generation
            stored = closes(warehouse.read(BARS_1M, "casablanca"))
            for (day, number), generation in acknowledged.items():  # a write that was cut off may have landed too
                assert min(stored[symbol, minute(number, day)] for symbol in SYMBOLS) >= generation
    finally:
        poller.stop()
    assert poller.wrong == []
    assert poller.polls > KILLS
    assert len(acknowledged) > 6
    assert warehouse.is_closed("casablanca", date(2026, 11, 19))
    assert warehouse.unreadable_count == 0


def test_processes_that_write_other_symbols_of_the_same_minutes_lose_nothing(warehouse: Warehouse) -> None:
    names = ["ATW", "IAM", "BCP"]
    commands = [[sys.executable, "-c", WRITER, str(warehouse.layout.feed_folder), name] for name in names]
    writers = [subprocess.Popen(command) for command in commands]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    stored = closes(warehouse.read(BARS_1M, "casablanca"))
    assert stored == {(name, minute(number)): float(16 + number) for name in names for number in range(4)}


def test_threads_that_write_to_one_warehouse_lose_nothing(warehouse: Warehouse) -> None:
    def write(symbol: str) -> None:
        for number in range(10):
            warehouse.write(BARS_1M, "casablanca", bars([symbol], [number % 2]))

    threads = [threading.Thread(target=write, args=(symbol,)) for symbol in ("ATW", "IAM", "BCP")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(symbol for symbol, _ in closes(warehouse.read(BARS_1M, "casablanca"))) == {
        "ATW": 2,
        "IAM": 2,
        "BCP": 2,
    }


def test_a_writer_that_waits_too_long_for_another_process_says_so_and_readers_do_not_wait(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0]))
    command = [sys.executable, "-c", HOLDER, str(warehouse.layout.feed_folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin and holder.stdout
        assert holder.stdout.readline() == "held\n"
        hasty = open_warehouse(warehouse.layout.feed_folder, lock_timeout_seconds=0.05)
        with pytest.raises(WarehouseBusy, match=r"waited 0\.05 s to write slices of casablanca") as busy:
            hasty.write(BARS_1M, "casablanca", bars(["ATW"], [1]))
        assert busy.value.retry_after_seconds == 0.05
        hasty.write(BARS_1M, "india", bars(["TCS"], [1], market="india"))
        assert seen(warehouse, "SELECT count(*) FROM bars_1m") == [(2,)]
        holder.stdin.write("\n")


def test_the_lock_of_a_killed_process_is_free(warehouse: Warehouse) -> None:
    command = [sys.executable, "-c", HOLDER, str(warehouse.layout.feed_folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    hasty = open_warehouse(warehouse.layout.feed_folder, lock_timeout_seconds=1.0)
    assert hasty.write(BARS_1M, "casablanca", bars(["ATW"], [0])).rows_written == 1
