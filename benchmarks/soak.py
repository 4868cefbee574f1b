"""Kills cycles at random moments, then runs one good cycle, and looks for anything torn, lost or doubled.

`make soak` kills a hundred; the tests kill ten. All the while a reader polls the views of market.duckdb, and a
stranger holds that file open for writing.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

import duckdb
import pyarrow as pa

from benchmarks.feed import Feed, simulated_feed

MARKET = "india"
POLL = """SELECT count(*), count(DISTINCT (symbol, interval_start)) FROM bars_1m WHERE market = 'india'"""
NEWEST = "SELECT count(*) FROM live_tickers_latest"
KEY = [("symbol", "ascending"), ("interval_start", "ascending")]


@dataclass
class SoakReport:
    """What was found; all counts but kills, polls and bars must be zero."""

    kills: int = 0
    polls: int = 0
    bars: int = 0
    reader_errors: list[str] = field(default_factory=list)
    shrunk: int = 0
    duplicates: int = 0
    differing_bars: int = 0
    missing_indicators: int = 0

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing was torn, lost or doubled."""
        found = (self.shrunk, self.duplicates, self.differing_bars, self.missing_indicators)
        return not self.reader_errors and not any(found)


def soak(kills: int, *, seed: int = 1) -> SoakReport:
    """Kill `kills` cycles, then check the result of one good cycle against the exchange's own chart."""
    report = SoakReport()
    with simulated_feed() as feed:
        _cycle(feed).wait(timeout=120)
        feed.runtime.warehouse.build_market_duckdb()
        stranger = duckdb.connect(str(feed.settings.feed_folder / "market.duckdb"))
        stop = threading.Event()
        reader = threading.Thread(target=_poll, args=(feed, report, stop))
        reader.start()
        try:
            _kill_many(feed, report, kills=kills, draws=random.Random(seed))
            good = _cycle(feed)
            assert good.wait(timeout=120) == 0, "the good cycle failed"
        finally:
            stop.set()
            reader.join()
            stranger.close()
        _compare(feed, report)
    return report


def _cycle(feed: Feed) -> subprocess.Popen[bytes]:
    command = feed.command("cycle", MARKET, "--json")
    return subprocess.Popen(command, env=feed.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _kill_many(feed: Feed, report: SoakReport, *, kills: int, draws: random.Random) -> None:
    begun = time.monotonic()
    _advance(feed)
    _cycle(feed).wait(timeout=120)
    usual = time.monotonic() - begun
    for _ in range(kills):
        _advance(feed)
        process = _cycle(feed)
        time.sleep(draws.uniform(0.3, 1.0) * usual)  # the second half of a process's life is where it writes
        process.kill()
        process.wait()
        report.kills += 1
    _advance(feed)


def _advance(feed: Feed) -> None:
    feed.clock.advance(timedelta(minutes=1))


def _poll(feed: Feed, report: SoakReport, stop: threading.Event) -> None:
    path = feed.settings.feed_folder / "market.duckdb"
    copy = path.with_name("reader.duckdb")
    copy.write_bytes(path.read_bytes())  # this process holds the other one open for writing
    seen = 0
    while not stop.is_set():
        try:
            with duckdb.connect(str(copy), read_only=True) as connection:
                rows, distinct = connection.execute(POLL).fetchone() or (0, 0)
                connection.execute(NEWEST).fetchone()
        except duckdb.Error as error:
            report.reader_errors.append(str(error).splitlines()[0])
            continue
        report.polls += 1
        report.shrunk += rows < seen
        report.duplicates += rows - distinct
        seen = rows
        time.sleep(0.05)


def _compare(feed: Feed, report: SoakReport) -> None:
    """Compare what is stored with what a fresh warehouse gets from the exchange in one cycle at the same moment."""
    runtime = feed.runtime
    stored = runtime.warehouse.read("bars_1m", MARKET).sort_by(KEY)
    indicators = runtime.warehouse.read("indicators_1m", MARKET, columns=["symbol", "interval_start"])
    report.bars = stored.num_rows
    report.missing_indicators = stored.num_rows - indicators.num_rows
    true = _truth(feed).sort_by(KEY)
    columns = ["symbol", "interval_start", "open", "high", "low", "close", "volume"]
    if not stored.select(columns).equals(true.select(columns)):
        report.differing_bars = max(abs(stored.num_rows - true.num_rows), 1)


def _truth(feed: Feed) -> pa.Table:
    from market_pipeline.steps.cycle import run_cycle
    from market_pipeline.steps.runtime import Runtime

    fresh = feed.settings.model_copy(update={"data": feed.folder / "truth"})
    fresh.__dict__.pop("feed_folder", None)
    runtime = Runtime(fresh, feed.clock)
    run_cycle(runtime, MARKET)
    return runtime.warehouse.read("bars_1m", MARKET)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    result = soak(parser.parse_args().kills)
    print(result)
    sys.exit(0 if result.is_clean else 1)
