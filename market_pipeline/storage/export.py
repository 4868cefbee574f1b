"""Copies of tables that need nothing else of this project: one .duckdb file, or a folder of Parquet or CSV files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from market_pipeline.errors import StorageError, UsageError
from market_pipeline.storage.files import replacing, storage_error, temporary_beside
from market_pipeline.storage.market_duckdb import STORAGE_VERSION
from market_pipeline.storage.tables import Table
from market_pipeline.storage.views import comments_sql
from market_pipeline.storage.warehouse import Warehouse

Progress = Callable[[int, int, str], None]
"""Called with (tables done, tables in all, table at hand)."""
FORMATS = ("duckdb", "parquet", "csv")


@dataclass(frozen=True)
class ExportReport:
    """What was exported: table → rows."""

    path: Path
    rows: dict[str, int]


def export_tables(
    warehouse: Warehouse,
    path: Path,
    *,
    tables: Sequence[str] | None = None,
    market: str | None = None,
    file_format: str = "duckdb",
    progress: Progress = lambda _done, _total, _table: None,
) -> ExportReport:
    """Write `tables` (or all), of one market or all, to `path`: a file, or a folder with one file a table.

    It appears whole or not at all; a .duckdb file that is there is replaced. Raises UsageError for an unknown table
    or format, or a folder that is in use, and StorageError when the disk refuses.
    """
    if file_format not in FORMATS:
        raise UsageError(f"asked for an export as {file_format!r}; there are {', '.join(FORMATS)}")
    chosen = [warehouse.table(name) for name in tables] if tables else list(warehouse.tables)
    path = path.absolute()
    with warehouse.connect() as connection:
        export = _Export(connection, chosen, "" if market is None else f" WHERE market = {_text(market)}", progress)
        try:
            if file_format == "duckdb":
                with replacing(path) as temporary:
                    rows = export.to_duckdb(temporary)
            else:
                rows = _to_new_folder(export, path, file_format)
        except duckdb.IOException as error:
            raise StorageError(
                f"exporting to {path} failed: {error}; no part of it was left behind. "
                "A retry helps once there is room and the folder may be written to."
            ) from error
    return ExportReport(path, rows)


@dataclass(frozen=True)
class _Export:
    connection: duckdb.DuckDBPyConnection
    tables: Sequence[Table]
    where: str
    progress: Progress

    def to_duckdb(self, path: Path) -> dict[str, int]:
        """Write real tables, with their comments, into a new database file."""
        self.connection.execute(f"ATTACH {_text(str(path))} AS exported (STORAGE_VERSION '{STORAGE_VERSION}')")
        try:
            return self._each(self._copy)
        finally:
            self.connection.execute("USE memory")
            self.connection.execute("DETACH exported")

    def to_folder(self, folder: Path, file_format: str) -> dict[str, int]:
        """Write one file a table."""
        options = "FORMAT parquet, COMPRESSION zstd" if file_format == "parquet" else "FORMAT csv, HEADER"

        def copy(table: Table) -> None:
            target = _text(str(folder / f"{table.name}.{file_format}"))
            self.connection.execute(f"COPY ({self._select(table)}) TO {target} ({options})")

        return self._each(copy)

    def _copy(self, table: Table) -> None:
        self.connection.execute("USE memory")
        self.connection.execute(f'CREATE TABLE exported."{table.name}" AS {self._select(table)}')
        self.connection.execute("USE exported")
        for statement in comments_sql("TABLE", table.name, table, columns=table.columns):
            self.connection.execute(statement)

    def _select(self, table: Table) -> str:
        return f'SELECT * FROM memory.main."{table.name}"{self.where}'  # noqa: S608 names are ours

    def _each(self, copy: Callable[[Table], None]) -> dict[str, int]:
        rows = {}
        for done, table in enumerate(self.tables):
            self.progress(done, len(self.tables), table.name)
            copy(table)
            counted = self.connection.execute(f"SELECT count(*) FROM ({self._select(table)})").fetchone()  # noqa: S608
            rows[table.name] = int(counted[0]) if counted else 0
        self.progress(len(self.tables), len(self.tables), "done")
        return rows


def _to_new_folder(export: _Export, folder: Path, file_format: str) -> dict[str, int]:
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"exporting to {folder}: the folder is not empty; name a new one")
    temporary = temporary_beside(folder)
    try:
        temporary.mkdir(parents=True)
        rows = export.to_folder(temporary, file_format)
        temporary.replace(folder)
    except OSError as error:
        raise storage_error(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return rows


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
