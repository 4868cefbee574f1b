"""Bars of situations that break indicators: gaps, ties, flat stretches, minutes without volume, hardly any bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from market_pipeline.indicators.bar_window import BarWindow

SESSION_BARS = 120


def walk(*, seed: int = 1, bars: int = 3 * SESSION_BARS, tick: float = 0.05) -> BarWindow:
    """Return a random walk on a tick grid: session 3 begins at bar 240, prices jump between sessions."""
    random = np.random.default_rng(seed)
    moves = random.standard_t(4, bars) * 0.0008
    moves[SESSION_BARS::SESSION_BARS] += 0.04
    close = 400 * np.exp(np.cumsum(moves))
    opened = np.concatenate([close[:1], close[:-1] * (1 + random.normal(0, 1e-4, bars - 1))])
    top = np.maximum(opened, close) * (1 + np.abs(random.normal(0, 5e-4, bars)))
    bottom = np.minimum(opened, close) * (1 - np.abs(random.normal(0, 5e-4, bars)))
    prices = [np.round(series / tick) * tick for series in (opened, top, bottom, close)]
    volume = np.round(random.lognormal(7, 1.2, bars))
    return BarWindow("WALK", *prices, volume, session_start=min(bars, 2 * SESSION_BARS))


def flat(*, bars: int = 3 * SESSION_BARS, volume: float = 0.0) -> BarWindow:
    """Return bars of one price, by default without any volume."""
    price = np.full(bars, 100.0)
    return BarWindow("FLAT", price, price, price, price, np.full(bars, volume), session_start=2 * SESSION_BARS)


def patched(start: int, end: int) -> BarWindow:
    """Return a walk whose bars start…end stand still without volume."""
    window = walk(seed=2)
    fields = [field.copy() for field in window.fields]
    for field in fields[:4]:
        field[start:end] = window.close[start]
    fields[4][start:end] = 0.0
    return BarWindow("PATCHED", *fields, session_start=window.session_start)


def first_bars(window: BarWindow, bars: int) -> BarWindow:
    """Return the window as it was after its first `bars` bars."""
    return BarWindow(
        window.symbol, *(field[:bars] for field in window.fields), session_start=min(bars, window.session_start)
    )


def with_unknown_volume(window: BarWindow, *places: int) -> BarWindow:
    """Return the window with the volume unknown at these bars."""
    volume = window.volume.copy()
    volume[list(places)] = np.nan
    return replace(window, volume=volume)


def scaled(window: BarWindow, *, price: float = 1.0, volume: float = 1.0) -> BarWindow:
    """Return the window with other sizes of prices and volumes."""
    prices = [field * price for field in window.fields[:4]]
    return BarWindow(window.symbol, *prices, window.volume * volume, session_start=window.session_start)


def with_minutes_missing(window: BarWindow, *, seed: int = 9) -> BarWindow:
    """Return the window without a third of its bars, whole stretches and single ones."""
    kept = np.random.default_rng(seed).random(len(window)) > 0.2
    kept[100:150] = kept[260:300] = False
    return BarWindow(
        window.symbol, *(field[kept] for field in window.fields), session_start=int(kept[: window.session_start].sum())
    )


SITUATIONS: dict[str, BarWindow] = {
    "gaps between sessions": walk(),
    "a coarse tick, so many ties": walk(seed=3, tick=2.0),
    "no volume at all": replace(walk(seed=4), volume=np.zeros(3 * SESSION_BARS)),
    "one price for ever": flat(),
    "one price, with volume": flat(volume=500.0),
    "a halt over the session's start": patched(200, 290),
    "a third of the minutes missing": with_minutes_missing(walk(seed=8)),
    "prices of a hundred thousandth": scaled(walk(seed=7), price=1e-7),
    "prices of a trillion": scaled(walk(seed=7), price=2.5e9, volume=1e6),
    "five bars": first_bars(walk(seed=5), 5),
    "one bar": first_bars(walk(seed=5), 1),
    "no bar": first_bars(walk(seed=5), 0),
    "a session of three bars": first_bars(walk(seed=6), 2 * SESSION_BARS + 3),
    "a session without a bar yet": first_bars(walk(seed=6), 2 * SESSION_BARS),
}
