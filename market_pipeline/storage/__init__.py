"""The warehouse: Parquet slices read through DuckDB. duckdb and warehouse paths are known only here."""
