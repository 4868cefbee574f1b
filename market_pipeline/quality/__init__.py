"""Pure judgements: validity, freshness, coverage, health. No I/O, no clock."""
