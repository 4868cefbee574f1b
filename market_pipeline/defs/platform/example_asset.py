"""Two examples to copy: an asset on the warehouse's views, and one kept by dagster-duckdb's own IO manager."""

from typing import Any

import dagster as dg
from dagster_duckdb import DuckDBResource


@dg.asset(
    group_name="examples", deps=[["casablanca", "live_tickers"], ["india", "live_tickers"], ["crypto", "live_tickers"]]
)
def top_movers(duckdb: DuckDBResource) -> dg.MaterializeResult:
    """The instruments that moved most since their previous close, over all markets."""
    query = """SELECT market, symbol, price, change_1d_percent FROM live_tickers_latest
               WHERE change_1d_percent IS NOT NULL ORDER BY abs(change_1d_percent) DESC LIMIT 10"""
    with duckdb.get_connection() as connection:
        movers = connection.sql(query).df()
    return dg.MaterializeResult(
        metadata={"dagster/row_count": len(movers), "movers": dg.MetadataValue.md(movers.to_markdown(index=False))}
    )


@dg.asset(group_name="examples", io_manager_key="own_duckdb", deps=[top_movers])
def newest_prices(duckdb: DuckDBResource) -> Any:  # a pandas.DataFrame; naming it here would load pandas everywhere
    """The newest price of every instrument, kept in a DuckDB file of its own (own.duckdb)."""
    with duckdb.get_connection() as connection:
        return connection.sql("SELECT market, symbol, price, event_time FROM live_tickers_latest").df()
