"""The recorded files: bars, and the figures that another library made of them."""

from __future__ import annotations

import csv
import gzip
import json
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from market_pipeline.indicators.indicator import FIELDS, FloatArray
from market_pipeline_tests.indicators.parity.comparison import Comparison, compare
from market_pipeline_tests.indicators.parity.golden import Golden
from market_pipeline_tests.indicators.parity.goldens_averages import AVERAGES, BANDS, STOPS
from market_pipeline_tests.indicators.parity.goldens_momentum import MOMENTUM, TREND
from market_pipeline_tests.indicators.parity.goldens_others import PATTERNS, STATISTICS, SWINGS, VOLATILITY, VOLUMES
from market_pipeline_tests.indicators.parity.recipe import Recipe

GOLDENS: tuple[Golden, ...] = (
    *(*AVERAGES, *BANDS, *STOPS, *MOMENTUM, *TREND, *VOLATILITY, *VOLUMES, *STATISTICS, *SWINGS, *PATTERNS),
)
NOT_FIGURES = {"timestamp", "date", "candle"}


class GoldenFiles:
    """The folder of recorded inputs and outputs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._results = cache(self._read)

    @cached_property
    def bars(self) -> dict[str, FloatArray]:
        """Return the 502 daily bars, the closes of the symbol compared with, and the number of each bar's month."""
        rows, others = self._rows("default"), self._rows("compare")
        bars = {name: np.array([float(row[name]) for row in rows]) for name in FIELDS}
        months = np.array([12 * int(row["date"][:4]) + int(row["date"][5:7]) for row in rows], dtype=np.float64)
        return bars | {"compare": np.array([float(row["close"]) for row in others]), "month": months}

    def names(self) -> set[str]:
        """Return the names of the outputs' files."""
        return {path.name.removesuffix(".standard.json.gz") for path in self._folder.glob("results/*.json.gz")}

    def outputs(self, file: str) -> dict[str, FloatArray]:
        """Return each output of a file that has a figure anywhere."""
        rows = self._results(file)
        names = dict.fromkeys(name for row in rows for name in row)
        figures = {name: self._figures(rows, name) for name in names if name not in NOT_FIGURES}
        return {name: values for name, values in figures.items() if np.isfinite(values).any()}

    def compare(self, golden: Golden, ours: Recipe) -> Comparison:
        """Compare a recipe with the recorded output."""
        return compare(ours.compute(self.bars), self._figures(self._results(golden.file), golden.output))

    def _read(self, file: str) -> list[dict[str, object]]:
        with gzip.open(self._folder / "results" / f"{file}.standard.json.gz") as opened:
            rows: list[dict[str, object]] = json.load(opened)
        return rows

    def _figures(self, rows: list[dict[str, object]], name: str) -> FloatArray:
        cells = [row.get(name) for row in rows]
        return np.array([float(cell) if isinstance(cell, int | float) else np.nan for cell in cells])

    def _rows(self, name: str) -> list[dict[str, str]]:
        path = self._folder / "quotes" / f"{name}.csv"
        return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
