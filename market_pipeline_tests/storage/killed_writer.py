"""A process that writes and closes sessions until it is killed, and says on stdout what was acknowledged.

Run as a module with the feed folder, the first generation and a seed. A generation is one value of `close` in every
row of a minute, so that a torn, lost or doubled slice shows. Every so often a session is closed.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from market_pipeline.storage.tables import BARS_1M
from market_pipeline_tests.storage.desk import DAY, EARLIER, bars, open_warehouse

SYMBOLS = [f"S{n:02d}" for n in range(40)]
MINUTES = 6
GENERATIONS_OPEN = 10
"""EARLIER is closed after so many generations, and goes on being written to."""


def main(folder: Path, first: int, seed: int) -> None:
    """Write random minutes of two sessions, one generation after the other, for ever."""
    warehouse = open_warehouse(folder, lock_timeout_seconds=30.0)
    chance = random.Random(seed)
    generation = first
    while True:
        generation += 1
        day = chance.choice([DAY, EARLIER])
        number = chance.randrange(MINUTES)
        warehouse.write(BARS_1M, "casablanca", bars(SYMBOLS, [number], close=float(generation), day=day))
        print(day, number, generation, flush=True)  # noqa: T201 the parent reads it
        if generation % GENERATIONS_OPEN == 0:
            warehouse.close_session("casablanca", EARLIER)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
