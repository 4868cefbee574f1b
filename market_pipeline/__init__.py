"""One trustworthy live picture of many markets, minute by minute, kept in DuckDB with lineage, checks and alerts."""
