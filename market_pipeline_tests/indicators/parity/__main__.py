"""Measures anew how far our figures lie from others': `python -m market_pipeline_tests.indicators.parity`."""

from __future__ import annotations

from pathlib import Path

from market_pipeline_tests.indicators.parity import figures
from market_pipeline_tests.indicators.parity.golden_files import GoldenFiles

REFERENCE = Path(__file__).parents[4] / "shared" / "realdata" / "reference" / "stock.indicators"

if __name__ == "__main__":
    figures.record(figures.OF_PAIRS, figures.measure_pairs())
    if REFERENCE.is_dir():
        figures.record(figures.OF_GOLDENS, figures.measure_goldens(GoldenFiles(REFERENCE)))
