"""The distances as measured, kept beside the tests: the documentation shows them where the recorded data is absent.

`python -m market_pipeline_tests.indicators.parity` measures anew.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from market_pipeline.indicators.indicator import FIELDS
from market_pipeline.indicators.on_demand import compute_one
from market_pipeline_tests.indicators.parity.comparison import Comparison, compare
from market_pipeline_tests.indicators.parity.golden_files import GOLDENS, GoldenFiles
from market_pipeline_tests.indicators.parity.pair import Pair
from market_pipeline_tests.indicators.parity.pairs_more import PAIRS
from market_pipeline_tests.indicators.parity.recipe import Bars
from market_pipeline_tests.indicators.situations import walk

HERE = Path(__file__).parent
OF_GOLDENS, OF_PAIRS = HERE / "stock_indicators.json", HERE / "pandas_ta.json"
Figures = dict[str, dict[str, float | int | str]]


@cache
def walk_of_1500_bars() -> Bars:
    """Return the bars that pandas-ta and we are compared on, one session."""
    return dict(zip(FIELDS, walk(bars=1500).fields, strict=True))


def compare_pair(pair: Pair, bars: Bars) -> tuple[Comparison | None, Comparison | None]:
    """Compare our column with pandas-ta's figure, and, where one is given, our figure with the reason brought in."""
    if pair.theirs is None:
        return None, None
    theirs = pair.theirs.compute(bars)
    ours = compute_one(pair.column, {}, bars=bars)[pair.column]
    return compare(ours, theirs), compare(pair.proof.compute(bars), theirs) if pair.proof else None


def measure_pairs() -> Figures:
    """Return one row a column that pandas-ta has too."""
    compared = {pair.column: compare_pair(pair, walk_of_1500_bars()) for pair in PAIRS}
    return {column: _row(ours, proof) for column, (ours, proof) in compared.items() if ours is not None}


def measure_goldens(files: GoldenFiles) -> Figures:
    """Return one row a recorded output that we have a figure for."""
    return {
        golden.key: _row(
            files.compare(golden, golden.ours), files.compare(golden, golden.proof) if golden.proof else None
        )
        for golden in GOLDENS
        if golden.ours is not None
    }


def recorded(path: Path) -> Figures:
    """Return the distances as they were measured last."""
    figures: Figures = json.loads(path.read_text())
    return figures


def record(path: Path, figures: Figures) -> None:
    """Write the distances, one line a row."""
    lines = [f"{json.dumps(key)}: {json.dumps(row)}" for key, row in figures.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _row(ours: Comparison, proof: Comparison | None) -> dict[str, float | int | str]:
    row: dict[str, float | int | str] = {
        "verdict": ours.verdict.value,
        "bars": ours.bars,
        "apart": ours.apart,
        "max_error": _rounded(ours.max_error),
        "end_error": _rounded(ours.tail_error),
    }
    return row | ({"proof_error": _rounded(proof.tail_error)} if proof else {})


def _rounded(error: float) -> float:
    """Keep two digits; what lies below a billionth of a millionth is rounding, which differs by processor."""
    return float(np.format_float_scientific(error, precision=1)) if error > 1e-15 else 0.0
