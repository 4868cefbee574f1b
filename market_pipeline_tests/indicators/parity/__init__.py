"""Our figures beside those of others: how to compute the same thing, how far apart they lie, and why."""
