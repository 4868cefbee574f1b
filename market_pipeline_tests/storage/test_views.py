"""What people query: the views in memory, and market.duckdb."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from market_pipeline.storage.tables import BARS_1M, BASE_TABLES, LIVE_TICKERS
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import (
    DAY,
    EARLIER,
    NOON,
    bars,
    minute,
    open_warehouse,
    rows_of,
    seen,
    tickers,
)

SEEDS_NAMES = [
    "ticker",
    "name",
    "price",
    "change_1d_percent",
    "change_ytd_percent",
    "volume",
    "market_cap_billion",
    "high_24h",
    "low_24h",
    "open_price",
    "previous_close",
    "source",
    "timestamp",
    "exchange",
    "country",
]


def columns_of(warehouse: Warehouse, view: str) -> list[str]:
    return [row[0] for row in seen(warehouse, f"DESCRIBE {view}")]


def files_scanned(warehouse: Warehouse, sql: str) -> int:
    plan = str(seen(warehouse, f"EXPLAIN ANALYZE {sql}"))
    return sum(int(count) for count in re.findall(r"Total Files Read: (\d+)", plan))


def test_every_view_works_before_the_first_row(warehouse: Warehouse) -> None:
    for view in warehouse.build_market_duckdb().views:
        assert seen(warehouse, f"FROM {view}") == []


def test_views_have_the_columns_in_the_order_of_the_schema(warehouse: Warehouse) -> None:
    for table in warehouse.tables:
        assert columns_of(warehouse, table.name) == table.schema.names
    assert columns_of(warehouse, "live_tickers_latest") == LIVE_TICKERS.schema.names


def test_live_tickers_begin_with_the_fifteen_names_of_the_seed(warehouse: Warehouse) -> None:
    assert columns_of(warehouse, "live_tickers")[:15] == SEEDS_NAMES
    assert "market" in columns_of(warehouse, "live_tickers")


def test_times_are_instants_in_utc(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0]))
    assert seen(warehouse, "SELECT typeof(interval_start), interval_start::VARCHAR FROM bars_1m") == [
        ("TIMESTAMP WITH TIME ZONE", "2026-11-20 09:30:00+00")
    ]


def test_only_the_session_asked_for_is_opened(warehouse: Warehouse) -> None:
    warehouse.write_session(BARS_1M, "casablanca", EARLIER, bars(["ATW"], range(30), day=EARLIER))
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], range(5)))
    warehouse.write(BARS_1M, "india", bars(["TCS"], range(40), market="india"))
    today = "SELECT count(close) FROM bars_1m WHERE market = 'casablanca' AND session_date = DATE '2026-11-20'"
    before = "SELECT count(close) FROM bars_1m WHERE market = 'casablanca' AND session_date = DATE '2026-11-19'"
    lists = files_scanned(warehouse, "SELECT count(*) FROM bars_1m WHERE market = 'nobody' AND close = 1")
    assert files_scanned(warehouse, today) - lists == 5
    assert files_scanned(warehouse, before) - lists == 1


def test_a_filter_on_the_session_reaches_the_files_also_with_two_versions(tmp_path: Path) -> None:
    from market_pipeline_tests.storage.test_versions import two_versions

    warehouse = two_versions(tmp_path)
    nobody = "SELECT count(*) FROM indicators_1m WHERE market = 'nobody' AND RSI_14 = 1"
    today = "SELECT count(RSI_14) FROM indicators_1m WHERE market = 'casablanca' AND session_date = DATE '2026-11-20'"
    assert files_scanned(warehouse, today) - files_scanned(warehouse, nobody) == 4


def test_row_counts_are_by_table_and_market(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], range(5)))
    warehouse.write(BARS_1M, "india", bars(["TCS"], range(2), market="india"))
    counts = warehouse.row_counts(["bars_1m", "live_tickers", "not_a_table"])
    assert counts == {("bars_1m", "casablanca"): 5, ("bars_1m", "india"): 2}


def test_a_query_returns_an_arrow_table(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0], close=7.0))
    assert warehouse.query("SELECT symbol, close FROM bars_1m").to_pylist() == [{"symbol": "ATW", "close": 7.0}]


def test_a_folder_with_quotes_and_glob_characters_in_its_name_works(tmp_path: Path) -> None:
    folder = tmp_path / "it's [mine]*"
    folder.mkdir()
    warehouse = open_warehouse(folder)
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0], close=7.0))
    warehouse.build_market_duckdb()
    with duckdb.connect(str(folder / "market.duckdb"), read_only=True) as people:
        assert people.execute("SELECT close FROM bars_1m UNION ALL SELECT close FROM bars_1m_latest").fetchall() == [
            (7.0,),
            (7.0,),
        ]
    assert warehouse.read(BARS_1M, "casablanca").num_rows == 1


def test_market_duckdb_shows_rows_that_were_written_after_it_was_built(warehouse: Warehouse) -> None:
    path = warehouse.build_market_duckdb().path
    with duckdb.connect(str(path), read_only=True) as people:
        assert people.execute("SELECT count(*) FROM bars_1m").fetchall() == [(0,)]
        warehouse.write(BARS_1M, "casablanca", bars(["ATW"], range(5)))
        assert people.execute("SELECT count(*) FROM bars_1m").fetchall() == [(5,)]
        warehouse.close_session("casablanca", DAY)
        assert people.execute("SELECT count(*) FROM bars_1m").fetchall() == [(5,)]


def test_small_tables_are_real_unless_they_change_each_minute_and_big_ones_are_views(warehouse: Warehouse) -> None:
    table = warehouse.table("instruments")
    row = {"market": "casablanca", "symbol": "ATW", "known_at": NOON}
    warehouse.write(table, "casablanca", rows_of(table, [row]))
    path = warehouse.build_market_duckdb().path
    with duckdb.connect(str(path), read_only=True) as people:
        real = people.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
        small = [table.name for table in BASE_TABLES if table.is_small and not table.is_current]
        assert real == sorted((name,) for name in [*small, "session_hours"])
        assert people.execute("SELECT count(*) FROM health").fetchone() == (0,)
        assert people.execute("SELECT symbol FROM instruments").fetchall() == [("ATW",)]


def test_tables_and_columns_carry_their_meaning_and_unit(warehouse: Warehouse) -> None:
    path = warehouse.build_market_duckdb().path
    with duckdb.connect(str(path), read_only=True) as people:
        view = people.execute("SELECT comment FROM duckdb_views() WHERE view_name = 'bars_1m_latest'").fetchall()
        column = "SELECT comment FROM duckdb_columns() WHERE table_name = ? AND column_name = ?"
        assert view == [("One-minute bars; a minute without trades has no bar",)]
        assert people.execute(column, ["bars_1m", "open"]).fetchall() == [("first price [currency]",)]
        assert people.execute(column, ["bars_1d", "volume"]).fetchall() == [("traded in the session [shares]",)]


def test_the_file_is_in_the_storage_version_that_duckdb_1_0_reads(warehouse: Warehouse) -> None:
    path = warehouse.build_market_duckdb().path
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS market (READ_ONLY)")
        tags = connection.execute(
            "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = 'market'"
        )
        assert str(tags.fetchone()).startswith("('v1.0.0")


def test_rebuilding_leaves_no_temporary_file(warehouse: Warehouse) -> None:
    for _ in range(2):
        warehouse.build_market_duckdb()
    assert sorted(path.name for path in warehouse.layout.feed_folder.iterdir()) == ["market.duckdb", "warehouse"]


STRANGER = """
import sys, duckdb
people = duckdb.connect(sys.argv[1])
people.execute("CREATE TABLE mine AS SELECT 1 AS a")
print("open", flush=True)
sys.stdin.readline()
print(people.execute("SELECT count(*) FROM bars_1m").fetchone()[0], flush=True)
"""


def test_a_stranger_who_holds_market_duckdb_open_for_writing_blocks_nobody(warehouse: Warehouse) -> None:
    path = warehouse.build_market_duckdb().path
    command = [sys.executable, "-c", STRANGER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stranger:
        assert stranger.stdin and stranger.stdout
        assert stranger.stdout.readline() == "open\n"
        with pytest.raises(duckdb.IOException, match="lock"):
            duckdb.connect(str(path))
        warehouse.write(BARS_1M, "casablanca", bars(["ATW"], range(5)))
        assert seen(warehouse, "SELECT count(*) FROM bars_1m") == [(5,)]
        warehouse.close_session("casablanca", DAY)
        warehouse.build_market_duckdb()
        with duckdb.connect(str(path)) as people:
            assert people.execute("SELECT count(*) FROM bars_1m").fetchall() == [(5,)]
            assert people.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mine'").fetchall() == [(0,)]
        stranger.stdin.write("\n")
        stranger.stdin.flush()
        assert stranger.stdout.readline() == "5\n"


def test_a_session_is_shown_from_one_tier_even_to_a_query_that_began_before_it_was_closed(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], range(5)))
    with warehouse.connect() as connection:
        connection.execute("BEGIN")
        assert connection.execute("SELECT count(*) FROM bars_1m").fetchall() == [(5,)]
        warehouse.close_session("casablanca", DAY)
        warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [5, 6]))
        assert connection.execute("SELECT count(*) FROM bars_1m").fetchall() == [(5,)]
        connection.execute("COMMIT")
        assert connection.execute("SELECT count(*) FROM bars_1m").fetchall() == [(7,)]


def test_superseded_whole_files_stay_for_a_minute_and_are_not_shown(warehouse: Warehouse) -> None:
    for number in range(3):
        warehouse.write(LIVE_TICKERS, "casablanca", tickers(["ATW"], price=float(number), known_at=minute(number)))
    folder = warehouse.layout.latest("live_tickers")
    assert len(list(folder.glob("casablanca.*.parquet"))) == 3
    assert seen(warehouse, "SELECT price FROM live_tickers_latest") == [(2.0,)]
