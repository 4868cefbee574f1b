"""Commands that measure: each prints a table, beside a peer in the same run."""
