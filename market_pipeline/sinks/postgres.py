"""Publishes rows to PostgreSQL (Supabase included), at least once: an upsert by (market, ticker), newest state wins.

The table itself says up to where it was published, so nothing can disagree with it after an outage or a restore.
Works through connection poolers in transaction mode: settings are LOCAL, statements are not prepared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import pyarrow as pa
import structlog

from market_pipeline.errors import ConfigurationError, MarketPipelineError, SinkUnreachable
from market_pipeline.sinks.postgres_dsn import SETTING, Target, connection_error
from market_pipeline.sinks.postgres_table import COLUMNS_SQL, INDEX_SQL, JSON_COLUMNS, STANDING_SQL, PublishedTable

log = structlog.get_logger("market_pipeline.postgres")

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 15
BATCH_ROWS = 1000
LIMITS_SQL = (
    f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'; SET LOCAL lock_timeout = '5s'; SET LOCAL TimeZone = 'UTC'"
)
PREPARING = 5_021_990_411
"""The advisory lock under which the table is made: two that make it at once would fail."""


@dataclass(frozen=True)
class Standing:
    """How the table is, and up to when it was published: market → newest known_at."""

    newest: Mapping[str, datetime]
    is_prepared: bool
    """The table is there with all that publishing needs."""


@dataclass(frozen=True)
class Published:
    """How many rows were sent, and how many the table's own rules refused."""

    rows: int = 0
    set_aside: int = 0


class PostgresSink:
    """One open connection. Use it as `with open_sink(…) as sink`."""

    def __init__(
        self, connection: psycopg.Connection[Any], *, target: Target, table: PublishedTable, feed: str
    ) -> None:
        self._connection, self._target, self._table, self._feed = connection, target, table, feed

    def standing(self) -> Standing:
        """Return up to when each market was published; without a table nothing was.

        Raise ConfigurationError when the table holds another feed's rows: feeds never mix.
        """
        with self._transaction():
            if not self._is_prepared():
                return Standing({}, is_prepared=False)
            found = self._rows(STANDING_SQL)
        others = sorted({str(feed) for _, _, feeds in found for feed in feeds} - {self._feed})
        if others:
            raise ConfigurationError(
                f"looked at live_tickers in PostgreSQL at {self._target.name} and it holds rows of the {others[0]} "
                f"feed, while this is the {self._feed} feed; a retry does not help; name another database in "
                f"{SETTING}, or another schema by adding ?options=-csearch_path%3Dschema"
            )
        return Standing({market: newest for market, newest, _ in found if newest is not None}, is_prepared=True)

    def prepare(self) -> None:
        """Make the table, or give an older one what it lacks. Raise ConfigurationError with the SQL to run instead."""
        with self._transaction():
            if self._is_prepared():
                return
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (PREPARING,))
            self._connection.execute(self._table.create_sql())
            log.info("postgres_table_prepared", target=self._target.name)

    def _is_prepared(self) -> bool:
        """Tell whether the table has every column, and the unique index that an upsert needs."""
        present = {name for (name,) in self._rows(COLUMNS_SQL)}
        return set(self._table.types) <= present and bool(self._rows(INDEX_SQL)[0][0])

    def publish(self, rows: pa.Table, *, anew: bool) -> Published:
        """Write the rows of one market, all or none; `anew` replaces newer rows too.

        A row that the table refuses is set aside and counted, and stops no other.
        """
        documents = sorted(_documents(rows, self._feed), key=lambda row: str(row["ticker"]))  # one order, no deadlock
        set_aside = 0
        with self._transaction():
            for start in range(0, len(documents), BATCH_ROWS):
                set_aside += self._write(documents[start : start + BATCH_ROWS], anew=anew)
        return Published(len(documents) - set_aside, set_aside)

    def _write(self, documents: Sequence[Mapping[str, Any]], *, anew: bool) -> int:
        """Write a batch; where the table refuses it, each half alone. Return how many rows were refused."""
        values = {"rows": json.dumps(documents), "anew": anew}
        try:
            with self._connection.transaction():
                self._connection.execute(self._table.upsert_sql(), values)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(documents) == 1:
                row = documents[0]
                log.error("row_not_published", market=row["market"], ticker=row["ticker"], reason=_primary(error))
                return 1
            half = len(documents) // 2
            return self._write(documents[:half], anew=anew) + self._write(documents[half:], anew=anew)
        return 0

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._connection.transaction():
                self._connection.execute(LIMITS_SQL)
                yield
        except psycopg.Error as error:
            raise self._failure(error) from None

    def _failure(self, error: psycopg.Error) -> MarketPipelineError:
        """Return our error: what the server cannot do now passes, what it will not do somebody must mend."""
        seen = f"{type(error).__name__}: {_primary(error)}"
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return SinkUnreachable(
                f"worked in PostgreSQL at {self._target.name} and it broke off ({seen}); it is tried again each minute "
                "and nothing is lost; if it lasts, look at the server's log"
            )
        return ConfigurationError(
            f"tried to write live_tickers in PostgreSQL at {self._target.name} and it refused ({seen}); a retry does "
            "not help; let the table's owner run this, and GRANT SELECT, INSERT, UPDATE on it to the role of "
            f"{SETTING} (docs/postgres.md):\n{self._table.create_sql()}"
        )


@contextmanager
def open_sink(target: Target, schema: pa.Schema, *, feed: str) -> Iterator[PostgresSink]:
    """Connect. Raise SinkUnreachable when the server does not answer, ConfigurationError when it will not let us in."""
    try:
        connection = psycopg.connect(
            target.dsn.get_secret_value(),
            autocommit=True,
            prepare_threshold=None,
            client_encoding="utf8",  # a database in SQL_ASCII would hand out bytes
            connect_timeout=CONNECT_SECONDS,
            application_name="market_pipeline",
            tcp_user_timeout=1000 * STATEMENT_SECONDS,
        )
    except psycopg.Error as error:
        raise connection_error(target, error) from None
    try:
        yield PostgresSink(connection, target=target, table=PublishedTable(schema), feed=feed)
    finally:
        connection.close()


def _documents(rows: pa.Table, feed: str) -> list[dict[str, Any]]:
    """Return rows as JSON can hold them; what is not a number is null. Times as text: Arrow's own would load pandas."""
    for index, field in enumerate(rows.schema):
        if pa.types.is_temporal(field.type):
            rows = rows.set_column(index, field.name, rows.column(index).cast(pa.string()))
    return [{name: _plain(name, value) for name, value in row.items()} | {"feed": feed} for row in rows.to_pylist()]


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return json.loads(value) if name in JSON_COLUMNS and value is not None else value


def _primary(error: psycopg.Error) -> str:
    return error.diag.message_primary or error.sqlstate or "no reason given"
