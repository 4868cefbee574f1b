"""Pure functions between tables: merge, bars, reconcile. No I/O, no clock, no environment."""
