"""The SQL of the published table: an id, the columns of live_tickers in their order, and their feed."""

# ruff: noqa: S608  (names are ours and quoted; values are bound)

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

NAME = "live_tickers"
KEY = ("market", "ticker")
JSON_COLUMNS = ("provenance",)
NOT_NULL = (*KEY, "known_at", "feed")
_TYPES = {
    pa.string(): "TEXT",
    pa.float64(): "DECIMAL",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    pa.list_(pa.string()): "TEXT[]",
}
"""DECIMAL without digits keeps every price as it is written, whatever its size."""


@dataclass(frozen=True)
class PublishedTable:
    """What the table looks like for rows of `schema`."""

    schema: pa.Schema

    @property
    def types(self) -> dict[str, str]:
        """Return column → type, without the id."""
        own = {f.name: "JSONB" if f.name in JSON_COLUMNS else _TYPES[f.type] for f in self.schema}
        return {**own, "feed": "TEXT"}

    def create_sql(self) -> str:
        """Return the statements that make the table, or give an older one what it lacks. They may be run again."""
        columns = [f"{_quoted(name)} {type_}{_null(name)}" for name, type_ in self.types.items()]
        listed = ",\n  ".join(["id UUID PRIMARY KEY DEFAULT gen_random_uuid()", *columns])
        added = ",\n  ".join(f"ADD COLUMN IF NOT EXISTS {_quoted(name)} {type_}" for name, type_ in self.types.items())
        return (
            f"CREATE TABLE IF NOT EXISTS {NAME} (\n  {listed}\n);\n"
            f"ALTER TABLE {NAME}\n  {added};\n"
            f"CREATE UNIQUE INDEX IF NOT EXISTS {NAME}_{'_'.join(KEY)} ON {NAME} ({', '.join(KEY)});"
        )

    def upsert_sql(self) -> str:
        """Return the statement that writes one JSON array of rows (%s): an older state never replaces a newer one.

        %(anew)s is true for rows that replace whatever is there. The id stays.
        """
        names = [_quoted(name) for name in self.types]
        record = ", ".join(f"{_quoted(name)} {type_}" for name, type_ in self.types.items())
        changes = ", ".join(f"{name} = excluded.{name}" for name in names if name.strip('"') not in KEY)
        return (
            f"INSERT INTO {NAME} AS kept ({', '.join(names)}) SELECT {', '.join(names)} "
            f"FROM jsonb_to_recordset(%(rows)s::jsonb) AS given ({record}) "
            f"ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {changes} "
            "WHERE %(anew)s OR kept.known_at IS NULL OR kept.known_at <= excluded.known_at"
        )


STANDING_SQL = f"SELECT market, max(known_at), array_agg(DISTINCT feed) FROM {NAME} WHERE market IS NOT NULL GROUP BY 1"
COLUMNS_SQL = f"SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('{NAME}') AND attnum > 0"
INDEX_SQL = f"""SELECT count(*) FROM pg_index WHERE indrelid = to_regclass('{NAME}') AND indisunique AND indpred IS NULL
AND (SELECT array_agg(attname::text ORDER BY attname) FROM pg_attribute
     WHERE attrelid = indrelid AND attnum = ANY (indkey)) = ARRAY['market', 'ticker']"""


def _null(name: str) -> str:
    return " NOT NULL" if name in NOT_NULL else ""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
