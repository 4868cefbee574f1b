"""The chart of a session: what it reads, and that what is drawn is a picture or a page."""

from __future__ import annotations

import base64
import struct
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from market_pipeline.components.market.plots import chart_preview
from market_pipeline.errors import UsageError
from market_pipeline.settings import Feed
from market_pipeline.steps.compute_indicators import compute_session_indicators
from market_pipeline.steps.compute_levels import compute_session_levels
from market_pipeline.steps.draw_chart import chart_html, chart_png, write_chart
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.session_chart import SessionChart, read_session_chart
from market_pipeline_tests.steps.recorded_days import DAYS, recorded_runtime
from market_pipeline_tests.steps.test_levels import BARS, THURSDAY, WEDNESDAY, desk, fill

__all__ = ["desk"]  # the fixture
RECORDING = "india_2016-08-16_22.parquet"


def chart_of(desk: Runtime, symbol: str = "BTC-USD", day: date | None = None) -> SessionChart:
    return read_session_chart(desk.warehouse, desk.market("crypto").file, symbol, day=day, is_simulated=True)


def size_of(picture: bytes) -> tuple[int, int]:
    """Return a PNG's width and height; its first chunk says them."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert picture[12:16] == b"IHDR"
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


@pytest.fixture
def filled(desk: Runtime) -> Runtime:
    market = desk.market("crypto")
    fill(desk, WEDNESDAY, THURSDAY)
    compute_session_indicators(desk, market, [WEDNESDAY, THURSDAY])
    compute_session_levels(desk, market, [WEDNESDAY, THURSDAY])
    return desk


def test_a_chart_shows_the_newest_stored_session_unless_told_another(filled: Runtime) -> None:
    assert (chart_of(filled).session_date, chart_of(filled, day=WEDNESDAY).session_date) == (THURSDAY, WEDNESDAY)
    assert len(chart_of(filled).times) == BARS


def test_a_picture_is_a_png_of_the_size_that_was_asked_for(filled: Runtime) -> None:
    assert size_of(chart_png(chart_of(filled))) == (1600, 1000)
    assert size_of(chart_png(chart_of(filled), width=800)) == (800, 500)


def test_a_page_holds_the_figure_its_units_and_that_the_prices_are_made_up(filled: Runtime) -> None:
    page = chart_html(chart_of(filled))
    assert page.startswith("<!doctype html>")
    assert "<svg" in page
    for text in ("BTC-USD · Crypto currencies in US dollars · Thu 19 Nov 2026", "SIMULATED · made-up prices"):
        assert text in page
    for text in (
        "price, USD",
        "RSI 14, %",
        "MACD 12 26 9, USD",
        "volume by price, shares",
        "time at the exchange (UTC)",
    ):
        assert text in page
    assert "no indicators stored" not in page


def test_bars_without_indicators_are_drawn_and_the_panes_say_what_is_missing(desk: Runtime) -> None:
    fill(desk, THURSDAY)
    page = chart_html(chart_of(desk))
    assert page.count("no indicators stored for this session") == 2
    assert page.count("Bollinger") == 0


def test_the_bins_of_a_chart_are_those_of_its_levels(filled: Runtime) -> None:
    chart = chart_of(filled)
    fullest = int(chart.bin_volumes.argmax())
    assert (chart.bin_edges[fullest] + chart.bin_edges[fullest + 1]) / 2 == pytest.approx(chart.series["POC"][-1])
    assert chart.bin_volumes.sum() == pytest.approx(chart.series["volume"].sum())
    assert chart.series["VAH"][-1] in chart.bin_edges


def test_a_symbol_or_session_that_is_not_stored_is_refused_with_what_is(filled: Runtime) -> None:
    with pytest.raises(UsageError, match=r"wanted BTC of crypto on 2026-11-19, .* 2 symbols have: BTC-USD"):
        chart_of(filled, "BTC")
    with pytest.raises(UsageError, match="stored are 2 sessions, 2026-11-18 to 2026-11-19"):
        chart_of(filled, day=date(2026, 11, 17))


def test_the_preview_is_a_small_picture_with_the_command_that_draws_it(filled: Runtime) -> None:
    text = chart_preview(filled, filled.market("crypto").file, THURSDAY).value
    assert text is not None
    assert text.endswith("`market-pipeline chart crypto BTC-USD --date 2026-11-19`")
    assert size_of(base64.b64decode(text.split("base64,")[1].split(")")[0]))[0] == 900
    assert len(text) < 250_000


def test_without_bars_the_preview_says_why_there_is_none(desk: Runtime) -> None:
    preview = chart_preview(desk, desk.market("crypto").file, THURSDAY)
    assert str(preview.value).startswith("no chart: wanted the session of 2026-11-19 of crypto")


@pytest.mark.realdata
def test_the_recorded_session_of_reliance_is_drawn_with_all_there_is(realdata: Path, tmp_path: Path) -> None:
    recording = realdata / "replay" / RECORDING
    india = recorded_runtime(recording, tmp_path, "RELIANCE", feed=Feed.LIVE)
    chart = read_session_chart(
        india.warehouse, india.market("india").file, "RELIANCE", day=DAYS[-1], is_simulated=False
    )
    assert (len(chart.times), str(chart.times[0])) == (375, "2016-08-19T09:15:00")
    assert all(np.isfinite(chart.series[name]).any() for name in chart.series)
    day_before = pq.read_table(recording, filters=[("symbol", "==", "RELIANCE")])
    day_before = day_before.filter(pc.equal(pc.cast(day_before["interval_start"], "date32"), DAYS[1]))
    high, low = pc.max(day_before["high"]).as_py(), pc.min(day_before["low"]).as_py()
    close = day_before.sort_by("interval_start")["close"][-1].as_py()
    assert set(chart.series["PP_CLASSIC"]) == {(high + low + close) / 3}
    picture, page = write_chart(chart, tmp_path / "chart.png"), write_chart(chart, tmp_path / "chart.html")
    assert size_of(picture.read_bytes()) == (1600, 1000)
    assert "RELIANCE · National Stock Exchange of India · Fri 19 Aug 2016" in page.read_text()
    assert "SIMULATED" not in page.read_text()
