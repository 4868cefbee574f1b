"""Price levels of a symbol's minute: pivots, swings, the session's volume profile, supply and demand. Pure."""
