"""Run every measurement in turn, each in a process of its own: `make bench`, an hour."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.feed import PROJECT

MEASUREMENTS = ("indicators", "minute", "metrics", "health", "storage", "precision", "contention", "daily", "ticks")


def main() -> int:
    """Return the number of measurements that failed."""
    failed = 0
    for name in MEASUREMENTS:
        print(f"\n== {name} ==", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=PROJECT, check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
