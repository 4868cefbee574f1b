"""The layouts in which minutes and days are recorded: whatever the types and headings, the same numbers come out."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import UsageError
from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.options import SimulatorOptions
from market_pipeline.simulator.simulation import Simulation
from market_pipeline.simulator.standing import Day

OPEN = datetime(2019, 2, 15, 14, 30, tzinfo=UTC)
MINUTES = [OPEN, OPEN.replace(minute=31), OPEN.replace(minute=33)]
PRICES = {"open": [1.0, 2.0, 3.0], "high": [2.0, 3.0, 4.0], "low": [1.0, 1.5, 3.0], "close": [2.0, 2.5, 3.5]}
DAY_END = datetime(2019, 2, 16, tzinfo=UTC).timestamp()


def exchange(market: str, path: Path) -> Exchange:
    return Simulation(SimulatorOptions(replay={market: path}), HandClock(OPEN)).exchange(market)


def closes(path: Path, symbol: str = "SPY") -> list[tuple[int, float, float]]:
    rows = exchange("us", path).minutes(symbol, start=0, end=DAY_END, at=DAY_END)
    return list(zip(rows.starts.tolist(), rows.close.tolist(), rows.volume.tolist(), strict=True))


EXPECTED = [(1550241000, 2.0, 10.0), (1550241060, 2.5, 20.0), (1550241180, 3.5, 0.0)]


def table(starts: pa.Array, *, symbol: pa.Array | None = None, volume: pa.Array | None = None) -> pa.Table:
    names = pa.array(["SPY"] * 3) if symbol is None else symbol
    return pa.table({"symbol": names, "interval_start": starts, **PRICES, "volume": volume or pa.array([10, 20, 0])})


def starts(kind: pa.DataType) -> pa.Array:
    naive = kind.tz is None
    return pa.array([moment.replace(tzinfo=None) if naive else moment for moment in MINUTES], kind)


@pytest.mark.parametrize(
    "kind",
    [
        pa.timestamp("us", "UTC"),
        pa.timestamp("ns", "America/New_York"),
        pa.timestamp("s", "+05:30"),
        pa.timestamp("ms"),
        pa.timestamp("ns"),
    ],
    ids=str,
)
def test_a_start_is_utc_or_says_its_zone(tmp_path: Path, kind: pa.DataType) -> None:
    pq.write_table(table(starts(kind)), tmp_path / "bars.parquet")
    assert closes(tmp_path / "bars.parquet") == EXPECTED


@pytest.mark.parametrize(
    "volume",
    [pa.array([10.0, 20.0, 0.0]), pa.array([10, 20, 0], pa.uint32()), pa.array([10, 20, 0], pa.decimal128(9, 2))],
    ids=lambda array: str(array.type),
)
def test_a_number_is_a_float_an_integer_or_a_decimal(tmp_path: Path, volume: pa.Array) -> None:
    pq.write_table(table(starts(pa.timestamp("us", "UTC")), volume=volume), tmp_path / "bars.parquet")
    assert closes(tmp_path / "bars.parquet") == EXPECTED


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_a_symbol_is_any_kind_of_text(tmp_path: Path, kind: pa.DataType) -> None:
    symbols = pa.array(["SPY"] * 3).cast(kind)
    pq.write_table(table(starts(pa.timestamp("us", "UTC")), symbol=symbols), tmp_path / "bars.parquet")
    assert closes(tmp_path / "bars.parquet") == EXPECTED


def test_order_duplicates_and_more_columns_do_not_matter(tmp_path: Path) -> None:
    rows = table(starts(pa.timestamp("us", "UTC")))
    rows = rows.append_column("vwap", pa.array([1.0, None, 3.0])).take([2, 0, 1, 0])
    pq.write_table(rows, tmp_path / "bars.parquet")
    assert closes(tmp_path / "bars.parquet") == EXPECTED


def test_a_minute_of_nulls_is_one_without_a_trade(tmp_path: Path) -> None:
    rows = table(starts(pa.timestamp("us", "UTC"))).to_pydict()
    for name in (*PRICES, "volume"):
        rows[name][1] = None
    pq.write_table(pa.table(rows), tmp_path / "bars.parquet")
    assert closes(tmp_path / "bars.parquet") == [EXPECTED[0], EXPECTED[2]]


def test_a_minute_with_half_of_its_prices_is_refused(tmp_path: Path) -> None:
    rows = table(starts(pa.timestamp("us", "UTC"))).to_pydict()
    rows["high"][1] = float("nan")
    pq.write_table(pa.table(rows), tmp_path / "bars.parquet")
    with pytest.raises(UsageError, match="high have empty values"):
        exchange("us", tmp_path / "bars.parquet")


def test_minutes_outside_the_session_are_left_out(tmp_path: Path) -> None:
    early, late = OPEN.replace(hour=12), OPEN.replace(hour=21, minute=0)
    pq.write_table(table(pa.array([early, OPEN, late], pa.timestamp("us", "UTC"))), tmp_path / "bars.parquet")
    assert closes(tmp_path / "bars.parquet") == [(1550241000, 2.5, 20.0)]
    (day,) = exchange("us", tmp_path / "bars.parquet").days(
        "SPY", first=date(2019, 2, 15), last=date(2019, 2, 15), at=DAY_END
    )
    assert (day.open, day.close, day.volume) == (2.0, 2.5, 20)


def test_a_minute_is_told_as_four_trades_that_make_its_bar(tmp_path: Path) -> None:
    pq.write_table(
        table(starts(pa.timestamp("us", "UTC")), volume=pa.array([0.1, 0.3, 0.0])), tmp_path / "bars.parquet"
    )
    trades = list(exchange("us", tmp_path / "bars.parquet").trades("SPY", after_ns=0, at=DAY_END))
    assert [trade.price for trade in trades] == [1.0, 2.0, 1.0, 2.0, 2.0, 3.0, 1.5, 2.5]
    assert sum(trade.size for trade in trades[:4]) == 0.1
    assert sum(trade.size for trade in reversed(trades[4:])) == 0.3
    assert [int(trade.time) - 1550241000 for trade in trades] == [7, 22, 37, 52, 67, 82, 97, 112]
    assert len({trade.trade_id for trade in trades}) == 8


BOARDS = {
    "plain.csv": "symbol,session_date,open,high,low,close,volume,turnover,previous_close\n"
    "ATW,2026-09-16,700,701.5,697,697.7,1200,838000.5,700.01\nADH,2026-09-16,,,,34,,,33.5\n",
    "french.csv": "symbol;nom;date;cours;precedent;volume;volume_mad;open;high;low\n"
    'ATW;Attijari;2026-09-16;697.7;700.01;"1,200";838000.5;700;701.5;697\nADH;Addoha;2026-09-16;34;33.5;;;;;\n\n',
    "nairobi.csv": "\ufeffDate,Code,Day Low,Day High,Day Price,Previous,Volume,Open,Turnover\n"
    '16-Sep-26,ATW,697,701.5,697.7,700.01,"1,200",700,838000.5\n9/16/2026,ADH,-,-,34,33.5,-,-,-\n',
}


def board_days(path: Path, symbol: str) -> list[Day]:
    after = datetime(2026, 9, 17, tzinfo=UTC).timestamp()
    wanted = date(2026, 9, 16)
    return list(exchange("casablanca", path).days(symbol, first=wanted, last=wanted, at=after))


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_read_under_the_headings_of_its_exchange(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(BOARDS[name], encoding="utf-8")
    assert board_days(path, "ATW") == [
        Day(date(2026, 9, 16), 700.01, 700.0, 701.5, 697.0, 697.7, 1200.0, 838000.5, 1),
    ]
    assert board_days(path, "ADH") == [Day(date(2026, 9, 16), 34.0, None, None, None, None, None, None, None)]


def test_a_day_is_shown_as_it_ended_and_has_no_minutes(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text(BOARDS["plain.csv"], encoding="utf-8")
    found = exchange("casablanca", path)
    close = datetime(2026, 9, 16, 14, 30, tzinfo=UTC).timestamp()
    before, after = found.standings(close - 1), found.standings(close)
    assert [(row.price, row.volume) for row in before] == [(34.0, None), (700.01, None)]
    assert [(row.price, row.volume, row.high) for row in after] == [(34.0, None, None), (697.7, 1200.0, 701.5)]
    assert len(found.minutes("ATW", start=0, end=close + 1, at=close + 1)) == 0


def test_days_may_be_parquet(tmp_path: Path) -> None:
    rows = {"symbol": ["ATW"], "session_date": [date(2026, 9, 16)], "close": [697.7], "volume": [1200]}
    pq.write_table(pa.table(rows), tmp_path / "days.parquet")
    (day,) = board_days(tmp_path / "days.parquet", "ATW")
    assert (day.close, day.volume, day.open) == (697.7, 1200.0, None)


def test_a_history_without_symbols_is_of_the_one_its_name_begins_with(tmp_path: Path) -> None:
    rows = "date,close,open,high,low,turnover,volume\n" + "2020-10-27,378.25,375,380,375,11.5,3\n" * 3
    (tmp_path / "ATW_daily.csv.gz").write_bytes(gzip.compress(f"{rows}1996-07-01,130,,,,,5\n".encode()))
    found = exchange("casablanca", tmp_path / "ATW_daily.csv.gz")
    days = list(found.days("ATW", first=date(1996, 1, 1), last=date(2020, 12, 31), at=OPEN.timestamp() * 2))
    assert [(day.session_date, day.close, day.volume) for day in days] == [
        (date(1996, 7, 1), 130.0, 5.0),
        (date(2020, 10, 27), 378.25, 3.0),
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("symbol,date,close\nATW,16.09.2026,1\n", "line 2: '16.09.2026' is no date like"),
        ("symbol,date,close\n\nATW,2026-09-16,x1\n", "line 3: could not convert string to float: 'x1'"),
        ("symbol,date,close\nATW,2026-09-16,-1\n", "line 2: '-1' is no number of a board"),
        ("symbol,date,last\nATW,2026-09-16,1\n", r"it lacks close \(it has symbol, date, last\)"),
        ("symbol,date,close\nATW,2026-09-16,-\n", "it has no rows with a price"),
        ("", "it has no rows with a price"),
        ("symbol,date,close\nATW,2026-09-16,1\nATW,2026-09-16,2\n", "ATW has two rows of 2026-09-16 with different"),
    ],
)
def test_a_wrong_board_is_refused_with_the_place(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "board.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=error):
        exchange("casablanca", tmp_path / "board.csv")


@pytest.mark.parametrize("name", ["board.csv", "board.csv.gz"])
def test_a_board_that_is_no_text_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(UsageError, match="it cannot be read"):
        exchange("casablanca", tmp_path / name)
