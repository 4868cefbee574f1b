"""The way of the data without Dagster: read, pure function, write, return counts."""
