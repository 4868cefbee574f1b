"""The panes of a session's chart. Each draws what is stored and says so where nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from market_pipeline.steps.session_chart import FloatArray, SessionChart

UP, DOWN, BAND, INK, QUIET = "#1b7f5c", "#c0392b", "#4c78a8", "#222222", "#8a8f98"
DEMAND, SUPPLY, CONTROL = "#2e9e6b", "#d1495b", "#d98c00"
PIVOTS = ("R3_CLASSIC", "R2_CLASSIC", "R1_CLASSIC", "PP_CLASSIC", "S1_CLASSIC", "S2_CLASSIC", "S3_CLASSIC")
PATCH = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
STRONG = 10.0
"""A zone of this strength is drawn darkest."""


def draw_price(axes: Axes, chart: SessionChart) -> None:
    """Draw bars, Bollinger bands, pivots, support and resistance, zones, and the volume along the foot."""
    low, high = _limits(chart)
    axes.set_ylim(low, high)
    _zones(axes, chart)
    _bands(axes, chart)
    _swings(axes, chart)
    _pivots(axes, chart)
    _bars(axes, chart)
    _volume(axes, chart)
    axes.set_ylabel(f"price, {chart.currency}")
    _plain(axes)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles, labels, loc="upper left", ncols=5, fontsize=9, framealpha=0.85, edgecolor="none")


def draw_profile(axes: Axes, chart: SessionChart) -> None:
    """Draw the session's volume by price, the value area darker, with POC, VAH and VAL."""
    edges, volumes = chart.bin_edges, chart.bin_volumes
    axes.set_title("volume by price, shares", fontsize=10, loc="left", color=INK)
    axes.tick_params(labelleft=False, labelsize=8)
    axes.xaxis.tick_top()
    _plain(axes)
    poc, vah, val = (_last(chart.series[name]) for name in ("POC", "VAH", "VAL"))
    if not volumes.any():
        axes.set_xticks([])
        _nothing(axes, "no volume")
        return
    middles = (edges[:-1] + edges[1:]) / 2
    is_inside = (middles > val) & (middles < vah) if np.isfinite(poc) else np.zeros(len(middles), dtype=np.bool_)
    colours = np.where(is_inside, BAND, "#c3cfde")
    axes.barh(edges[:-1], volumes, height=np.diff(edges) * 0.92, align="edge", color=colours, linewidth=0)
    for value, name in ((vah, "VAH"), (poc, "POC"), (val, "VAL")):
        if np.isfinite(value):
            axes.axhline(value, color=CONTROL, linewidth=1.6 if name == "POC" else 1, linestyle="-")
            _mark(axes, value, f"{name} {_price(value)}")
    axes.xaxis.set_major_formatter(_short)


def draw_rsi(axes: Axes, chart: SessionChart) -> None:
    """Draw RSI 14 with its usual limits."""
    rsi = chart.series["RSI_14"]
    axes.set_ylabel("RSI 14, %")
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 30, 50, 70, 100])
    _plain(axes)
    if not np.isfinite(rsi).any():
        _nothing(axes, "no indicators stored for this session")
        return
    axes.axhspan(30, 70, color=BAND, alpha=0.07, linewidth=0)
    axes.plot(chart.times, rsi, color=INK, linewidth=1.1)
    axes.fill_between(chart.times, 70, rsi, where=rsi > 70, color=DOWN, alpha=0.35, linewidth=0, interpolate=True)
    axes.fill_between(chart.times, 30, rsi, where=rsi < 30, color=UP, alpha=0.35, linewidth=0, interpolate=True)


def draw_macd(axes: Axes, chart: SessionChart) -> None:
    """Draw MACD 12 26 9, its signal and their difference."""
    line, signal, difference = (chart.series[f"MACD{part}_12_26_9"] for part in ("", "s", "h"))
    axes.set_ylabel(f"MACD 12 26 9, {chart.currency}")
    _plain(axes)
    if not np.isfinite(line).any():
        _nothing(axes, "no indicators stored for this session")
        return
    colours = np.where(difference >= 0, UP, DOWN)
    width = np.timedelta64(48, "s")
    axes.bar(
        chart.times, np.nan_to_num(difference), width=width, color=colours, alpha=0.5, linewidth=0, label="difference"
    )
    axes.plot(chart.times, line, color=BAND, linewidth=1.3, label="MACD")
    axes.plot(chart.times, signal, color=CONTROL, linewidth=1.1, label="signal")
    axes.axhline(0, color=QUIET, linewidth=0.7)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.25 * (high - low))  # room for the legend
    axes.legend(loc="upper left", ncols=3, fontsize=9, framealpha=0.85, edgecolor="none")


def _limits(chart: SessionChart) -> tuple[float, float]:
    low, high = float(chart.series["low"].min()), float(chart.series["high"].max())
    room = max(high - low, 1e-4 * high)
    return low - 0.22 * room, high + 0.12 * room


def _bars(axes: Axes, chart: SessionChart) -> None:
    opened, high, low, close = (chart.series[name] for name in ("open", "high", "low", "close"))
    body = max(0.8, min(3.0, 900 / len(close)))
    for is_wanted, colour in ((close >= opened, UP), (close < opened, DOWN)):
        times = chart.times[is_wanted]
        axes.vlines(times, low[is_wanted], high[is_wanted], color=colour, linewidth=0.7, zorder=4)
        axes.vlines(times, opened[is_wanted], close[is_wanted], color=colour, linewidth=body, zorder=4)


def _bands(axes: Axes, chart: SessionChart) -> None:
    upper, middle, lower = (chart.series[f"BB{part}_20_2"] for part in "UML")
    if np.isfinite(middle).any():
        axes.fill_between(chart.times, lower, upper, color=BAND, alpha=0.10, linewidth=0, label="Bollinger 20, 2σ")
        axes.plot(chart.times, middle, color=BAND, linewidth=0.9, alpha=0.8)


def _volume(axes: Axes, chart: SessionChart) -> None:
    """Draw the volume in the lowest eighth of the pane, on a scale of its own that the label states."""
    volume = np.nan_to_num(chart.series["volume"])
    if not volume.any():
        return
    foot = axes.twinx()
    foot.set_ylim(0, 8 * volume.max())
    foot.bar(chart.times, volume, width=np.timedelta64(48, "s"), color=QUIET, alpha=0.45, linewidth=0)
    foot.set_axis_off()
    text = f"volume, up to {_short(volume.max())} shares a minute"
    axes.annotate(text, (0.005, 0.14), xycoords="axes fraction", fontsize=9, color=QUIET)


def _zones(axes: Axes, chart: SessionChart) -> None:
    for kind, colour in (("DEMAND", DEMAND), ("SUPPLY", SUPPLY)):
        top, bottom, strength = (chart.series[f"{kind}_{part}"] for part in ("top", "bottom", "strength"))
        label = f"{kind.lower()} zone"
        for first, last in _runs(top, bottom):
            shade = 0.10 + 0.22 * min(float(strength[first]), STRONG) / STRONG
            times = [chart.times[first], chart.times[last] + np.timedelta64(60, "s")]
            axes.fill_between(times, bottom[first], top[first], color=colour, alpha=shade, linewidth=0, label=label)
            label = "_"


def _swings(axes: Axes, chart: SessionChart) -> None:
    for name, colour in (("SUPPORT", UP), ("RESISTANCE", DOWN)):
        values = chart.series[name]
        label = name.lower()
        for first, last in _runs(values):
            end = chart.times[last] + np.timedelta64(60, "s")
            axes.hlines(values[first], chart.times[first], end, color=colour, linewidth=1.1, alpha=0.75, label=label)
            label = "_"


def _pivots(axes: Axes, chart: SessionChart) -> None:
    low, high = axes.get_ylim()
    for name in PIVOTS:
        value = _last(chart.series[name])
        if low < value < high:
            axes.axhline(value, color=INK, linewidth=0.9, linestyle=(0, (6, 4)), alpha=0.65)
            _mark(axes, value, f"{name.split('_')[0]} {_price(value)}")


def _mark(axes: Axes, value: float, text: str) -> None:
    """Name a line at the right end of the pane."""
    axes.annotate(
        text,
        (0.997, value),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="center",
        fontsize=9,
        color=INK,
        zorder=6,
        bbox=PATCH,
    )


def _runs(*columns: FloatArray) -> Iterator[tuple[int, int]]:
    """Yield the first and last place of each stretch on which all columns stand still and are known."""
    table = np.array(columns)
    is_new = np.append(True, (table[:, 1:] != table[:, :-1]).any(axis=0))
    starts = np.flatnonzero(is_new)
    for first, following in zip(starts, [*starts[1:], table.shape[1]], strict=True):
        if np.isfinite(table[:, first]).all():
            yield int(first), int(following) - 1


def _last(values: FloatArray) -> float:
    known: npt.NDArray[np.float64] = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else float("nan")


def _price(value: float) -> str:
    return f"{value:,.2f}" if value >= 1 else f"{value:.4g}"


def _short(value: float, _: float = 0) -> str:
    for size, mark in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{mark}"
    return f"{value:.3g}"


def _plain(axes: Axes) -> None:
    axes.grid(visible=True, color="#e6e8eb", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#b8bdc4")


def _nothing(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=QUIET)
