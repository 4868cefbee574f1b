"""What arrives in PostgreSQL, and what becomes of it when the server, the table or a row is not as it should be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
import structlog
from pydantic import SecretStr

from market_pipeline.errors import ConfigurationError, SinkUnreachable
from market_pipeline.sinks.postgres import BATCH_ROWS, PostgresSink, Published, open_sink
from market_pipeline.sinks.postgres_dsn import target_of
from market_pipeline.sinks.postgres_table import PublishedTable
from market_pipeline.storage.tables import LIVE_TICKERS
from market_pipeline_tests.conftest import PROJECT
from market_pipeline_tests.postgres_cluster import PASSWORD, Cluster

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SEED = [
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


def tickers(*rows: dict[str, Any]) -> pa.Table:
    """Rows of live_tickers: of ATW in Casablanca at noon, changed."""
    whole = {"ticker": "ATW", "symbol": "ATW", "market": "casablanca", "price": 702.0, "known_at": AT, "event_time": AT}
    return pa.Table.from_pylist([whole | row for row in rows], schema=LIVE_TICKERS.schema)


@contextmanager
def sink_of(postgres: Cluster, *, dsn: str | None = None, feed: str = "simulated") -> Iterator[PostgresSink]:
    with open_sink(target_of(SecretStr(dsn or postgres.dsn)), LIVE_TICKERS.schema, feed=feed) as sink:
        yield sink


@pytest.fixture
def sink(postgres: Cluster) -> Iterator[PostgresSink]:
    """An open sink on a prepared table."""
    with sink_of(postgres) as opened:
        opened.prepare()
        yield opened


def test_the_table_has_a_uuid_then_the_fifteen_names_in_order_with_decimal_prices(
    postgres: Cluster, sink: PostgresSink
) -> None:
    columns = postgres.rows(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'live_tickers' "
        "ORDER BY ordinal_position"
    )
    assert [name for name, _ in columns[:16]] == ["id", *SEED]
    types = dict(columns)
    assert (types["id"], types["price"], types["volume"]) == ("uuid", "numeric", "numeric")
    assert (types["timestamp"], types["flags"], types["provenance"]) == ("timestamp with time zone", "ARRAY", "jsonb")


def test_a_row_arrives_with_every_type_as_it_was(postgres: Cluster, sink: PostgresSink) -> None:
    row = {
        "price": 702.1,
        "volume": 0.00000001,
        "market_cap_billion": 123456789012345.5,
        "timestamp": AT,
        "flags": ["stale", "single_source"],
        "provenance": '{"last": {"source": "casablanca_bourse"}}',
    }
    assert sink.publish(tickers(row), anew=False) == Published(rows=1, set_aside=0)
    [found] = postgres.rows(
        "SELECT price, volume, market_cap_billion, timestamp, flags, provenance #>> '{last,source}', feed "
        "FROM live_tickers"
    )
    assert found[:3] == (Decimal("702.1"), Decimal("0.00000001"), Decimal("123456789012345.5"))
    assert found[3:] == (AT, ["stale", "single_source"], "casablanca_bourse", "simulated")


def test_unknown_is_null_and_zero_is_a_value(postgres: Cluster, sink: PostgresSink) -> None:
    sink.publish(tickers({"price": None, "volume": 0.0, "change_1d_percent": float("nan")}), anew=False)
    assert postgres.rows("SELECT price, volume, change_1d_percent, flags FROM live_tickers") == [
        (None, Decimal(0), None, None)
    ]


def test_an_update_keeps_the_id_and_the_row_count(postgres: Cluster, sink: PostgresSink) -> None:
    sink.publish(tickers({}), anew=False)
    [(first,)] = postgres.rows("SELECT id FROM live_tickers")
    sink.publish(tickers({"price": 703.0, "known_at": AT + timedelta(minutes=1)}), anew=False)
    assert postgres.rows("SELECT id, price FROM live_tickers") == [(first, Decimal("703.0"))]
    assert isinstance(first, UUID)


def test_the_same_rows_again_change_nothing(postgres: Cluster, sink: PostgresSink) -> None:
    for _ in range(2):
        sink.publish(tickers({}, {"ticker": "IAM"}), anew=False)
    assert postgres.rows("SELECT ticker, price FROM live_tickers ORDER BY 1") == [
        ("ATW", Decimal("702.0")),
        ("IAM", Decimal("702.0")),
    ]


def test_an_older_state_never_replaces_a_newer_one_unless_the_market_is_published_anew(
    postgres: Cluster, sink: PostgresSink
) -> None:
    sink.publish(tickers({"price": 2.0}), anew=False)
    older = tickers({"price": 1.0, "known_at": AT - timedelta(minutes=1)})
    sink.publish(older, anew=False)
    assert postgres.rows("SELECT price FROM live_tickers") == [(Decimal("2.0"),)]
    sink.publish(older, anew=True)
    assert postgres.rows("SELECT price FROM live_tickers") == [(Decimal("1.0"),)]


def test_the_same_ticker_of_two_markets_is_two_rows(postgres: Cluster, sink: PostgresSink) -> None:
    sink.publish(tickers({}), anew=False)
    sink.publish(tickers({"market": "india"}), anew=False)
    assert postgres.rows("SELECT market FROM live_tickers ORDER BY 1") == [("casablanca",), ("india",)]


def test_a_row_that_the_table_refuses_is_set_aside_and_stops_no_other(postgres: Cluster, sink: PostgresSink) -> None:
    postgres.rows("ALTER TABLE live_tickers ADD CONSTRAINT sane CHECK (price < 1000)")
    rows = tickers(*({"ticker": f"T{n:04d}", "price": 9999.0 if n == 700 else 1.0} for n in range(BATCH_ROWS + 5)))
    with structlog.testing.capture_logs() as logs:
        assert sink.publish(rows, anew=False) == Published(rows=BATCH_ROWS + 4, set_aside=1)
    assert postgres.rows("SELECT count(*) FROM live_tickers") == [(BATCH_ROWS + 4,)]
    [refused] = [entry for entry in logs if entry["event"] == "row_not_published"]
    assert (refused["ticker"], "violates check constraint" in refused["reason"]) == ("T0700", True)


def test_the_table_says_up_to_when_each_market_was_published(postgres: Cluster, sink: PostgresSink) -> None:
    sink.publish(tickers({}, {"ticker": "IAM", "known_at": AT - timedelta(hours=1)}), anew=False)
    assert dict(sink.standing().newest) == {"casablanca": AT}


def test_feeds_never_mix_in_one_table(postgres: Cluster, sink: PostgresSink) -> None:
    sink.publish(tickers({}), anew=False)
    with sink_of(postgres, feed="live") as live, pytest.raises(ConfigurationError, match="rows of the simulated feed"):
        live.standing()


def test_a_table_with_only_the_seeds_columns_gets_what_it_lacks_and_keeps_its_rows(postgres: Cluster) -> None:
    columns = ", ".join(f"{name} {'TIMESTAMPTZ' if name == 'timestamp' else 'VARCHAR(40)'}" for name in SEED)
    postgres.rows(f"CREATE TABLE live_tickers (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), {columns})")
    postgres.rows("INSERT INTO live_tickers (ticker) VALUES ('OLD')")
    with sink_of(postgres) as sink:
        sink.prepare()
        sink.publish(tickers({}), anew=False)
    assert postgres.rows("SELECT ticker, market FROM live_tickers ORDER BY 1") == [
        ("ATW", "casablanca"),
        ("OLD", None),
    ]


def test_a_role_without_rights_is_told_the_sql_to_run_and_works_once_it_ran(postgres: Cluster) -> None:
    postgres.rows("DROP ROLE IF EXISTS modest")
    postgres.rows("CREATE ROLE modest LOGIN PASSWORD 'modest'")
    dsn = f"postgresql://modest:modest@127.0.0.1:{postgres.port}/postgres"
    with sink_of(postgres, dsn=dsn) as sink, pytest.raises(ConfigurationError) as refused:
        sink.prepare()
    said, _, sql = str(refused.value).partition("\n")
    assert "InsufficientPrivilege: permission denied for schema public" in said
    postgres.rows(sql)
    postgres.rows("GRANT SELECT, INSERT, UPDATE ON live_tickers TO modest")
    with sink_of(postgres, dsn=dsn) as sink:
        sink.prepare()
        assert sink.publish(tickers({}), anew=False).rows == 1
    postgres.rows("DROP OWNED BY modest")
    postgres.rows("DROP ROLE modest")


def test_a_server_that_goes_away_in_between_is_worth_a_retry(postgres: Cluster, sink: PostgresSink) -> None:
    postgres.stop()
    try:
        with pytest.raises(SinkUnreachable, match=r"it broke off .* tried again each minute"):
            sink.publish(tickers({}), anew=False)
        with pytest.raises(SinkUnreachable, match=r"could not \(Connection refused\)"), sink_of(postgres):
            pass
    finally:
        postgres.start()
    with sink_of(postgres) as again:
        assert again.publish(tickers({}), anew=False).rows == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [(("4711@", "4712@"), "authentication failed"), (("/postgres", "/nowhere"), "does not exist")],
    ids=["wrong password", "no such database"],
)
def test_a_server_that_will_not_let_us_in_is_a_wrong_setting(
    postgres: Cluster, change: tuple[str, str], reason: str
) -> None:
    with pytest.raises(ConfigurationError) as refused, sink_of(postgres, dsn=postgres.dsn.replace(*change)):
        pass
    assert reason in str(refused.value)
    assert [word for word in (PASSWORD, "4711", "4712", "word") if word in _without_words(str(refused.value))] == []


def _without_words(text: str) -> str:
    return text.replace("password", "")


@pytest.mark.parametrize(
    "dsn",
    [
        "secret-4711",
        "postgresql://market:secret-/4711@127.0.0.1/db",
        "postgresql://market:4711/secret-@127.0.0.1/db",
        "postgresql://market:4711@secret-@127.0.0.1/db",
        "postgresql://market:%zz-secret-4711@127.0.0.1/db",
    ],
)
def test_a_connection_string_that_cannot_be_read_is_never_quoted(dsn: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        target_of(SecretStr(dsn))
    assert "MARKET_PIPELINE_POSTGRES_DSN and it is no connection string that can be understood" in str(refused.value)
    assert "secret-" not in str(refused.value)
    assert "4711" not in str(refused.value)


def test_the_documentation_shows_the_sql_that_makes_the_table() -> None:
    text = Path(PROJECT / "docs" / "postgres.md").read_text()
    assert PublishedTable(LIVE_TICKERS.schema).create_sql() in text
