"""The same definitions on Dagster's default executor: a process for each step. For comparison only."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import dagster as dg

import market_pipeline.defs


@dg.definitions
def defs() -> dg.Definitions:
    """Load all markets with the multiprocess executor where the pipeline names the in-process one."""
    with patch.object(dg, "in_process_executor", dg.multiprocess_executor):
        return dg.load_from_defs_folder(path_within_project=Path(market_pipeline.defs.__path__[0]))
