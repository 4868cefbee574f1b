"""Judgements about data and running: validity, freshness, coverage, health. Pure: no I/O, no clock, no environment."""
