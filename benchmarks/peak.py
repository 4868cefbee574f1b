"""Run a module as `python -m` does, then write the process's peak memory in KB as the last line of stderr.

For Linux: getrusage would count what the parent had when it forked.
"""

from __future__ import annotations

import atexit
import runpy
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def write_peak() -> None:
    """Write the high-water mark of resident memory."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    sys.stderr.write(f"\n{line.split()[1]}\n")


if __name__ == "__main__":
    atexit.register(write_peak)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
